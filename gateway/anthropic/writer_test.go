package anthropic_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
)

func bill() *chat.Bill {
	return &chat.Bill{
		Usage: usage.Usage{usage.Input: 1, usage.CacheRead: 2, usage.CacheWrite: 3, usage.CacheWrite1h: 4, usage.Output: 5, usage.Reasoning: 6, usage.Request: 1},
		Cost:  chat.Cost{Total: money.MustParse("123456789012345678.000000000001")},
	}
}

const billed = `{"input_tokens":1,"cache_creation_input_tokens":7,"cache_read_input_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},` +
	`"output_tokens":11,"output_tokens_details":{"thinking_tokens":6},"cost":123456789012345678.000000000001}`

func plainTold() *chat.Told { return &chat.Told{ID: "gen-1", Model: "a/b", Provider: "V"} }

// What other dialects' vendors answer finds its words here.
func TestAnswersOfOtherDialects(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		choice        chat.Choice
		content, stop string
	}{
		"nothing": {chat.Choice{}, ``, `"stop_reason":"end_turn","stop_sequence":null`},
		"a text":  {chat.Choice{Parts: []chat.Part{text(""), text("a")}, Finish: chat.Stopped, Native: "stop"}, `{"type":"text","text":"a"}`, `"stop_reason":"end_turn","stop_sequence":null`},
		"a refusal": {
			chat.Choice{Parts: []chat.Part{{Kind: chat.Refusal, Text: "no"}}, Finish: chat.ContentFilter, Native: "content_filter"},
			`{"type":"text","text":"no"}`, `"stop_reason":"refusal","stop_sequence":null`,
		},
		"a stop":                           {chat.Choice{Finish: chat.Stopped, Native: "stop", Stop: "END"}, ``, `"stop_reason":"stop_sequence","stop_sequence":"END"`},
		"a length":                         {chat.Choice{Finish: chat.Length, Native: "MAX_TOKENS"}, ``, `"stop_reason":"max_tokens","stop_sequence":null`},
		"a failure":                        {chat.Choice{Finish: chat.Failed, Native: "OTHER"}, ``, `"stop_reason":"refusal","stop_sequence":null`},
		"a name that means something else": {chat.Choice{Finish: chat.Length, Native: "end_turn"}, ``, `"stop_reason":"max_tokens","stop_sequence":null`},
		"calls": {
			chat.Choice{Parts: []chat.Part{call("a", "f", ""), call("b", "g", `{"a":`), {Kind: chat.ToolCall}, {Kind: chat.Audio}}, Finish: chat.ToolCalls, Native: "STOP"},
			`{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"g","input":{"invalid_arguments":"{\"a\":"}},{"type":"tool_use","id":"","name":"","input":{}}`,
			`"stop_reason":"tool_use","stop_sequence":null`,
		},
		"reasoning": {
			chat.Choice{Parts: []chat.Part{{Kind: chat.Thinking, Text: "t"}, {Kind: chat.Redacted, Signature: "x.y", Origin: "gemini"}}},
			`{"type":"thinking","thinking":"t","signature":""},{"type":"redacted_thinking","data":"mr.gemini.x.y"}`, `"stop_reason":"end_turn","stop_sequence":null`,
		},
		"a picture": {
			chat.Choice{Parts: []chat.Part{{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AA=="}}}},
			`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}`, `"stop_reason":"end_turn","stop_sequence":null`,
		},
		"a file": {
			chat.Choice{Parts: []chat.Part{{Kind: chat.File, Media: &chat.Media{URL: "https://x"}}, {Kind: chat.Image}}},
			`{"type":"document","source":{"type":"url","url":"https://x"}},{"type":"image","source":{"type":"base64","media_type":"","data":""}}`,
			`"stop_reason":"end_turn","stop_sequence":null`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := anthropic.Writer{}.Answer(nil, &chat.Answer{ID: "other", Choices: []chat.Choice{row.choice}}, plainTold(), bill())
			require.Equal(t, `{"id":"gen-1","type":"message","role":"assistant","model":"a/b","content":[`+row.content+`],`+row.stop+`,"usage":`+billed+`,"provider":"V"}`, string(got))
			require.True(t, json.Valid(got))
		})
	}
	require.True(t, json.Valid(anthropic.Writer{}.Answer(nil, new(chat.Answer), plainTold(), bill())))
}

const started = `event: message_start
data: {"type":"message_start","message":{"id":"gen-1","type":"message","role":"assistant","model":"a/b","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0},"provider":"V"}}

`

func TestAStreamOnTheWire(t *testing.T) {
	t.Parallel()
	e := anthropic.Writer{}.Stream(plainTold())
	for _, row := range []struct {
		event chat.Event
		want  string
	}{
		{chat.Event{Kind: chat.Began, ID: "vendor's"}, started},
		{chat.Event{Kind: chat.PartBegan, Header: chat.Part{Kind: chat.Thinking, Origin: "gemini"}}, ""},
		{chat.Event{Kind: chat.PartDelta, Delta: "hm"}, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n" +
			"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n"},
		{chat.Event{Kind: chat.PartDelta, Signature: "s"}, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"mr.gemini.s\"}}\n\n"},
		{chat.Event{Kind: chat.PartEnded}, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"},
		{chat.Event{Kind: chat.PartBegan, Part: 1, Header: text("")}, ""},
		{chat.Event{Kind: chat.PartDelta, Part: 1, Delta: ""}, ""},
		{chat.Event{Kind: chat.PartBegan, Part: 2, Header: call("a", "f", "")}, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}}\n\n"},
		{chat.Event{Kind: chat.PartDelta, Part: 2, Delta: `{"a":`}, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n"},
		{chat.Event{Kind: chat.PartBegan, Part: 3, Header: call("b", "g", "")}, ""},
		{chat.Event{Kind: chat.PartDelta, Part: 3, Delta: `{}`}, ""},
		{chat.Event{Kind: chat.PartDelta, Part: 2, Delta: `1}`}, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n" +
			"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n" +
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"g\",\"input\":{}}}\n\n" +
			"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n"},
		{chat.Event{Kind: chat.PartDelta, Choice: 1, Part: 3, Delta: `x`}, ""},
		{chat.Event{Kind: chat.PartDelta, Part: 9, Delta: `x`}, ""},
		{chat.Event{Kind: chat.Finished, Finish: chat.ToolCalls, Native: "tool_calls"}, ""},
		{chat.Event{Kind: chat.Reported}, ""},
		{chat.Event{Kind: chat.Ended}, ""},
	} {
		require.Equal(t, row.want, string(e.Encode(nil, &row.event)), "%+v", row.event)
	}
	require.Equal(t, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n"+
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":"+billed+"}\n\n"+
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", string(e.End(nil, bill())))
}

func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	failure := anthropic.AppendFailure(nil, "overloaded_error", "Over\nloaded", "req_1")
	const said = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Over\\nloaded\"},\"request_id\":\"req_1\"}\n\n"
	require.Equal(t, said, string(anthropic.Writer{}.Stream(plainTold()).Fail(nil, failure, nil)))
	require.Equal(t, started+"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null,\"stop_sequence\":null},\"usage\":"+billed+"}\n\n"+said,
		string(anthropic.Writer{}.Stream(plainTold()).Fail(nil, failure, bill())))
	require.Equal(t, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"x\", \"message\":\"y\"}}\n\n",
		string(anthropic.Writer{}.Stream(plainTold()).Fail(nil, []byte("{\"type\":\"x\",\n\"message\":\"y\"}\n"), nil)))
	events := decode(t, []byte(said))
	require.Equal(t, []chat.Event{{Kind: chat.Broken, Failure: &chat.Failure{Type: "overloaded_error", Message: "Over\nloaded"}}}, events)
	require.Equal(t, "event: ping\ndata: {\"type\":\"ping\"}\n\n", string(anthropic.AppendPing(nil)))
}

func TestErrorTypes(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
		405: "invalid_request_error", 408: "timeout_error", 409: "conflict_error", 413: "request_too_large", 415: "invalid_request_error",
		422: "invalid_request_error", 429: "rate_limit_error", 500: "api_error", 502: "api_error", 503: "overloaded_error", 504: "timeout_error",
		529: "overloaded_error",
	} {
		require.Equal(t, want, anthropic.ErrorType(status), status)
	}
	require.JSONEq(t, `{"type":"error","error":{"type":"x","message":"\"`+"\ufffd"+`"}}`, string(anthropic.AppendFailure(nil, "x", "\"\xff", "")))
}

// A caller's history, with the reasoning of another dialect's vendor in it, says whose it is.
func TestReasoningOfOthersComesBack(t *testing.T) {
	t.Parallel()
	parts := []chat.Part{{Kind: chat.Thinking, Text: "t", Signature: "a.b=", Origin: "gemini"}, {Kind: chat.Redacted, Signature: "x", Origin: "openai"}}
	answer := anthropic.Writer{}.Answer(nil, &chat.Answer{Choices: []chat.Choice{{Parts: parts}}}, plainTold(), bill())
	var m struct{ Content json.RawMessage }
	require.NoError(t, json.Unmarshal(answer, &m))
	body := turn("assistant", string(m.Content))
	r, err := anthropic.ParseRequest([]byte(body))
	require.NoError(t, err)
	require.Equal(t, parts, r.Messages[0].Parts)
	var s anthropic.Scanner
	q, err := s.Request([]byte(body))
	require.NoError(t, err)
	require.True(t, q.Foreign)
	q, err = s.Request([]byte(strings.ReplaceAll(strings.ReplaceAll(body, "mr.gemini.", ""), "mr.openai.", "")))
	require.NoError(t, err)
	require.False(t, q.Foreign)
}

// The signature of a call that comes after other parts have begun still finds its call.
func TestLateSignaturesOfCalls(t *testing.T) {
	t.Parallel()
	want := []chat.Part{call("a.b", "f", `{}`), call("c", "g", `{"x":1}`), text("done")}
	events := []chat.Event{
		{Kind: chat.PartBegan, Header: call("a.b", "f", "")},
		{Kind: chat.PartDelta, Delta: "{}"},
		{Kind: chat.PartBegan, Part: 1, Header: call("c", "g", "")},
		{Kind: chat.PartDelta, Part: 1, Delta: `{"x":`},
		{Kind: chat.PartDelta, Header: chat.Part{Origin: "gemini"}, Signature: "s=="},
		{Kind: chat.PartDelta, Part: 1, Delta: `1}`},
		{Kind: chat.PartBegan, Part: 2, Header: text("")},
		{Kind: chat.PartDelta, Part: 2, Delta: "done"},
		{Kind: chat.PartDelta, Part: 1, Header: chat.Part{Origin: "openai"}, Signature: "t.u"},
	}
	stream := encode(events, bill())
	requireOrder(t, stream)
	content, err := json.Marshal(accumulated(t, stream))
	require.NoError(t, err)
	r, err := anthropic.ParseRequest([]byte(turn("assistant", string(content))))
	require.NoError(t, err)
	want[0].Origin, want[0].Signature = "gemini", "s=="
	want[1].Origin, want[1].Signature = "openai", "t.u"
	require.Equal(t, want, r.Messages[0].Parts, "%s", content)

	r, err = anthropic.ParseRequest([]byte(turn("assistant", `[{"type":"redacted_thinking","data":"mrc.gemini.Yw.s"},{"type":"redacted_thinking","data":"mrc."},{"type":"redacted_thinking","data":"mrc.a.?.b"}]`)))
	require.NoError(t, err)
	require.Empty(t, r.Messages[0].Parts, "calls that are not there")
}
