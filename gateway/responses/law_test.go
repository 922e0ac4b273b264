package responses_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/responses"
	"github.com/massrouter/massrouter/gateway/sse"
)

var (
	told = &chat.Told{ID: "gen-7", Model: "acme/large", Provider: "Acme", Created: 5}
	bill = &chat.Bill{
		Usage: usage.Usage{usage.Input: 16, usage.CacheRead: 10, usage.CacheWrite: 4, usage.Output: 7, usage.Reasoning: 5, usage.Request: 1},
		Cost:  chat.Cost{Total: money.MustParse("0.000000000123"), Prompt: money.MustParse("0.000000000023"), Completion: money.MustParse("0.0000000001")},
	}
)

// Each test makes its own generators: one cannot be shared by tests that run beside one another.
func words() *rapid.Generator[string]    { return rapid.StringMatching(`[a-z_0-9-]{1,8}`) }
func texts() *rapid.Generator[string]    { return rapid.StringN(1, 12, -1) }
func payloads() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z0-9+/.]{4,12}`) }

func origins() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"openai", "anthropic", "gemini", "xai-responses-v1"})
}

// genParts makes the parts of an answer: thoughts, texts(), refusals, calls and pictures in any order.
func genParts(t *rapid.T) (parts []chat.Part) {
	for i := range rapid.IntRange(1, 5).Draw(t, "parts") {
		var p chat.Part
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			p = text(texts().Draw(t, "text"))
		case 1:
			p = chat.Part{Kind: chat.Refusal, Text: texts().Draw(t, "refusal")}
		case 2:
			p = thinking(rapid.StringN(0, 8, -1).Draw(t, "thought"), genSignature(t), origins().Draw(t, "origin"))
		case 3:
			p = redacted(genSignature(t), origins().Draw(t, "origin"))
		case 4:
			p = call("call."+strconv.Itoa(i), words().Draw(t, "tool"), rapid.StringN(0, 8, -1).Draw(t, "arguments"))
			if rapid.Bool().Draw(t, "signed") {
				p.Signature, p.Origin = genSignature(t), origins().Draw(t, "origin")
			}
		case 5:
			p = chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: payloads().Draw(t, "data")}}
		}
		parts = append(parts, p)
	}
	return parts
}

// genSignature makes a signature that is not one of our own wrappings.
func genSignature(t *rapid.T) string { return "s" + payloads().Draw(t, "signature") }

// returned is what comes back when a caller sends the output of a response as input.
func returned(t require.TestingT, response []byte) []chat.Part {
	var r struct {
		Output json.RawMessage `json:"output"`
	}
	require.NoError(t, json.Unmarshal(response, &r), "%s", response)
	q, err := responses.ParseRequest([]byte(`{"model":"m","input":` + string(r.Output) + `}`))
	require.NoError(t, err, "%s", r.Output)
	require.Empty(t, q.Unsupported)
	require.Len(t, q.Messages, 1)
	require.Equal(t, chat.Assistant, q.Messages[0].Role)
	return q.Messages[0].Parts
}

func TestAnswersComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genParts(t)
		body := responses.Writer{}.Answer(nil, &chat.Answer{Choices: []chat.Choice{{Parts: want, Finish: chat.Stopped}}}, told, bill)
		require.Equal(t, want, returned(t, body))
	})
}

// event is an event of a stream.
type event struct {
	Type         string          `json:"type"`
	Sequence     *int            `json:"sequence_number"`
	Response     json.RawMessage `json:"response"`
	OutputIndex  int             `json:"output_index"`
	ItemID       string          `json:"item_id"`
	Item         json.RawMessage `json:"item"`
	Part         json.RawMessage `json:"part"`
	Delta        string          `json:"delta"`
	Text         string          `json:"text"`
	Arguments    string          `json:"arguments"`
	Refusal      string          `json:"refusal"`
	SummaryIndex *int            `json:"summary_index"`
	ContentIndex *int            `json:"content_index"`
}

// read reads a stream: names and types are the same, and the numbers have no gap.
func read(t require.TestingT, stream []byte) (events []event) {
	in := sse.NewEvents(bytes.NewReader(stream), make([]byte, 0, 512), 1<<20)
	for {
		name, data, err := in.Next()
		if errors.Is(err, io.EOF) {
			return events
		}
		require.NoError(t, err)
		var e event
		require.NoError(t, json.Unmarshal(data, &e), "%s", data)
		require.Equal(t, string(name), e.Type)
		require.NotNil(t, e.Sequence)
		require.Equal(t, len(events), *e.Sequence)
		events = append(events, e)
	}
}

func TestStreamsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genParts(t)
		e := responses.Writer{}.Stream(told)
		var stream []byte
		for _, v := range genEvents(t, want) {
			stream = e.Encode(stream, &v)
		}
		stream = e.End(stream, bill)
		events := read(t, stream)
		checkItems(t, events)
		last := events[len(events)-1]
		require.Equal(t, "response.completed", last.Type)
		require.ElementsMatch(t, want, returned(t, last.Response), "signed calls come with an item of their own")
		whole := responses.Writer{}.Answer(nil, &chat.Answer{Choices: []chat.Choice{{Parts: want, Finish: chat.Stopped}}}, told, bill)
		require.JSONEq(t, without(t, whole), without(t, last.Response))
	})
}

// without is a response without its output.
func without(t require.TestingT, response []byte) string {
	var r map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(response, &r))
	delete(r, "output")
	b, err := json.Marshal(r)
	require.NoError(t, err)
	return string(b)
}

// checkItems checks what a client relies on: an item is added before anything is said of it and is done once; what was said in
// pieces is what is said at its end; and the last event repeats all items as they were done.
func checkItems(t require.TestingT, events []event) {
	require.Equal(t, "response.created", events[0].Type)
	require.Equal(t, "response.in_progress", events[1].Type)
	type state struct {
		id, text string
		done     json.RawMessage
	}
	var items []*state
	for _, e := range events[2 : len(events)-1] {
		require.Empty(t, e.Response)
		switch e.Type {
		case "response.output_item.added":
			require.Equal(t, len(items), e.OutputIndex)
			var item struct{ ID, Status string }
			require.NoError(t, json.Unmarshal(e.Item, &item))
			items = append(items, &state{id: item.ID})
			continue
		case "response.output_item.done":
			require.Nil(t, items[e.OutputIndex].done)
			items[e.OutputIndex].done = e.Item
			continue
		}
		require.Less(t, e.OutputIndex, len(items))
		s := items[e.OutputIndex]
		require.Nil(t, s.done)
		require.Equal(t, s.id, e.ItemID)
		switch {
		case strings.HasSuffix(e.Type, ".delta"):
			s.text += e.Delta
		case strings.HasSuffix(e.Type, "_part.done"), strings.HasSuffix(e.Type, "_part.added"):
			require.NotEmpty(t, e.Part)
		case strings.HasSuffix(e.Type, ".done"):
			require.Equal(t, s.text, e.Text+e.Refusal+e.Arguments)
		default:
			require.Fail(t, "no such event", e.Type)
		}
	}
	var last struct{ Output []json.RawMessage }
	require.NoError(t, json.Unmarshal(events[len(events)-1].Response, &last))
	require.Len(t, last.Output, len(items))
	for i, s := range items {
		require.JSONEq(t, string(s.done), string(last.Output[i]))
	}
}

// genEvents tells parts in pieces; several may be open at a time.
func genEvents(t *rapid.T, parts []chat.Part) []chat.Event {
	events := []chat.Event{{Kind: chat.Began, ID: "theirs", Created: 1}}
	var open [][]chat.Event
	tell := func() {
		for i := range open {
			if len(open[i]) > 0 {
				events, open[i] = append(events, open[i][0]), open[i][1:]
			}
		}
	}
	for i, p := range parts {
		header := chat.Part{Kind: p.Kind, Origin: p.Origin, Media: p.Media}
		whole := p.Text
		if p.Kind == chat.ToolCall {
			whole, header.Call = p.Call.Arguments, &chat.Call{ID: p.Call.ID, Name: p.Call.Name}
		}
		var queue []chat.Event
		for whole != "" {
			n := rapid.IntRange(1, len([]rune(whole))).Draw(t, "runes")
			piece := string([]rune(whole)[:n])
			whole = whole[len(piece):]
			queue = append(queue, chat.Event{Kind: chat.PartDelta, Part: i, Delta: piece})
		}
		switch {
		case p.Signature == "":
		case rapid.Bool().Draw(t, "at first"):
			header.Signature = p.Signature
		default:
			queue = append(queue, chat.Event{Kind: chat.PartDelta, Part: i, Signature: p.Signature})
		}
		events = append(events, chat.Event{Kind: chat.PartBegan, Part: i, Header: header})
		open = append(open, append(queue, chat.Event{Kind: chat.PartEnded, Part: i}))
		for range rapid.IntRange(0, 3).Draw(t, "pieces") {
			tell()
		}
	}
	for range 20 {
		tell()
	}
	return append(events, chat.Event{Kind: chat.Finished, Finish: chat.Stopped, Native: "end_turn"}, chat.Event{Kind: chat.Reported}, chat.Event{Kind: chat.Ended})
}
