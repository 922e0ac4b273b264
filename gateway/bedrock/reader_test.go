package bedrock_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/bedrock"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/frames"
	"github.com/massrouter/massrouter/gateway/meter"
)

// The shapes are those of the API reference and of answers that users of the API have published.
const whole = `{"additionalModelResponseFields":null,"metrics":{"latencyMs":2374},"output":{"message":{"content":[
	{"reasoningContent":{"reasoningText":{"signature":"c2ln","text":"Think."}}},{"reasoningContent":{"redactedContent":"cmVk"}},
	{"text":"Two calls."},{"citationsContent":{"content":[{"text":"x"}],"citations":[]}},
	{"toolUse":{"input":{"city":"Paris","n":[1,2.50]},"name":"weather","toolUseId":"tooluse_1"}},{"toolUse":{"input":{},"name":"time","toolUseId":"tooluse_2"}}],
	"role":"assistant"}},"serviceTier":{"type":"priority"},"stopReason":"tool_use",
	"usage":{"cacheDetails":[{"inputTokens":30,"ttl":"1h"},{"inputTokens":12,"ttl":"5m"}],"cacheReadInputTokens":100,"cacheReadInputTokenCount":100,
		"cacheWriteInputTokens":42,"cacheWriteInputTokenCount":42,"inputTokens":8,"outputTokens":25,"totalTokens":175}}`

func answer() *chat.Answer {
	return &chat.Answer{
		Choices: []chat.Choice{{
			Finish: chat.ToolCalls, Native: "tool_use",
			Parts: []chat.Part{
				{Kind: chat.Thinking, Text: "Think.", Signature: "c2ln", Origin: "bedrock"},
				{Kind: chat.Redacted, Signature: "cmVk", Origin: "bedrock"},
				text("Two calls."),
				{Kind: chat.ToolCall, Call: &chat.Call{ID: "tooluse_1", Name: "weather", Arguments: `{"city":"Paris","n":[1,2.50]}`}},
				{Kind: chat.ToolCall, Call: &chat.Call{ID: "tooluse_2", Name: "time", Arguments: `{}`}},
			},
		}},
		Report: meter.Report{
			Given: true, Prompt: 150, Completion: 25, Cached: 100, CacheWrite: 42, CacheWrite1h: 30, HasTotal: true, Total: 175, Tier: "priority",
		},
	}
}

func TestAWholeAnswer(t *testing.T) {
	t.Parallel()
	got, err := bedrock.Reader{}.Answer([]byte(whole))
	require.NoError(t, err)
	require.Equal(t, answer(), got)
	require.Equal(t, usage.Usage{usage.Input: 8, usage.CacheRead: 100, usage.CacheWrite: 12, usage.CacheWrite1h: 30, usage.Output: 25, usage.Request: 1}, got.Report.Usage())
}

// streamed is the same as a stream.
func streamed() []piece {
	return []piece{
		{"messageStart", `{"p":"abcdefghijk","role":"assistant"}`},
		{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Thi"}},"p":"abc"}`},
		{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"nk."}}}`},
		{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}`},
		{"contentBlockStop", `{"contentBlockIndex":0}`},
		{"contentBlockDelta", `{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"cmVk"}}}`},
		{"contentBlockStop", `{"contentBlockIndex":1}`},
		{"contentBlockDelta", `{"contentBlockIndex":2,"delta":{"text":"Two "}}`},
		{"contentBlockDelta", `{"contentBlockIndex":2,"delta":{"citation":{"title":"x"}}}`},
		{"contentBlockDelta", `{"contentBlockIndex":2,"delta":{"text":"calls."}}`},
		{"contentBlockStop", `{"contentBlockIndex":2}`},
		{"somethingNew", `{"contentBlockIndex":9,"delta":{"text":"?"}}`},
		{"contentBlockStart", `{"contentBlockIndex":3,"start":{"toolUse":{"name":"weather","toolUseId":"tooluse_1"}}}`},
		{"contentBlockDelta", `{"contentBlockIndex":3,"delta":{"toolUse":{"input":""}}}`},
		{"contentBlockDelta", `{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"city\":\"Pa"}}}`},
		{"contentBlockStart", `{"contentBlockIndex":4,"start":{"toolUse":{"name":"time","toolUseId":"tooluse_2"}}}`},
		{"contentBlockDelta", `{"contentBlockIndex":3,"delta":{"toolUse":{"input":"ris\",\"n\":[1,2.50]}"}}}`},
		{"contentBlockStop", `{"contentBlockIndex":3}`},
		{"contentBlockStop", `{"contentBlockIndex":4}`},
		{"messageStop", `{"stopReason":"tool_use"}`},
		{"metadata", `{"metrics":{"latencyMs":1},"serviceTier":{"type":"priority"},"usage":{"cacheDetails":[{"inputTokens":30,"ttl":"1h"},{"inputTokens":12,"ttl":"5m"}],` +
			`"cacheReadInputTokens":100,"cacheWriteInputTokens":42,"inputTokens":8,"outputTokens":25,"totalTokens":175}}`},
	}
}

func TestAStreamIsTheSameAnswer(t *testing.T) {
	t.Parallel()
	events := decoded(t, streamed()...)
	require.Equal(t, answer(), gathered(t, events))
	require.Equal(t, chat.Ended, events[len(events)-1].Kind)
	silent := streamed()
	events = decoded(t, silent[:len(silent)-1]...)
	require.Equal(t, chat.Ended, events[len(events)-1].Kind, "what stopped for a reason is whole, also without its usage")
	require.False(t, gathered(t, events).Report.Given)
	events = decoded(t, silent[:len(silent)-2]...)
	require.NotEqual(t, chat.Ended, events[len(events)-1].Kind)
	empty := decoded(t, piece{"messageStart", `{}`}, piece{"messageStop", `{}`}, piece{"metadata", `{"usage":{"inputTokens":3,"outputTokens":0,"totalTokens":3}}`})
	require.Equal(t, []chat.EventKind{chat.Began, chat.Reported, chat.Ended}, []chat.EventKind{empty[0].Kind, empty[1].Kind, empty[2].Kind})
}

// TestExceptionsInAStream end it, with the vendor's word for what went wrong.
func TestExceptionsInAStream(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"throttlingException", "modelStreamErrorException", "internalServerException", "serviceUnavailableException", "validationException"} {
		events := decoded(t, streamed()[0], piece{frames.Exception + kind, `{"message":"No.","originalStatusCode":500}`}, streamed()[1])
		require.Equal(t, []chat.Event{{Kind: chat.Began}, {Kind: chat.Broken, Failure: &chat.Failure{Type: kind, Message: "No."}}}, events)
	}
}

// TestStreamsThatAreNone: what has no place in the order of events is an error, and so is what is no JSON.
func TestStreamsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, pieces := range map[string][]piece{
		"no JSON":         {{"messageStart", `{"role":`}},
		"no object":       {{"messageStart", `[]`}},
		"a call's middle": {{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{"}}}`}},
		"two kinds": {
			{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"a"}}`}, {"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"b"}}}`},
		},
		"begun twice": {
			{"contentBlockStart", `{"contentBlockIndex":0,"start":{"toolUse":{"name":"f","toolUseId":"t"}}}`},
			{"contentBlockStart", `{"contentBlockIndex":0,"start":{"toolUse":{"name":"f","toolUseId":"t"}}}`},
		},
	} {
		d := bedrock.Reader{}.Stream()
		var err error
		for _, p := range pieces {
			if _, err = d.Decode(p.name, []byte(p.data), nil); err != nil {
				break
			}
		}
		require.Error(t, err, name)
	}
	for _, body := range []string{``, `[]`, `{}`, `{"output":{}}`, `{"output":{"message":{"content":"x"}}}`, `{"message":"Internal"}`} {
		_, err := bedrock.Reader{}.Answer([]byte(body))
		require.Error(t, err, body)
	}
}

// TestUsage: what the vendor tells, as disjoint parts; what does not add up is found.
func TestUsage(t *testing.T) {
	t.Parallel()
	bounds := meter.Bounds{Context: 10_000, Prompt: 10_000, Completion: 10_000}
	for told, want := range map[string]string{ //nolint:gosec // tokens of text
		`{"inputTokens":5,"outputTokens":7,"totalTokens":12}`:                                                                                              "",
		`{"inputTokens":5,"outputTokens":7,"totalTokens":112,"cacheReadInputTokens":100}`:                                                                  "",
		`{"inputTokens":5,"outputTokens":7,"totalTokens":12,"cacheReadInputTokens":100}`:                                                                   "", // without what the cache did
		`{"inputTokens":5,"outputTokens":7}`:                                                                                                               "",
		`{"inputTokens":5,"outputTokens":7,"totalTokens":13}`:                                                                                              "usage_total_wrong",
		`{"inputTokens":5,"outputTokens":7,"totalTokens":22,"cacheWriteInputTokens":10,"cacheDetails":[{"ttl":"1h","inputTokens":4}]}`:                     "usage_total_wrong",
		`{"inputTokens":5,"outputTokens":7,"totalTokens":16,"cacheDetails":[{"ttl":"1h","inputTokens":4}]}`:                                                "",
		`{"inputTokens":-5,"outputTokens":7,"totalTokens":2}`:                                                                                              "usage_negative",
		`{"inputTokens":5,"outputTokens":7.5,"totalTokens":12}`:                                                                                            "usage_not_whole",
		`{"inputTokens":"5","outputTokens":7,"totalTokens":12}`:                                                                                            "usage_not_whole",
		`{"inputTokens":9223372036854775807,"outputTokens":7,"totalTokens":12,"cacheReadInputTokens":9223372036854775807}`:                                 "usage_not_whole",
		`{"inputTokens":5,"outputTokens":7,"totalTokens":12,"cacheDetails":[{"ttl":"1h","inputTokens":9223372036854775807},{"ttl":"1h","inputTokens":9}]}`: "usage_not_whole",
		`7`:    "usage_not_whole",
		`null`: "usage_missing",
	} {
		a, err := bedrock.Reader{}.Answer([]byte(`{"output":{"message":{"content":[{"text":"x"}]}},"stopReason":"end_turn","usage":` + told + `}`))
		require.NoError(t, err)
		require.Equal(t, want, a.Report.Absurd(bounds, true), told)
	}
}

func TestFinishes(t *testing.T) {
	t.Parallel()
	for native, want := range map[string]chat.Finish{
		"end_turn": chat.Stopped, "stop_sequence": chat.Stopped, "max_tokens": chat.Length, "model_context_window_exceeded": chat.Length, "tool_use": chat.ToolCalls,
		"guardrail_intervened": chat.ContentFilter, "content_filtered": chat.ContentFilter, "malformed_model_output": chat.Failed, "malformed_tool_use": chat.Failed,
		"tomorrow": chat.Stopped,
	} {
		require.Equal(t, want, bedrock.FinishOf(native), native)
	}
}

// TestFailures: the class stands in a header, perhaps with an address; or in the body, perhaps with a namespace.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		header, body string
		want         *chat.Failure
	}{
		{"ThrottlingException", `{"message":"Slow."}`, &chat.Failure{Type: "ThrottlingException", Message: "Slow."}},
		{"ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/", `{"Message":"No."}`, &chat.Failure{Type: "ValidationException", Message: "No."}},
		{"", `{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"Who?"}`, &chat.Failure{Type: "UnrecognizedClientException", Message: "Who?"}},
		{"InternalServerException", `<html>`, &chat.Failure{Type: "InternalServerException"}},
		{"", `{"error":"x"}`, nil},
		{"", ``, nil},
	} {
		h := http.Header{}
		if row.header != "" {
			h.Set("x-amzn-ErrorType", row.header)
		}
		require.Equal(t, row.want, bedrock.Classify(h, bedrock.Reader{}.Failure([]byte(row.body))), row.body)
	}
}
