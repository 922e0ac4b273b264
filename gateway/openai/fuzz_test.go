package openai_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
)

// FuzzRequest: whatever is accepted goes out as valid JSON that differs in the spliced members only.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"model":"a",` + hello + `}`,
		`{"model":"a","stream":true,` + hello + `,"stream_options":{"x":1},"n":2,"max_tokens":7}`,
		`{"max_completion_tokens":null,"max_tokens":3,"model":"a","stream":true,"stream_options":null,` + hello + `}`,
		`{"model":"a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}],"tools":[{"type":"function"}]}`,
		`{"mod\u0065l":"a",` + hello + `,"stream_options":{"include_usage":false,"a":"\ud83d\ude00"},"stream":true}`,
		`{"Model":"a"}`, `[]`, `{"model":"a",`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r openai.Reader
		before := string(body)
		q, err := r.Request(body)
		require.Equal(t, before, string(body), "reading changes nothing")
		if err != nil {
			return
		}
		require.True(t, utf8.Valid(body))
		require.Positive(t, q.Choices)
		bound := q.PromptBound(1<<40, 10)
		require.Positive(t, bound)
		require.LessOrEqual(t, bound, int64(1)<<40)
		for _, field := range []string{openai.MaxTokens, openai.MaxCompletionTokens} {
			limit := max(q.Cap, 1)
			out := q.Splice(nil, openai.Upstream{Model: "vendor's \"name\"", CapField: field, Cap: limit})
			requireSame(t, body, out, field, limit, q.Stream)
		}
		_, err = r.Prompt(q)
		require.NoError(t, err)
	})
}

func requireSame(t *testing.T, body, out []byte, field string, limit int64, stream bool) {
	t.Helper()
	var was, is map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &was))
	require.NoError(t, json.Unmarshal(out, &is), "%s", out)
	require.JSONEq(t, `"vendor's \"name\""`, string(is["model"]))
	var got int64
	require.NoError(t, json.Unmarshal(is[field], &got))
	require.Equal(t, limit, got)
	if stream {
		var options struct {
			Usage bool `json:"include_usage"`
		}
		require.NoError(t, json.Unmarshal(is["stream_options"], &options))
		require.True(t, options.Usage)
		requireOptions(t, was["stream_options"], is["stream_options"])
	}
	for name, value := range was {
		switch name {
		case "model", openai.MaxTokens, openai.MaxCompletionTokens:
		case "stream_options":
			if !stream {
				require.Equal(t, string(value), string(is[name]))
			}
		default:
			require.Equal(t, string(value), string(is[name]), "%s", name)
		}
	}
	for name := range is {
		_, there := was[name]
		require.True(t, there || name == field || (stream && name == "stream_options"), "%s came from nowhere", name)
	}
}

func requireOptions(t *testing.T, was, is json.RawMessage) {
	t.Helper()
	if len(was) == 0 || string(was) == "null" {
		return
	}
	var before, after map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(was, &before))
	require.NoError(t, json.Unmarshal(is, &after))
	delete(before, "include_usage")
	delete(after, "include_usage")
	require.Len(t, after, len(before))
	for name, value := range before {
		require.Equal(t, string(value), string(after[name]))
	}
}

// FuzzAnswer: no bytes of a vendor break the reader, and what is rewritten is valid JSON if the answer was.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"a","tool_calls":[{"index":1,"function":{"name":"f","arguments":"{"}}]}}],"usage":null}`))
	f.Add([]byte(`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":-1,"total_tokens":1e9}}`))
	f.Add([]byte(`{"error":{"message":"m","code":429,"type":null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r openai.Reader
		p := meter.NewProduced(meter.NewBudget(1<<20), 1<<20)
		a, err := r.Chunk(body, &p)
		if err != nil {
			return
		}
		_ = a.ID()
		_ = a.Created()
		w := openai.NewRewrite("gen-1", "a/b", "Vendor")
		require.True(t, json.Valid(a.AppendChunk(nil, &w)))
		if a.Shaped() {
			require.True(t, json.Valid(a.Append(nil, &w, []byte(`{"cost":1}`))))
		}
	})
}
