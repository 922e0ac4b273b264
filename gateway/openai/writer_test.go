package openai_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

const billed = `{"prompt_tokens":30,"completion_tokens":12,"total_tokens":42,"cost":0.000000000123,"is_byok":false,"prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":4},` +
	`"completion_tokens_details":{"reasoning_tokens":5},"cost_details":{"upstream_inference_cost":null,"upstream_inference_prompt_cost":0.000000000023,"upstream_inference_completions_cost":0.0000000001}}`

func TestWriterOfAnswers(t *testing.T) {
	t.Parallel()
	a := &chat.Answer{Choices: []chat.Choice{
		{Parts: []chat.Part{thinking("hm", "s", "anthropic"), redacted("x", "anthropic"), text("He said \"hi\""), call("a", "f", `{"x":1}`)}, Finish: chat.ToolCalls, Native: "tool_use"},
		{Index: 1, Parts: []chat.Part{{Kind: chat.Refusal, Text: "no"}}, Finish: chat.ContentFilter},
		{Index: 2, Parts: []chat.Part{{Kind: chat.ToolCall, Call: &chat.Call{ID: "b", Name: "g", Arguments: "{}"}, Signature: "z", Origin: "gemini"}}},
	}}
	requireBytes(t, `{"id":"gen-7","object":"chat.completion","created":5,"model":"acme/large","provider":"Acme","system_fingerprint":null,"choices":[`+
		`{"index":0,"logprobs":null,"finish_reason":"tool_calls","native_finish_reason":"tool_use","message":{"role":"assistant","content":"He said \"hi\"","refusal":null,"reasoning":"hm",`+
		`"reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s","format":"anthropic-claude-v1","index":0},{"type":"reasoning.encrypted","data":"x","format":"anthropic-claude-v1","index":1}],`+
		`"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]}},`+
		`{"index":1,"logprobs":null,"finish_reason":"content_filter","native_finish_reason":null,"message":{"role":"assistant","content":null,"refusal":"no"}},`+
		`{"index":2,"logprobs":null,"finish_reason":null,"native_finish_reason":null,"message":{"role":"assistant","content":null,"refusal":null,`+
		`"reasoning_details":[{"type":"reasoning.encrypted","data":"z","id":"b","format":"google-gemini-v1","index":0}],`+
		`"tool_calls":[{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}}],"usage":`+billed+`}`,
		openai.Writer{}.Answer(nil, a, told, bill))
	requireBytes(t, `{"id":"gen-7","object":"chat.completion","created":5,"model":"acme/large","provider":"Acme","system_fingerprint":null,"choices":[]}`,
		openai.Writer{}.Answer(nil, new(chat.Answer), told, nil))
}

func TestWriterOfStreams(t *testing.T) {
	t.Parallel()
	head := `data: {"id":"gen-7","object":"chat.completion.chunk","created":5,"model":"acme/large","provider":"Acme","choices":[`
	going := `,"logprobs":null,"finish_reason":null,"native_finish_reason":null}]}` + "\n\n"
	e := openai.Writer{}.Stream(told)
	for _, row := range []struct {
		event chat.Event
		want  string
	}{
		{chat.Event{Kind: chat.Began, ID: "msg_1"}, ""},
		{chat.Event{Kind: chat.PartBegan, Header: chat.Part{Kind: chat.Thinking, Origin: "anthropic"}}, ""},
		{
			chat.Event{Kind: chat.PartDelta, Delta: "hm"},
			head + `{"index":0,"delta":{"role":"assistant","content":"","reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","format":"anthropic-claude-v1","index":0}]}` + going,
		},
		{
			chat.Event{Kind: chat.PartDelta, Signature: "s"},
			head + `{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","signature":"s","format":"anthropic-claude-v1","index":0}]}` + going,
		},
		{chat.Event{Kind: chat.PartEnded}, ""},
		{
			chat.Event{Kind: chat.PartBegan, Part: 1, Header: chat.Part{Kind: chat.Redacted, Signature: "x", Origin: "anthropic"}},
			head + `{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"x","format":"anthropic-claude-v1","index":1}]}` + going,
		},
		{chat.Event{Kind: chat.PartEnded, Part: 1}, ""},
		{chat.Event{Kind: chat.PartBegan, Part: 2, Header: chat.Part{Kind: chat.Text}}, ""},
		{chat.Event{Kind: chat.PartDelta, Part: 2, Delta: "a\"b"}, head + `{"index":0,"delta":{"content":"a\"b"}` + going},
		{
			chat.Event{Kind: chat.PartBegan, Part: 3, Header: chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "a", Name: "f"}}},
			head + `{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}` + going,
		},
		{
			chat.Event{Kind: chat.PartBegan, Part: 4, Header: chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "b", Name: "g"}, Signature: "z", Origin: "gemini"}},
			head + `{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}` + going +
				head + `{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"z","id":"b","format":"google-gemini-v1"}]}` + going,
		},
		{chat.Event{Kind: chat.PartDelta, Part: 3, Delta: "{"}, head + `{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}` + going},
		{chat.Event{Kind: chat.PartDelta, Part: 4, Delta: "{}"}, head + `{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}` + going},
		{chat.Event{Kind: chat.PartDelta, Part: 9, Delta: "of nothing"}, ""},
		{chat.Event{Kind: chat.PartBegan, Choice: 1, Header: chat.Part{Kind: chat.Refusal}}, ""},
		{chat.Event{Kind: chat.PartDelta, Choice: 1, Delta: "no"}, head + `{"index":1,"delta":{"role":"assistant","refusal":"no"}` + going},
		{
			chat.Event{Kind: chat.Finished, Choice: 1, Finish: chat.Stopped, Native: "end_turn"},
			head + `{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop","native_finish_reason":"end_turn"}]}` + "\n\n",
		},
		{chat.Event{Kind: chat.Reported, Report: reported}, ""},
		{chat.Event{Kind: chat.Ended}, ""},
	} {
		require.Equal(t, row.want, string(e.Encode(nil, &row.event)), "%+v", row.event)
	}
	require.Equal(t, head+`],"usage":`+billed+"}\n\ndata: [DONE]\n\n", string(e.End(nil, bill)))
	require.Equal(t, head+`{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":"error"}],"error":{"code":502},"usage":`+billed+"}\n\n",
		string(e.Fail(nil, []byte(`{"code":502}`), bill)))
	require.NotContains(t, string(e.Fail(nil, []byte(`{"code":502}`), nil)), "usage")
}
