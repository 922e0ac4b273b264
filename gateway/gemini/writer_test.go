package gemini_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/meter"
)

var _ chat.Writer = gemini.Writer{}

var told = chat.Told{ID: "gen-1", Model: "google/gemini-3-pro", Provider: "Google", Created: 1}

func reportOf(b *chat.Bill) meter.Report {
	u := b.Usage
	return meter.Report{
		Given: true, Prompt: u.Prompt(), Cached: u[usage.CacheRead], Completion: u.Completion(), Reasoning: u[usage.Reasoning],
		Total: u.Prompt() + u.Completion(), HasTotal: true,
	}
}

// retold is what callers read of an answer: refusals are texts, and what says nothing is not there. In a stream, texts of one
// kind run together unless a signature parts them.
func retold(a *chat.Answer, b *chat.Bill, stream bool) *chat.Answer {
	out := &chat.Answer{ID: told.ID, Report: reportOf(b)}
	for _, c := range a.Choices {
		c.Native = native(c.Finish, c.Native)
		var parts []chat.Part
		for _, p := range c.Parts {
			if p.Kind == chat.Refusal {
				p.Kind = chat.Text
			}
			texts := p.Kind == chat.Text || p.Kind == chat.Thinking
			if texts && p.Text == "" && p.Signature == "" {
				continue
			}
			if p.Call != nil {
				arguments := strings.TrimSpace(p.Call.Arguments)
				if arguments == "" {
					arguments = "{}"
				}
				p.Call = &chat.Call{ID: p.Call.ID, Name: p.Call.Name, Arguments: strings.ReplaceAll(arguments, "\n", " ")}
			}
			if n := len(parts); stream && texts && n > 0 && parts[n-1].Kind == p.Kind && parts[n-1].Signature == "" {
				parts[n-1].Text += p.Text
				parts[n-1].Signature, parts[n-1].Origin = p.Signature, p.Origin
				continue
			}
			parts = append(parts, p)
		}
		c.Parts = parts
		out.Choices = append(out.Choices, c)
	}
	return out
}

func native(finish chat.Finish, was string) string {
	known := map[chat.Finish][]string{
		chat.Stopped: {"STOP"}, chat.ToolCalls: {"STOP"}, chat.Length: {"MAX_TOKENS"},
		chat.ContentFilter: {"SAFETY", "SPII"}, chat.Failed: {"OTHER", "UNEXPECTED_TOOL_CALL"},
	}[finish]
	for _, name := range known {
		if name == was {
			return was
		}
	}
	return known[0]
}

func TestAnswersSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := answers().Draw(t, "answer"), bills().Draw(t, "bill")
		body := gemini.Writer{}.Answer([]byte("head"), a, &told, b)
		require.Equal(t, "head", string(body[:4]))
		requireTold(t, body[4:], b)
		got, err := gemini.Reader{}.Answer(body[4:])
		require.NoError(t, err, "%s", body)
		require.Equal(t, retold(a, b, false), got, "%s", body)
	})
}

func TestStreamsSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := answers().Draw(t, "answer"), bills().Draw(t, "bill")
		events := streamed(t, a)
		requireOrder(t, events)
		e := gemini.Writer{}.Stream(&told)
		var stream []byte
		for i := range events {
			stream = e.Encode(stream, &events[i])
		}
		last := len(stream)
		stream = e.End(stream, b)
		requireTold(t, []byte(strings.TrimPrefix(string(stream[last:]), "data: ")), b)
		got := fold(decode(t, stream))
		for i := range got.Choices {
			for j := range got.Choices[i].Parts {
				if p := &got.Choices[i].Parts[j]; p.Signature == "" {
					p.Origin = "" // headers of streams always say it
				}
			}
		}
		require.Equal(t, retold(a, b, true), got, "%s", stream)
	})
}

// requireTold: the model, the generation and the exact cost.
func requireTold(t require.TestingT, body []byte, b *chat.Bill) {
	var is struct {
		ModelVersion  string
		ResponseID    string `json:"responseId"`
		UsageMetadata struct{ Cost json.Number }
	}
	require.NoError(t, json.Unmarshal(body, &is), "%s", body)
	require.Equal(t, told.Model, is.ModelVersion)
	require.Equal(t, told.ID, is.ResponseID)
	require.Equal(t, b.Cost.Total.String(), is.UsageMetadata.Cost.String())
}

func bill() *chat.Bill {
	return &chat.Bill{
		Usage: usage.Usage{usage.Input: 7, usage.CacheRead: 3, usage.Output: 5, usage.Reasoning: 2},
		Cost:  chat.Cost{Total: money.MustParse("0.000000123456")},
	}
}

const toldText = `"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":3,"candidatesTokenCount":5,"thoughtsTokenCount":2,"totalTokenCount":17,` +
	`"cost":0.000000123456},"modelVersion":"google/gemini-3-pro","responseId":"gen-1"}`

const who = `"modelVersion":"google/gemini-3-pro","responseId":"gen-1"}`

func TestAWrittenAnswer(t *testing.T) {
	t.Parallel()
	a := &chat.Answer{Choices: []chat.Choice{
		{Parts: []chat.Part{{Kind: chat.Thinking, Text: "hm"}, said("a\u2028b"), call("1", ` {"a": "\n"} `)}, Finish: chat.ToolCalls},
		{Index: 1, Finish: chat.ContentFilter, Native: "refusal"},
		{Index: 2},
	}}
	requireBytes(t, `{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a`+"\u2028"+`b"},{"functionCall":{"id":"1","name":"f","args":{"a": "\n"}}}],"role":"model"},"finishReason":"STOP","index":0},`+
		`{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"SAFETY","index":1},{"content":{"parts":[{"text":""}],"role":"model"},"index":2}],`+toldText,
		gemini.Writer{}.Answer(nil, a, &told, bill()))
}

// requireBytes: the very bytes, where JSON that means the same is not enough.
func requireBytes(t *testing.T, want string, got []byte) {
	t.Helper()
	require.Equal(t, want, string(got))
}

func TestAWrittenStream(t *testing.T) {
	t.Parallel()
	e := gemini.Writer{}.Stream(&told)
	var stream []byte
	for _, event := range []chat.Event{
		{Kind: chat.Began},
		{Kind: chat.PartBegan, Header: chat.Part{Kind: chat.Text}},
		{Kind: chat.PartDelta, Delta: "Hel"},
		{Kind: chat.PartDelta, Delta: "lo"},
		{Kind: chat.PartBegan, Part: 1, Header: chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "1", Name: "f"}}},
		{Kind: chat.PartBegan, Part: 2, Header: chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "2", Name: "g"}}},
		{Kind: chat.PartDelta, Part: 2, Delta: "{\n"},
		{Kind: chat.PartDelta, Part: 1, Delta: `{"a":`},
		{Kind: chat.PartDelta, Part: 2, Delta: "}"},
		{Kind: chat.PartDelta, Part: 1, Delta: `1}`},
		{Kind: chat.PartEnded},
		{Kind: chat.PartEnded, Part: 1},
		{Kind: chat.PartEnded, Part: 2},
		{Kind: chat.Finished, Finish: chat.ToolCalls, Native: "tool_calls"},
		{Kind: chat.Reported},
		{Kind: chat.Ended},
	} {
		stream = e.Encode(stream, &event)
	}
	stream = e.End(stream, bill())
	part := func(text string) string {
		return `data: {"candidates":[{"content":{"parts":[` + text + `],"role":"model"},"index":0}],` + who + "\n\n"
	}
	require.Equal(t, part(`{"text":"Hel"}`)+part(`{"text":"lo"}`)+part(`{"functionCall":{"id":"1","name":"f","args":{"a":1}}}`)+part(`{"functionCall":{"id":"2","name":"g","args":{ }}}`)+
		`data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],`+toldText+"\n\n", string(stream))
}

func TestCallsThatAreNone(t *testing.T) {
	t.Parallel()
	a := &chat.Answer{Choices: []chat.Choice{{Parts: []chat.Part{call("1", `{"a":`)}, Finish: chat.ToolCalls}}}
	const want = `{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"Malformed function call: f({\"a\":)","index":0}],` + toldText
	requireBytes(t, want, gemini.Writer{}.Answer(nil, a, &told, bill()))
	e := gemini.Writer{}.Stream(&told)
	var stream []byte
	for _, event := range []chat.Event{
		{Kind: chat.PartBegan, Header: chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "1", Name: "f"}}},
		{Kind: chat.PartDelta, Delta: `{"a":`},
		{Kind: chat.PartEnded},
		{Kind: chat.Finished, Finish: chat.ToolCalls},
	} {
		stream = e.Encode(stream, &event)
	}
	require.Empty(t, stream)
	require.Equal(t, "data: "+want+"\n\n", string(e.End(nil, bill())))
}

func TestStreamsThatBreak(t *testing.T) {
	t.Parallel()
	e := gemini.Writer{}.Stream(&told)
	failure := gemini.AppendError(nil, 503, "try \"again\"")
	const want = `data: {"error":{"code":503,"message":"try \"again\"","status":"UNAVAILABLE"}}` + "\n\n"
	require.Equal(t, want, string(e.Fail(nil, failure, nil)))
	stream := e.Fail(nil, failure, bill())
	require.Equal(t, "data: {"+toldText+"\n\n"+want, string(stream))
	events := decode(t, stream)
	require.Equal(t, chat.Broken, events[len(events)-1].Kind)
	require.Equal(t, "data: {"+who+"\n\n", string(e.End(nil, nil)), "a stream of nothing")
}

func TestForeignSignaturesComeBack(t *testing.T) {
	t.Parallel()
	for _, p := range []chat.Part{
		{Kind: chat.Thinking, Text: "hm", Signature: "EqMC|x", Origin: "anthropic"},
		{Kind: chat.Redacted, Signature: "gAAA", Origin: "responses"},
		{Kind: chat.Thinking, Signature: "gAAA", Origin: "responses"},
		{Kind: chat.ToolCall, Call: &chat.Call{ID: "1", Name: "f", Arguments: "{}"}, Signature: "s", Origin: "other"},
		{Kind: chat.Text, Text: "a", Signature: "T3du", Origin: "gemini"},
	} {
		body := gemini.Writer{}.Answer(nil, &chat.Answer{Choices: []chat.Choice{{Parts: []chat.Part{p}}}}, &told, nil)
		var is struct {
			Candidates []struct{ Content json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(body, &is))
		r := parse(t, `{"contents":[`+string(is.Candidates[0].Content)+`]}`)
		require.Equal(t, []chat.Part{p}, r.Messages[0].Parts)
	}
}

func TestFailureBodies(t *testing.T) {
	t.Parallel()
	for status, name := range map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "RESOURCE_EXHAUSTED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 408: "DEADLINE_EXCEEDED",
		409: "ABORTED", 412: "FAILED_PRECONDITION", 413: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED",
		500: "INTERNAL", 501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 529: "UNAVAILABLE",
	} {
		body := gemini.AppendFailure([]byte("head"), status, "m\xff")
		f := gemini.Reader{}.Failure(body[4:])
		require.NotNil(t, f, "%s", body)
		require.Equal(t, name, f.Type)
		require.Equal(t, "m\uFFFD", f.Message)
	}
}
