package anthropic_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

func told() *chat.Told {
	return &chat.Told{ID: "gen-\"1\"", Model: "anthropic/claude", Provider: "Vendor", Created: 7}
}

func billOf(r *meter.Report) *chat.Bill {
	return &chat.Bill{Usage: r.Usage(), Cost: chat.Cost{Total: money.MustParse("0.000000000001")}}
}

func drawReport(t *rapid.T) meter.Report {
	n := func(label string) int64 { return rapid.Int64Range(0, 1<<40).Draw(t, label) }
	r := meter.Report{Given: true, Cached: n("cached"), CacheWrite1h: n("1h"), Reasoning: n("reasoning")}
	r.CacheWrite = r.CacheWrite1h + n("5m")
	r.Prompt, r.Completion = r.Cached+r.CacheWrite+n("input"), r.Reasoning+n("output")
	return r
}

func drawAnswerPart(t *rapid.T) chat.Part {
	p := chat.Part{Kind: oneOf(t, "kind", chat.Text, chat.Thinking, chat.Redacted, chat.ToolCall)}
	switch p.Kind {
	case chat.Text:
		p.Text = rapid.StringN(1, 20, -1).Draw(t, "text")
	case chat.Thinking:
		p.Text, p.Signature, p.Origin = drawText(t), oneOf(t, "signature", "", "c2ln", "mr.gemini.x"), "anthropic"
	case chat.Redacted:
		p.Signature, p.Origin = "ZGF0YQ==", "anthropic"
	default:
		p.Call = &chat.Call{ID: drawID(t), Name: drawID(t), Arguments: oneOf(t, "arguments", `{}`, `{"a":1}`, `{"}": ["{\"\\", {"x":"日本"}], "n":1e400}`)}
	}
	return p
}

func drawAnswer(t *rapid.T) *chat.Answer {
	a := &chat.Answer{ID: told().ID, Report: drawReport(t), Choices: make([]chat.Choice, 1)}
	c := &a.Choices[0]
	for range rapid.IntRange(0, 5).Draw(t, "parts") {
		c.Parts = append(c.Parts, drawAnswerPart(t))
	}
	c.Native = oneOf(t, "native", "end_turn", "stop_sequence", "pause_turn", "max_tokens", "model_context_window_exceeded", "tool_use", "refusal")
	switch c.Native {
	case "max_tokens", "model_context_window_exceeded":
		c.Finish = chat.Length
	case "tool_use":
		c.Finish = chat.ToolCalls
	case "refusal":
		c.Finish = chat.ContentFilter
	case "stop_sequence":
		c.Finish, c.Stop = chat.Stopped, oneOf(t, "stop", "", "END\n")
	default:
		c.Finish = chat.Stopped
	}
	return a
}

func TestAnswersSurviveTheDialect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawAnswer(t)
		body := anthropic.Writer{}.Answer([]byte("before"), want, told(), billOf(&want.Report))
		require.Equal(t, "before", string(body[:6]))
		require.True(t, json.Valid(body[6:]), "%s", body)
		got, err := anthropic.Reader{}.Answer(body[6:])
		require.NoError(t, err)
		require.Equal(t, want, got, "%s", body)
	})
}

// eventsFor takes an answer apart, one part after another.
func eventsFor(t *rapid.T, a *chat.Answer) []chat.Event {
	events := []chat.Event{{Kind: chat.Began, ID: "vendor's"}}
	for i, p := range a.Choices[0].Parts {
		events = append(events, chat.Event{Kind: chat.PartBegan, Part: i, Header: headerOf(p)})
		events = append(events, deltasOf(t, i, p)...)
		events = append(events, chat.Event{Kind: chat.PartEnded, Part: i})
	}
	c := &a.Choices[0]
	return append(events, chat.Event{Kind: chat.Finished, Finish: c.Finish, Native: c.Native, Stop: c.Stop},
		chat.Event{Kind: chat.Reported, Report: a.Report}, chat.Event{Kind: chat.Ended})
}

func headerOf(p chat.Part) chat.Part {
	h := chat.Part{Kind: p.Kind, Origin: p.Origin, Media: p.Media}
	if p.Call != nil {
		h.Call = &chat.Call{ID: p.Call.ID, Name: p.Call.Name}
	}
	return h
}

func deltasOf(t *rapid.T, part int, p chat.Part) (events []chat.Event) {
	body := p.Text
	if p.Call != nil {
		body = p.Call.Arguments
	}
	runes := []rune(body)
	for len(runes) > 0 {
		n := rapid.IntRange(1, len(runes)).Draw(t, "piece")
		events = append(events, chat.Event{Kind: chat.PartDelta, Part: part, Delta: string(runes[:n])})
		runes = runes[n:]
	}
	if p.Signature != "" {
		if len(events) > 0 && rapid.Bool().Draw(t, "signature with the last piece") {
			events[len(events)-1].Signature = p.Signature
		} else {
			events = append(events, chat.Event{Kind: chat.PartDelta, Part: part, Signature: p.Signature})
		}
	}
	return events
}

func encode(events []chat.Event, b *chat.Bill) []byte {
	e := anthropic.Writer{}.Stream(told())
	var out []byte
	for i := range events {
		out = e.Encode(out, &events[i])
	}
	return e.End(out, b)
}

// requireOrder checks what clients rely on: blocks are numbered from 0, and one is open at a time.
func requireOrder(t tester, stream []byte) {
	t.Helper()
	open, blocks := false, 0
	all := eventsOf(t, stream)
	for i, one := range all {
		var data struct {
			Type  string
			Index int
		}
		require.NoError(t, json.Unmarshal([]byte(one.data), &data), "%s", one.data)
		require.Equal(t, one.name, data.Type)
		require.Equal(t, i == 0, one.name == "message_start")
		require.Equal(t, i == len(all)-1, one.name == "message_stop")
		switch one.name {
		case "content_block_start":
			require.False(t, open)
			require.Equal(t, blocks, data.Index)
			open = true
		case "content_block_delta":
			require.True(t, open)
			require.Equal(t, blocks, data.Index)
		case "content_block_stop":
			require.True(t, open)
			require.Equal(t, blocks, data.Index)
			open, blocks = false, blocks+1
		}
	}
	require.False(t, open)
}

func TestStreamsSurviveTheDialect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawAnswer(t)
		stream := encode(eventsFor(t, want), billOf(&want.Report))
		requireOrder(t, stream)
		require.Equal(t, want, fold(t, decode(t, stream)), "%s", stream)
	})
}

// said is what an answer says, whatever its blocks are: the calls in their order, and the texts of a kind joined.
func said(a *chat.Answer) (calls []chat.Call, texts map[chat.PartKind]string) {
	texts = make(map[chat.PartKind]string)
	for _, p := range a.Choices[0].Parts {
		if p.Call != nil {
			calls = append(calls, *p.Call)
			continue
		}
		texts[p.Kind] += p.Text
		texts[p.Kind+100] += p.Signature
	}
	return calls, texts
}

// Parts whose deltas come in any order arrive as whole calls and whole texts.
func TestPartsSideBySideSurviveTheDialect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawAnswer(t)
		seen := map[chat.PartKind]bool{}
		var parts []chat.Part
		for _, p := range want.Choices[0].Parts { // one text of a kind, so that their order is known
			if p.Kind == chat.ToolCall || !seen[p.Kind] {
				parts = append(parts, p)
			}
			seen[p.Kind] = true
		}
		want.Choices[0].Parts = parts
		apart := eventsFor(t, want)
		lanes := make([][]chat.Event, len(parts))
		for _, e := range apart[1 : len(apart)-3] {
			lanes[e.Part] = append(lanes[e.Part], e)
		}
		events := apart[:1:1]
		begun := 0
		for {
			var ready []int
			for i := range lanes {
				if len(lanes[i]) > 0 && i <= begun {
					ready = append(ready, i)
				}
			}
			if len(ready) == 0 {
				break
			}
			i := oneOf(t, "lane", ready...)
			if lanes[i][0].Kind == chat.PartBegan {
				begun++
			}
			if lanes[i][0].Kind != chat.PartEnded || rapid.Bool().Draw(t, "told that it ended") {
				events = append(events, lanes[i][0])
			}
			lanes[i] = lanes[i][1:]
		}
		events = append(events, apart[len(apart)-3:]...)
		stream := encode(events, billOf(&want.Report))
		requireOrder(t, stream)
		got := fold(t, decode(t, stream))
		wantCalls, wantTexts := said(want)
		gotCalls, gotTexts := said(got)
		require.Equal(t, wantCalls, gotCalls, "%s", stream)
		for kind, body := range wantTexts {
			require.Equal(t, body, gotTexts[kind], "%s", stream)
		}
	})
}

func TestHeldBackTextIsBounded(t *testing.T) {
	t.Parallel()
	e := anthropic.Writer{}.Stream(told())
	events := []chat.Event{
		{Kind: chat.PartBegan, Part: 0, Header: call("a", "f", "")},
		{Kind: chat.PartDelta, Part: 0, Delta: "{"},
		{Kind: chat.PartBegan, Part: 1, Header: call("b", "g", "")},
	}
	var out []byte
	for i := range events {
		out = e.Encode(out, &events[i])
	}
	before := len(out)
	piece := chat.Event{Kind: chat.PartDelta, Part: 1, Delta: strings.Repeat("x", 1<<16)}
	pieces := 0
	for ; len(out) == before; pieces++ {
		require.Less(t, pieces, 100)
		out = e.Encode(out, &piece)
	}
	require.Greater(t, pieces, 10)
	out = e.End(out, nil)
	requireOrder(t, out)
	got, _ := said(fold(t, decode(t, out)))
	require.Equal(t, strings.Repeat("x", pieces<<16), got[1].Arguments)
}

// An answer that comes back as the caller's history is what it was: also what vendors of other dialects signed.
func TestAnswersComeBackAsHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := drawAnswer(t)
		parts := a.Choices[0].Parts
		for i := range parts {
			p := &parts[i]
			switch p.Kind {
			case chat.Thinking, chat.Redacted:
				p.Origin, p.Signature = oneOf(t, "origin", "anthropic", "gemini", "openai"), oneOf(t, "signature", "c2ln", "a.b=")
			case chat.ToolCall:
				if p.Signature = oneOf(t, "signature", "", "c2ln", "a.b="); p.Signature != "" {
					p.Origin = oneOf(t, "origin", "gemini", "openai")
				}
			}
		}
		if rapid.Bool().Draw(t, "a picture") {
			parts = append(parts, chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AA=="}})
		}
		a.Choices[0].Parts = parts
		b := billOf(&a.Report)
		blocks := []json.RawMessage{}
		if rapid.Bool().Draw(t, "streamed") {
			stream := encode(eventsFor(t, a), b)
			requireOrder(t, stream)
			blocks = append(blocks, accumulated(t, stream)...)
		} else {
			var m struct{ Content []json.RawMessage }
			require.NoError(t, json.Unmarshal(anthropic.Writer{}.Answer(nil, a, told(), b), &m))
			blocks = append(blocks, m.Content...)
		}
		content, err := json.Marshal(blocks)
		require.NoError(t, err)
		r, err := anthropic.ParseRequest([]byte(turn("assistant", string(content))))
		require.NoError(t, err, "%s", content)
		require.Len(t, r.Messages, 1)
		for i := range parts {
			if c := parts[i].Call; c != nil {
				var compact bytes.Buffer // the client's encoder does that
				require.NoError(t, json.Compact(&compact, []byte(c.Arguments)))
				c.Arguments = compact.String()
			}
		}
		require.Len(t, r.Messages[0].Parts, len(parts), "%s", content)
		for i := range parts {
			require.Equal(t, parts[i], r.Messages[0].Parts[i], "%s", content)
		}
	})
}

// accumulated puts the blocks of a stream together, as a client does that returns them.
func accumulated(t tester, stream []byte) (blocks []json.RawMessage) {
	t.Helper()
	var now map[string]json.RawMessage
	grow := func(member, more string) {
		var was string
		require.NoError(t, json.Unmarshal(now[member], &was))
		now[member], _ = json.Marshal(was + more)
	}
	arguments := ""
	for _, one := range eventsOf(t, stream) {
		var e struct {
			Block map[string]json.RawMessage `json:"content_block"`
			Delta struct {
				Type, Text, Thinking, Signature string
				JSON                            string `json:"partial_json"`
			}
		}
		require.NoError(t, json.Unmarshal([]byte(one.data), &e))
		switch one.name {
		case "content_block_start":
			now, arguments = e.Block, ""
		case "content_block_delta":
			switch e.Delta.Type {
			case "text_delta":
				grow("text", e.Delta.Text)
			case "thinking_delta":
				grow("thinking", e.Delta.Thinking)
			case "signature_delta":
				grow("signature", e.Delta.Signature)
			case "input_json_delta":
				arguments += e.Delta.JSON
			}
		case "content_block_stop":
			if arguments != "" {
				now["input"] = json.RawMessage(arguments)
			}
			raw, err := json.Marshal(now)
			require.NoError(t, err)
			blocks = append(blocks, raw)
		}
	}
	return blocks
}
