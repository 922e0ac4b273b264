package openai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
)

func text(s string) chat.Part { return chat.Part{Kind: chat.Text, Text: s} }

func call(id, name, arguments string) chat.Part {
	return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: id, Name: name, Arguments: arguments}}
}

func thinking(s, signature, origin string) chat.Part {
	return chat.Part{Kind: chat.Thinking, Text: s, Signature: signature, Origin: origin}
}

func redacted(signature, origin string) chat.Part {
	return chat.Part{Kind: chat.Redacted, Signature: signature, Origin: origin}
}

func TestCanonicalAnswer(t *testing.T) {
	t.Parallel()
	a, err := openai.Canonical{}.Answer([]byte(whole))
	require.NoError(t, err)
	require.Equal(t, &chat.Answer{
		ID: "chatcmpl-1", Created: 17,
		Choices: []chat.Choice{{Parts: []chat.Part{{Kind: chat.Thinking, Text: "hm"}, text("Hello")}, Finish: chat.Stopped, Native: "stop"}},
		Report:  meter.Report{Given: true, Prompt: 30, Completion: 12, Cached: 10, CacheWrite: 4, Reasoning: 5, Total: 42, HasTotal: true, Tier: "default"},
	}, a)
}

func TestCanonicalMessages(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		choice string
		want   chat.Choice
	}{
		"calls": {
			`{"index":1,"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":{"y":2}}}]},"finish_reason":"tool_calls"}`,
			chat.Choice{Index: 1, Parts: []chat.Part{call("a", "f", `{"x":1}`), call("b", "g", `{"y":2}`)}, Finish: chat.ToolCalls, Native: "tool_calls"},
		},
		"a call by name ends with stop": {
			`{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":""}}]},"finish_reason":"stop"}`,
			chat.Choice{Parts: []chat.Part{call("a", "f", "")}, Finish: chat.ToolCalls, Native: "stop"},
		},
		"old call": {
			`{"message":{"function_call":{"name":"f","arguments":"{}"}},"finish_reason":"function_call"}`,
			chat.Choice{Parts: []chat.Part{call("", "f", "{}")}, Finish: chat.ToolCalls, Native: "function_call"},
		},
		"refusal": {
			`{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}`,
			chat.Choice{Parts: []chat.Part{{Kind: chat.Refusal, Text: "no"}}, Finish: chat.Stopped, Native: "stop"},
		},
		"thoughts said twice": {
			`{"message":{"content":"a","reasoning":"hm","reasoning_content":"hm"},"finish_reason":"length"}`,
			chat.Choice{Parts: []chat.Part{{Kind: chat.Thinking, Text: "hm"}, text("a")}, Finish: chat.Length, Native: "length"},
		},
		"details go before their text": {
			`{"message":{"content":"a","reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"h","index":0,"format":"anthropic-claude-v1"},{"type":"reasoning.text","text":"m","signature":"s","index":0},` +
				`{"type":"reasoning.encrypted","data":"x","index":1,"format":"anthropic-claude-v1"},{"type":"reasoning.summary","summary":"short","format":"openai-responses-v1","index":2},{"type":"reasoning.new"},{"type":"reasoning.encrypted"}]},` +
				`"finish_reason":"stop","native_finish_reason":"end_turn"}`,
			chat.Choice{Parts: []chat.Part{
				thinking("hm", "s", "anthropic"), redacted("x", "anthropic"), thinking("short", "", "openai"), text("a"),
			}, Finish: chat.Stopped, Native: "end_turn"},
		},
		"signature of a call": {
			`{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}],"reasoning_details":[{"type":"reasoning.encrypted","data":"x","id":"a","format":"google-gemini-v1"}]},"finish_reason":"tool_calls"}`,
			chat.Choice{Parts: []chat.Part{{
				Kind: chat.ToolCall, Call: &chat.Call{ID: "a", Name: "f", Arguments: "{}"}, Signature: "x", Origin: "gemini",
			}}, Finish: chat.ToolCalls, Native: "tool_calls"},
		},
		"list of parts": {
			`{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},{"type":"text","text":"a"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"b"}]},"finish_reason":"model_length"}`,
			chat.Choice{Parts: []chat.Part{{Kind: chat.Thinking, Text: "hm"}, text("ab")}, Finish: chat.Length, Native: "model_length"},
		},
		"pictures": {
			`{"message":{"content":"look","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"image_url":{"url":"gopher://x"}}]},"finish_reason":"stop"}`,
			chat.Choice{Parts: []chat.Part{text("look"), {Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA"}}}, Finish: chat.Stopped, Native: "stop"},
		},
		"nonsense": {
			`{"index":-4,"message":{"content":7,"refusal":[],"tool_calls":{"a":1},"reasoning_details":"x","images":null},"finish_reason":3}`,
			chat.Choice{},
		},
		"filtered": {`{"message":{"content":""},"finish_reason":"content_filter"}`, chat.Choice{Finish: chat.ContentFilter, Native: "content_filter"}},
		"failed":   {`{"message":{"content":""},"finish_reason":"error"}`, chat.Choice{Finish: chat.Failed, Native: "error"}},
		"own word": {`{"message":{"content":""},"finish_reason":"eos"}`, chat.Choice{Finish: chat.Stopped, Native: "eos"}},
		"no word":  {`{"message":{"content":""}}`, chat.Choice{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := openai.Canonical{}.Answer([]byte(`{"choices":[` + row.choice + `]}`))
			require.NoError(t, err)
			require.Equal(t, []chat.Choice{row.want}, a.Choices)
		})
	}
}

func TestCanonicalAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `<html>`, `[]`, `{"choices":[{"index":0`, `{"choices":[]} {}`, `{"object":"list","data":[]}`, `{"choices":{}}`, `{"error":{"message":"m"}}`} {
		_, err := openai.Canonical{}.Answer([]byte(body))
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), body)
	}
	require.Equal(t, &chat.Failure{Type: "t", Code: "429", Message: "m", Param: "p"},
		openai.Canonical{}.Failure([]byte(`{"error":{"message":"m","type":"t","code":429,"param":"p"}}`)))
	require.Nil(t, openai.Canonical{}.Failure([]byte(`{"choices":[]}`)))
	require.Nil(t, openai.Canonical{}.Failure([]byte(`<html>`)))
}

// chunks makes a stream of the given choices, each in a chunk of its own.
func chunks(choices ...string) string {
	var s strings.Builder
	for _, c := range choices {
		s.WriteString(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"m","choices":[` + c + `],"usage":null}` + "\n\n")
	}
	return s.String()
}

const (
	last = `data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}` + "\n\n"
	done = "data: [DONE]\n\n"
)

func TestCanonicalStreams(t *testing.T) {
	t.Parallel()
	stop := `{"index":0,"delta":{},"finish_reason":"stop"}`
	for name, row := range map[string]struct {
		stream string
		want   []chat.Choice
	}{
		"text": {
			chunks(`{"index":0,"delta":{"role":"assistant","content":""}}`, `{"index":0,"delta":{"content":"Hel"}}`, `{"index":0,"delta":{"content":"lo"},"finish_reason":null}`, stop),
			[]chat.Choice{{Parts: []chat.Part{text("Hello")}, Finish: chat.Stopped, Native: "stop"}},
		},
		"thoughts, text, refusal": {
			chunks(`{"delta":{"reasoning_content":"h"}}`, `{"delta":{"reasoning_content":"m","reasoning":"m"}}`, `{"delta":{"content":"a"}}`, `{"delta":{"reasoning":"and"}}`, `{"delta":{"content":"b"}}`, `{"delta":{"refusal":"no"}}`, stop),
			[]chat.Choice{{Parts: []chat.Part{
				{Kind: chat.Thinking, Text: "hm"}, text("a"), {Kind: chat.Thinking, Text: "and"}, text("b"), {Kind: chat.Refusal, Text: "no"},
			}, Finish: chat.Stopped, Native: "stop"}},
		},
		"details": {
			chunks(`{"delta":{"reasoning":"h","reasoning_details":[{"type":"reasoning.text","text":"h","index":0,"format":"anthropic-claude-v1"}]}}`,
				`{"delta":{"reasoning":"m","reasoning_details":[{"type":"reasoning.text","text":"m","index":0,"format":"anthropic-claude-v1"}]}}`,
				`{"delta":{"reasoning_details":[{"type":"reasoning.text","signature":"s","index":0,"format":"anthropic-claude-v1"}]}}`,
				`{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"x","id":"rs_1","index":1,"format":"openai-responses-v1"}]}}`,
				`{"delta":{"content":"a"}}`, stop),
			[]chat.Choice{{Parts: []chat.Part{thinking("hm", "s", "anthropic"), redacted("x", "openai"), text("a")}, Finish: chat.Stopped, Native: "stop"}},
		},
		"parallel calls, pieces in any order": {
			chunks(`{"delta":{"content":"let me"}}`, `{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}`,
				`{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}}`, `{"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}}]}}`,
				`{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"function":{"arguments":"}"}}]}}`, `{"delta":{},"finish_reason":"tool_calls"}`),
			[]chat.Choice{{Parts: []chat.Part{text("let me"), call("a", "f", `{"x":1}`), call("b", "g", "{}")}, Finish: chat.ToolCalls, Native: "tool_calls"}},
		},
		"calls that share an index": {
			chunks(`{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"f","arguments":"{"}}]}}`,
				`{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]},"finish_reason":"stop"}`),
			[]chat.Choice{{Parts: []chat.Part{call("a", "f", "{}"), call("b", "f", "{}")}, Finish: chat.ToolCalls, Native: "stop"}},
		},
		"calls without an index": {
			chunks(`{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}}`, `{"delta":{"tool_calls":[{"function":{"arguments":"}"}}]}}`,
				`{"delta":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":{"y":2}}}]}}`, stop),
			[]chat.Choice{{Parts: []chat.Part{call("a", "f", "{}"), call("b", "g", `{"y":2}`)}, Finish: chat.ToolCalls, Native: "stop"}},
		},
		"signature before its call": {
			chunks(`{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"x","id":"a","format":"google-gemini-v1"},{"type":"reasoning.encrypted","data":"y","id":"nobody","format":"google-gemini-v1"}]}}`,
				`{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}`, stop),
			[]chat.Choice{{Parts: []chat.Part{
				{Kind: chat.ToolCall, Call: &chat.Call{ID: "a", Name: "f", Arguments: "{}"}, Signature: "x", Origin: "gemini"}, redacted("y", "gemini"),
			}, Finish: chat.ToolCalls, Native: "stop"}},
		},
		"signature after its call": {
			chunks(`{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}`,
				`{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"x","id":"a","format":"google-gemini-v1"}]}}`, stop),
			[]chat.Choice{{Parts: []chat.Part{
				{Kind: chat.ToolCall, Call: &chat.Call{ID: "a", Name: "f", Arguments: "{}"}, Signature: "x", Origin: "gemini"},
			}, Finish: chat.ToolCalls, Native: "stop"}},
		},
		"several choices": {
			chunks(`{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}`, `{"index":1,"delta":{},"finish_reason":"length"}`, `{"index":0,"delta":{"content":"A"}}`,
				`{"index":1,"delta":{"content":"padding"}}`, stop),
			[]chat.Choice{{Index: 1, Parts: []chat.Part{text("b")}, Finish: chat.Length, Native: "length"}, {Parts: []chat.Part{text("aA")}, Finish: chat.Stopped, Native: "stop"}},
		},
		"pictures": {
			chunks(`{"delta":{"content":"look"}}`, `{"delta":{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}}`, stop),
			[]chat.Choice{{Parts: []chat.Part{text("look"), {Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA"}}}, Finish: chat.Stopped, Native: "stop"}},
		},
		"nothing": {chunks(stop), []chat.Choice{{Finish: chat.Stopped, Native: "stop"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, stream := range []string{row.stream + last + done, row.stream + last} {
				f := decoded(t, openai.Canonical{}.Stream(), stream)
				require.True(t, f.ended)
				require.Nil(t, f.broken)
				require.Equal(t, row.want, f.answer.Choices)
				require.Equal(t, "chatcmpl-1", f.answer.ID)
				require.Equal(t, int64(17), f.answer.Created)
				require.Equal(t, meter.Report{Given: true, Prompt: 3, Completion: 2, Total: 5, HasTotal: true}, f.answer.Report)
			}
		})
	}
}

func TestCanonicalStreamsThatBreak(t *testing.T) {
	t.Parallel()
	begun := chunks(`{"delta":{"content":"a"}}`)
	f := decoded(t, openai.Canonical{}.Stream(), begun+`data: {"error":{"message":"m","type":"server_error","code":"c"}}`+"\n\n"+begun+done)
	require.Equal(t, &chat.Failure{Type: "server_error", Code: "c", Message: "m"}, f.broken)

	f = decoded(t, openai.Canonical{}.Stream(), begun+chunks(`{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"m"}}`))
	require.Equal(t, &chat.Failure{Code: "502", Message: "m"}, f.broken)

	f = decoded(t, openai.Canonical{}.Stream(), begun+"event: error\ndata: {\"message\":\"m\",\"type\":\"t\"}\n\n")
	require.Equal(t, &chat.Failure{Type: "t", Message: "m"}, f.broken)

	f = decoded(t, openai.Canonical{}.Stream(), begun)
	require.False(t, f.ended, "the choice has no end")

	f = decoded(t, openai.Canonical{}.Stream(), chunks(`{"delta":{"content":"a"}},{"index":1,"delta":{"content":"a"}}`, `{"delta":{},"finish_reason":"stop"}`))
	require.False(t, f.ended, "one of two choices has no end")

	for _, data := range []string{`<html>`, `[]`, `{"choices":[{`, `{} {}`, `7`} {
		_, err := decode(t, openai.Canonical{}.Stream(), []byte(begun+"data: "+data+"\n\n"))
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), data)
	}
}

func TestUsageInUnusualPlaces(t *testing.T) {
	t.Parallel()
	f := decoded(t, openai.Canonical{}.Stream(), chunks(`{"delta":{"content":"a"}}`, `{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":9,"completion_tokens":1}}`)+done)
	require.Equal(t, meter.Report{Given: true, Prompt: 9, Completion: 1}, f.answer.Report)

	f = decoded(t, openai.Canonical{}.Stream(), `data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1.5}}`+"\n\n"+done)
	require.True(t, f.answer.Report.Broken)
}

func TestHostileStreams(t *testing.T) {
	t.Parallel()
	d := openai.Canonical{}.Stream()
	var err error
	for range 20_000 {
		if _, err = d.Decode("", []byte(`{"choices":[{"delta":{"content":"a","refusal":"b"}}]}`), nil); err != nil {
			break
		}
	}
	require.ErrorContains(t, err, "parts")

	many := `{"choices":[{"delta":{"tool_calls":[` + strings.Repeat(`{"id":"1","index":0},{"id":"2","index":1},`, 10) + `{"id":"3"}]}}]}`
	events, err := openai.Canonical{}.Stream().Decode("", []byte(many), nil)
	require.NoError(t, err)
	require.Len(t, events, 4, "the same calls again are the same calls")

	d = openai.Canonical{}.Stream()
	for i := range 5000 {
		if _, err = d.Decode("", []byte(`{"choices":[{"delta":{"tool_calls":[{"id":"`+strings.Repeat("x", i%7)+strings.Repeat("y", i/7)+`"}]}}]}`), nil); err != nil {
			break
		}
	}
	require.ErrorContains(t, err, "tool calls")
}

func TestManyPiecesTakeNoLongerThanTheirBytes(t *testing.T) {
	t.Parallel()
	const pieces = 50_000
	details := strings.Repeat(`{"type":"reasoning.text","text":"h","index":0},`, pieces)
	signatures := strings.Repeat(`{"type":"reasoning.encrypted","data":"x","id":"nobody"},`, pieces)
	calls := strings.Repeat(`{"id":"a","function":{"name":"f","arguments":"{}"}},`, pieces)
	end := `{"type":"reasoning.text","signature":"s","index":0}],"tool_calls":[` + calls + `{"id":"b","function":{"name":"f","arguments":""}}]}`
	r := parsed(t, `{"model":"m","messages":[{"role":"assistant","reasoning_details":[`+details+signatures+end+`]}`)
	require.Equal(t, strings.Repeat("h", pieces), r.Messages[0].Parts[0].Text)
	require.Len(t, r.Messages[0].Parts, 1+pieces+1+pieces+1)

	a, err := openai.Canonical{}.Answer([]byte(`{"choices":[{"message":{"content":[` + strings.Repeat(`{"type":"text","text":"h"},{"type":"thinking","thinking":"m"},`, pieces) + `{}]}}]}`))
	require.NoError(t, err)
	require.Equal(t, []chat.Part{{Kind: chat.Thinking, Text: strings.Repeat("m", pieces)}, text(strings.Repeat("h", pieces))}, a.Choices[0].Parts)
}
