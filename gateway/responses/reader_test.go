package responses_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/responses"
	"github.com/massrouter/massrouter/gateway/sse"
)

var reported = meter.Report{Given: true, Prompt: 30, Completion: 12, Cached: 10, CacheWrite: 4, Reasoning: 5, Total: 42, HasTotal: true}

// heard is what a stream told.
type heard struct {
	answer chat.Answer
	parts  []chat.Part
	open   map[int]bool
	ended  bool
	broken *chat.Failure
}

// hear puts events together and checks their grammar.
func hear(t require.TestingT, h *heard, events []chat.Event) {
	for _, e := range events {
		require.False(t, h.ended || h.broken != nil, "something comes after the end")
		switch e.Kind {
		case chat.Began:
			require.Nil(t, h.open)
			h.open = map[int]bool{}
			h.answer.ID, h.answer.Created = e.ID, e.Created
		case chat.PartBegan:
			require.Len(t, h.parts, e.Part)
			p := e.Header
			if p.Call != nil {
				c := *p.Call
				p.Call = &c
			}
			h.parts, h.open[e.Part] = append(h.parts, p), true
		case chat.PartDelta:
			require.True(t, h.open[e.Part])
			p := &h.parts[e.Part]
			if p.Call != nil {
				p.Call.Arguments += e.Delta
			} else {
				p.Text += e.Delta
			}
			p.Signature += e.Signature
			if e.Header.Origin != "" {
				p.Origin = e.Header.Origin
			}
		case chat.PartEnded:
			require.True(t, h.open[e.Part])
			delete(h.open, e.Part)
		case chat.Finished:
			require.Empty(t, h.open)
			h.answer.Choices = []chat.Choice{{Parts: h.parts, Finish: e.Finish, Native: e.Native}}
		case chat.Reported:
			h.answer.Report = e.Report
		case chat.Ended:
			require.NotEmpty(t, h.answer.Choices)
			h.ended = true
		case chat.Broken:
			h.broken = e.Failure
		}
	}
}

func listen(t require.TestingT, stream []byte) (*heard, error) {
	h, d := new(heard), responses.Reader{}.Stream()
	in := sse.NewEvents(bytes.NewReader(stream), make([]byte, 0, 512), 1<<20)
	for {
		name, data, err := in.Next()
		if errors.Is(err, io.EOF) {
			hear(t, h, d.End(nil))
			return h, nil
		}
		require.NoError(t, err)
		events, err := d.Decode(string(name), data, nil)
		if err != nil {
			return h, err
		}
		hear(t, h, events)
	}
}

// genPlain makes parts whose calls are not signed: a vendor of this dialect signs none.
func genPlain(t *rapid.T) []chat.Part {
	parts := genParts(t)
	for i := range parts {
		if parts[i].Kind == chat.ToolCall {
			parts[i].Signature, parts[i].Origin = "", ""
		}
	}
	return parts
}

func finishes(t *rapid.T, parts []chat.Part) (chat.Finish, string) {
	called := false
	for i := range parts {
		called = called || parts[i].Kind == chat.ToolCall
	}
	switch {
	case rapid.Bool().Draw(t, "cut"):
		return chat.Length, "max_output_tokens"
	case rapid.Bool().Draw(t, "filtered"):
		return chat.ContentFilter, "content_filter"
	case called:
		return chat.ToolCalls, "completed"
	}
	return chat.Stopped, "completed"
}

func TestAnswersSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := chat.Choice{Parts: genPlain(t)}
		c.Finish, c.Native = finishes(t, c.Parts)
		body := responses.Writer{}.Answer(nil, &chat.Answer{Choices: []chat.Choice{c}}, told, bill)
		got, err := responses.Reader{}.Answer(body)
		require.NoError(t, err)
		require.Equal(t, &chat.Answer{ID: told.ID, Created: told.Created, Choices: []chat.Choice{c}, Report: reported}, got)
	})
}

func TestStreamsSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := chat.Choice{Parts: genPlain(t)}
		c.Finish, c.Native = finishes(t, c.Parts)
		events := genEvents(t, c.Parts)
		events[len(events)-3].Finish = c.Finish
		e := responses.Writer{}.Stream(told)
		var stream []byte
		for i := range events {
			stream = e.Encode(stream, &events[i])
		}
		h, err := listen(t, e.End(stream, bill))
		require.NoError(t, err)
		require.True(t, h.ended)
		require.Equal(t, reported, h.answer.Report)
		require.Equal(t, c.Finish, h.answer.Choices[0].Finish)
		require.Equal(t, c.Native, h.answer.Choices[0].Native)
		require.ElementsMatch(t, c.Parts, h.parts, "parts that say nothing begin when they end")
	})
}

func genRequest(t *rapid.T) *chat.Request {
	yesNo := rapid.SampledFrom([]*bool{nil, yes(true), yes(false)})
	number := rapid.SampledFrom([]chat.Number{"", "0", "0.70", "-1e-1"})
	r := &chat.Request{
		Model: words().Draw(t, "model"), Stream: rapid.Bool().Draw(t, "stream"), Choices: 1, MaxTokens: rapid.Int64Range(1, 10_000_000).Draw(t, "cap"),
		ParallelTools: yesNo.Draw(t, "parallel"), Temperature: number.Draw(t, "temperature"), TopP: number.Draw(t, "top_p"), User: words().Draw(t, "user"),
	}
	spoken := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chat.Part {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: words().Draw(t, "data"), Detail: "low"}}
		case 1:
			return chat.Part{Kind: chat.File, Media: &chat.Media{URL: "https://" + words().Draw(t, "host"), Name: words().Draw(t, "name")}}
		}
		return text(texts().Draw(t, "text"))
	}), 1, 3)
	for i := range rapid.IntRange(1, 4).Draw(t, "turns") {
		id := "call-" + words().Draw(t, "id") + strings.Repeat("x", i)
		switch rapid.IntRange(0, 2).Draw(t, "turn") {
		case 0:
			r.Messages = append(r.Messages, chat.Message{Role: chat.System, Parts: []chat.Part{text(texts().Draw(t, "text"))}})
		case 1:
			r.Messages = append(r.Messages, chat.Message{Role: chat.User, Parts: spoken.Draw(t, "parts")})
		case 2:
			r.Messages = append(r.Messages,
				chat.Message{Role: chat.Assistant, Parts: []chat.Part{
					thinking(texts().Draw(t, "thought"), "gAAA", "openai"), redacted("gAAB", "openai"), text(texts().Draw(t, "text")), call(id, "f", texts().Draw(t, "arguments")),
				}},
				chat.Message{Role: chat.User, Parts: []chat.Part{{Kind: chat.ToolResult, Result: &chat.Result{CallID: id, Name: "f", Parts: spoken.Draw(t, "result")}}}})
		}
	}
	if rapid.Bool().Draw(t, "tools") {
		r.Tools = []chat.Tool{{Name: "f", Description: "d", Parameters: jsontext.Value(`{"a": 1}`), Strict: yes(rapid.Bool().Draw(t, "strict"))}}
		r.ToolChoice = rapid.SampledFrom([]chat.ToolChoice{{}, {Mode: chat.ToolsAuto}, {Mode: chat.ToolsNone}, {Mode: chat.ToolsAny}, {Mode: chat.ToolsOne, Name: "f"}}).Draw(t, "choice")
	}
	r.Format.Kind = rapid.SampledFrom([]chat.FormatKind{"", chat.PlainText, chat.JSONObject, chat.JSONSchema}).Draw(t, "format")
	if r.Format.Kind == chat.JSONSchema {
		r.Format.Name, r.Format.Schema, r.Format.Strict = words().Draw(t, "name"), jsontext.Value(`{}`), yes(true)
	}
	r.Reasoning = rapid.SampledFrom([]chat.Reasoning{{}, {Off: true}, {Effort: "max"}, {Effort: "low", Show: yes(true)}, {Show: yes(true)}}).Draw(t, "reasoning")
	return r
}

func TestRequestsSurviveTheWayToAVendor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genRequest(t)
		body, err := responses.AppendRequest(nil, want, chat.Options{Model: want.Model, MaxTokens: want.MaxTokens})
		require.NoError(t, err)
		require.True(t, json.Valid(body), "%s", body)
		got, err := responses.ParseRequest(body)
		require.NoError(t, err, "%s", body)
		require.Equal(t, want, got)
	})
}

func TestWhatResponsesCannotSay(t *testing.T) {
	t.Parallel()
	user := []chat.Message{{Role: chat.User, Parts: []chat.Part{text("a")}}}
	for param, r := range map[string]*chat.Request{
		"n": {Messages: user, Choices: 2}, "top_k": {Messages: user, TopK: "1"}, "seed": {Messages: user, Seed: "1"}, "stop": {Messages: user, Stop: []string{"x"}},
		"frequency_penalty": {Messages: user, FrequencyPenalty: "1"}, "presence_penalty": {Messages: user, PresencePenalty: "1"},
		"reasoning.max_tokens": {Messages: user, Reasoning: chat.Reasoning{Budget: 5}}, "messages[0].name": {Messages: []chat.Message{{Role: chat.User, Name: "Ann", Parts: user[0].Parts}}},
	} {
		_, err := responses.AppendRequest(nil, r, chat.Options{Model: "m", MaxTokens: 5})
		var e *domain.Error
		require.ErrorAs(t, err, &e, param)
		require.Equal(t, param, e.Details["param"])
		body, err := responses.AppendRequest(nil, r, chat.Options{Model: "m", MaxTokens: 5, DropUnsupported: true})
		require.NoError(t, err)
		requireBytes(t, `{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]}],"store":false,`+
			`"include":["reasoning.encrypted_content"],"max_output_tokens":5}`, body)
	}
	for _, p := range []chat.Part{{Kind: chat.Audio, Media: &chat.Media{Data: "A"}}, {Kind: chat.Refusal, Text: "no"}, call("a", "f", "{}")} {
		_, err := responses.AppendRequest(nil, &chat.Request{Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{p}}}}, chat.Options{DropUnsupported: true})
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "content is never left out")
	}
	_, err := responses.AppendRequest(nil, &chat.Request{Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{{Kind: chat.Image, Media: &chat.Media{URL: "https://x"}}}}}}, chat.Options{})
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}

func TestVendorsThatFail(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `<html>`, `[]`, `{"output":[]}`, `{"status":"completed"}`, `{"status":"queued","output":[]}`, `{"status":"completed","output":[]} x`,
		`{"status":"failed","output":[],"error":{"code":"server_error","message":"m"}}`,
	} {
		_, err := responses.Reader{}.Answer([]byte(body))
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), body)
	}
	require.Equal(t, &chat.Failure{Code: "server_error", Message: "m"},
		responses.Reader{}.Failure([]byte(`{"status":"failed","output":[],"error":{"code":"server_error","message":"m"}}`)))
	require.Equal(t, &chat.Failure{Type: "invalid_request_error", Param: "input", Message: "m"},
		responses.Reader{}.Failure([]byte(`{"error":{"type":"invalid_request_error","code":null,"param":"input","message":"m"}}`)))
	require.Nil(t, responses.Reader{}.Failure([]byte(`{"status":"completed","error":null}`)))
	require.Nil(t, responses.Reader{}.Failure([]byte(`<html>`)))
}

func TestUnusualAnswers(t *testing.T) {
	t.Parallel()
	a, err := responses.Reader{}.Answer([]byte(`{"id":"r","status":"completed","output":[{"type":"web_search_call","id":"x"},{"type":"reasoning","summary":[{"text":"a"},{"text":"b"}]},` +
		`{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"c"}]},{"type":"message","content":[{"type":"output_text","text":"d"},{"type":"new"}]},7],` +
		`"usage":{"input_tokens":1,"output_tokens":1.5,"total_tokens":null,"input_tokens_details":null}}`))
	require.NoError(t, err)
	require.Equal(t, []chat.Part{{Kind: chat.Thinking, Text: "a\n\nb"}, {Kind: chat.Thinking, Text: "c"}, text("d")}, a.Choices[0].Parts)
	require.Equal(t, meter.Report{Given: true, Broken: true, Prompt: 1, Media: usage.Usage{usage.Search: 1}}, a.Report)
}

func TestUnusualStreams(t *testing.T) {
	t.Parallel()
	begun := `data: {"type":"response.created","response":{"id":"r","created_at":7}}` + "\n\n" +
		`data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}` + "\n\n" +
		`data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a"}` + "\n\n"
	h, err := listen(t, []byte(begun))
	require.NoError(t, err)
	require.False(t, h.ended, "cut off")
	require.Equal(t, "r", h.answer.ID)
	require.Equal(t, int64(7), h.answer.Created)

	h, err = listen(t, []byte(begun+"event: error\ndata: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\",\"param\":null,\"sequence_number\":4}\n\n"+begun))
	require.NoError(t, err)
	require.Equal(t, &chat.Failure{Type: "error", Code: "c", Message: "m"}, h.broken)

	h, err = listen(t, []byte(begun+`data: {"type":"response.failed","response":{"status":"failed","error":{"code":"c","message":"m"},"usage":{"input_tokens":3,"output_tokens":1}}}`+"\n\n"))
	require.NoError(t, err)
	require.Equal(t, &chat.Failure{Code: "c", Message: "m"}, h.broken)
	require.Equal(t, meter.Report{Given: true, Prompt: 3, Completion: 1}, h.answer.Report)

	h, err = listen(t, []byte(begun+
		`data: {"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"a"},{"type":"output_text","text":"never told in pieces"}]}}`+"\n\n"+
		`data: {"type":"response.output_item.added","output_index":1,"item":{"type":"reasoning","summary":[]}}`+"\n\n"+
		`data: {"type":"response.reasoning_summary_text.delta","output_index":1,"summary_index":0,"delta":"h"}`+"\n\n"+
		`data: {"type":"response.reasoning_summary_text.delta","output_index":1,"summary_index":1,"delta":"m"}`+"\n\n"+
		`data: {"type":"response.output_item.done","output_index":1,"item":{"type":"reasoning","summary":[{"text":"h"},{"text":"m"}],"encrypted_content":"gAAA"}}`+"\n\n"+
		`data: {"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}}`+"\n\n"+
		`data: {"type":"response.output_text.delta","output_index":9,"delta":"of nothing"}`+"\n\n"+
		`data: {"type":"response.new"}`+"\n\n"+
		`data: {"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":3,"output_tokens":1}}}`+"\n\ndata: [DONE]\n\n"))
	require.NoError(t, err)
	require.True(t, h.ended)
	require.Equal(t, []chat.Choice{{
		Parts: []chat.Part{text("a"), text("never told in pieces"), thinking("h\n\nm", "gAAA", "openai"), call("a", "f", "{}")}, Finish: chat.ToolCalls, Native: "completed",
	}}, h.answer.Choices)

	for _, data := range []string{`<html>`, `[]`, `{"type":`, `{} {}`} {
		_, err := listen(t, []byte(begun+"data: "+data+"\n\n"))
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), data)
	}
}

// FuzzDecoder: no bytes of a vendor break the grammar of streams.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte(`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f"}}` + "\n" +
		`{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{}"}` + "\n" + `{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning"}}` + "\n" +
		`{"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":1}}}`))
	f.Add([]byte(`{"type":"response.output_item.added","output_index":1,"item":{"type":"message"}}` + "\n" + `{"type":"response.refusal.delta","output_index":1,"content_index":5,"delta":"x"}` + "\n" +
		`{"type":"response.output_item.done","output_index":1,"item":{"type":"reasoning","encrypted_content":"x","summary":[{"text":"y"}]}}` + "\n" + `{"type":"error","error":{"message":"m"}}`))
	f.Add([]byte(`{"type":"response.output_item.added","output_index":1,"item":{"type":"reasoning"}}` + "\n" + `{"type":"response.reasoning_text.delta","output_index":1,"content_index":2,"delta":"x"}` + "\n" +
		`{"type":"response.output_item.done","output_index":1,"item":{"type":"reasoning","encrypted_content":"mrc.a.YQ.x"}}`))
	f.Fuzz(func(t *testing.T, stream []byte) {
		d, h := responses.Reader{}.Stream(), new(heard)
		for line := range bytes.SplitSeq(stream, []byte("\n")) {
			events, err := d.Decode("", line, nil)
			if err != nil {
				require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
				return
			}
			hear(t, h, events)
		}
	})
}
