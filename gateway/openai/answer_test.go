package openai_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
)

const whole = `{"id":"chatcmpl-1","object":"chat.completion","created":17,"model":"large-2026", "choices":[{"index":0,"message":{"role":"assistant",` +
	`"content":"Hello","reasoning_content":"hm","annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":12,` +
	`"total_tokens":42,"prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":5}},` +
	`"service_tier":"default","x_new":[1, 2]}`

func answer(t *testing.T, body string) *openai.Answer {
	t.Helper()
	var r openai.Reader
	a, err := r.Answer([]byte(body), new(meter.Produced))
	require.NoError(t, err)
	return &a
}

// requireBytes is for JSON that is compared as it is written.
func requireBytes(t *testing.T, want string, got []byte) {
	t.Helper()
	require.Equal(t, want, string(got))
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	var r openai.Reader
	var p meter.Produced
	a, err := r.Answer([]byte(whole), &p)
	require.NoError(t, err)
	require.True(t, a.Shaped())
	require.True(t, p.Any())
	require.Equal(t, 1, a.Choices)
	require.Equal(t, "stop", a.Finish)
	require.Equal(t, "chatcmpl-1", a.ID())
	require.Equal(t, "17", a.Created())
	require.Nil(t, a.Failure)
	require.Equal(t, meter.Report{
		Given: true, Prompt: 30, Completion: 12, Cached: 10, CacheWrite: 4, Reasoning: 5, Total: 42, HasTotal: true, Tier: "default",
	}, a.Report)

	w := openai.NewRewrite("gen-7", "acme/large", `A "1"`)
	requireBytes(t, `{"id":"gen-7","object":"chat.completion","created":17,"model":"acme/large","provider":"A \"1\"", "choices":[{"index":0,"message":{"role":"assistant",`+
		`"content":"Hello","reasoning_content":"hm","annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"cost":1},`+
		`"service_tier":"default","x_new":[1, 2]}`, a.Append(nil, &w, []byte(`{"cost":1}`)))
}

func TestAnswerWithoutTheUsualMembers(t *testing.T) {
	t.Parallel()
	w := openai.NewRewrite("gen-7", "acme/large", "Acme")
	a := answer(t, `{"choices":[]}`)
	require.JSONEq(t, `{"choices":[],"id":"gen-7","model":"acme/large","provider":"Acme","usage":{"cost":1}}`, string(a.Append(nil, &w, []byte(`{"cost":1}`))))
	require.False(t, a.Report.Given)
	require.Equal(t, "0", a.Created())

	a = answer(t, `{"provider":"theirs","model":"m","choices":[],"usage":null}`)
	requireBytes(t, `{"provider":"Acme","model":"acme/large","choices":[],"usage":{"cost":1},"id":"gen-7"}`, a.Append(nil, &w, []byte(`{"cost":1}`)))
}

func TestChunk(t *testing.T) {
	t.Parallel()
	w := openai.NewRewrite("gen-7", "acme/large", "Acme")
	a := answer(t, `{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null}`)
	requireBytes(t, `{"id":"gen-7","model":"acme/large","provider":"Acme","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null}`, a.AppendChunk(nil, &w))
	require.False(t, a.Report.Given)

	a = answer(t, `{"id":"1","choices":[{"index":0}],"usage":{"prompt_tokens":1}}`)
	requireBytes(t, `{"id":"gen-7","choices":[{"index":0}],"usage":null}`, a.AppendChunk(nil, &w))
	require.True(t, a.Report.Given)
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": ``, "page": `<html>`, "array": `[]`, "half": `{"choices":[{"index":0`, "more": `{} {}`, "text": `"x"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r openai.Reader
			_, err := r.Answer([]byte(body), new(meter.Produced))
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
		})
	}
	a := answer(t, `{"object":"list","data":[]}`)
	require.False(t, a.Shaped())
}

func TestReportsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, usage := range map[string]string{
		"fraction": `{"prompt_tokens":1,"completion_tokens":1.5}`,
		"exponent": `{"prompt_tokens":1,"completion_tokens":1e1}`,
		"string":   `{"prompt_tokens":"1","completion_tokens":1}`,
		"overflow": `{"prompt_tokens":1,"completion_tokens":123456789012345678901234567890}`,
		"array":    `[1,2]`,
		"inner":    `{"prompt_tokens":1,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":0.5}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answer(t, `{"choices":[],"usage":`+usage+`}`)
			require.True(t, a.Report.Given)
			require.True(t, a.Report.Broken)
		})
	}
	a := answer(t, `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":null,"prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":null}}}`)
	require.Equal(t, meter.Report{Given: true, Prompt: 3, Completion: 2}, a.Report)
}

func TestVendorFailures(t *testing.T) {
	t.Parallel()
	var r openai.Reader
	for body, want := range map[string]*openai.Failure{
		`{"error":{"message":"m","type":"t","code":"c","param":"p","x":1}}`: {Code: "c", Type: "t", Param: "p", Message: "m"},
		`{"error":{"message":"m","code":429,"type":null}}`:                  {Code: "429", Message: "m"},
		`{"error":"text"}`: {Message: "text"},
		`{"error":7}`:      {},
		`{"error":null}`:   nil,
		`{}`:               nil,
		`<html>`:           nil,
		``:                 nil,
	} {
		require.Equal(t, want, r.Failure([]byte(body)), body)
	}
}

func TestWhatCountsAsProduced(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		choice string
		any    bool
	}{
		"text":         {`{"delta":{"content":"a"}}`, true},
		"empty text":   {`{"delta":{"role":"assistant","content":""}}`, false},
		"null":         {`{"delta":{"content":null}}`, false},
		"refusal":      {`{"delta":{"refusal":"no"}}`, true},
		"thoughts":     {`{"delta":{"reasoning":"hm"}}`, true},
		"call":         {`{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}}`, true},
		"old call":     {`{"delta":{"function_call":{"name":"f"}}}`, true},
		"custom call":  {`{"delta":{"tool_calls":[{"custom":{"input":"x"}}]}}`, true},
		"sound":        {`{"delta":{"audio":{"data":"AAAA"}}}`, true},
		"transcript":   {`{"delta":{"audio":{"transcript":"a"}}}`, true},
		"picture":      {`{"delta":{"images":[{"image_url":{}}]}}`, true},
		"parts":        {`{"delta":{"content":[{"type":"text","text":"a"}]}}`, true},
		"finish alone": {`{"delta":{},"finish_reason":"stop"}`, false},
		"no delta":     {`{"delta":null}`, false},
		"a message":    {`{"message":{"content":"a"}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r openai.Reader
			var p meter.Produced
			_, err := r.Chunk([]byte(`{"choices":[`+row.choice+`]}`), &p)
			require.NoError(t, err)
			require.Equal(t, row.any, p.Any())
		})
	}
}

func TestUsageForTheCaller(t *testing.T) {
	t.Parallel()
	u := usage.Usage{usage.Input: 16, usage.CacheRead: 10, usage.CacheWrite: 4, usage.Output: 7, usage.Reasoning: 5, usage.Request: 1}
	got := openai.AppendUsage(nil, u, chat.Cost{
		Total: money.MustParse("0.000000000123"), Prompt: money.MustParse("0.000000000023"), Completion: money.MustParse("0.0000000001"),
	})
	require.Equal(t, `{"prompt_tokens":30,"completion_tokens":12,"total_tokens":42,"cost":0.000000000123,"is_byok":false,`+
		`"prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":4},"completion_tokens_details":{"reasoning_tokens":5},`+
		`"cost_details":{"upstream_inference_cost":null,"upstream_inference_prompt_cost":0.000000000023,"upstream_inference_completions_cost":0.0000000001}}`, string(got))
	require.True(t, json.Valid(openai.AppendUsage(nil, nil, chat.Cost{})))
}

func TestChunksOfOurOwn(t *testing.T) {
	t.Parallel()
	w := openai.NewRewrite("gen-7", "acme/large", "Acme")
	requireBytes(t, `{"id":"gen-7","object":"chat.completion.chunk","created":5,"model":"acme/large","provider":"Acme","choices":[],"usage":{"cost":1}}`,
		w.AppendLast(nil, "5", []byte(`{"cost":1}`)))
	require.JSONEq(t, `{"id":"gen-7","object":"chat.completion.chunk","created":5,"model":"acme/large","provider":"Acme","error":{"code":502},`+
		`"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":"error"}]}`, string(w.AppendFailure(nil, "5", []byte(`{"code":502}`), nil)))
}
