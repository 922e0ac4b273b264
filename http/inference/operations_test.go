package inference_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// The dialects as their errors tell them apart.
const (
	likeOpenAI    = "openai"
	likeAnthropic = "anthropic"
	likeGemini    = "gemini"
)

// operation is one thing that callers can ask for, in one dialect. % stands for the model, and ~ in the body for more members.
type operation struct {
	name, path, body string
	errors           string // the shape of its errors
	key              string // the header for its key
	output           string // of its models, when that is not text
	stream           bool   // the body asks for a stream, or the path
	short            bool   // whose streams end soon, whatever is asked
	free             bool   // nothing is charged for it
	capName          string // the member that bounds the output; "" when there is none
	tool             string // one tool; "" where there are none
}

const (
	asBearer = "Authorization"
	talk     = `"messages":[{"role":"user","content":"a"}]`
	contents = `"contents":[{"role":"user","parts":[{"text":"a"}]}]`
)

// operations is all that callers can ask models for.
func operations() []operation {
	const geminiTool = `{"functionDeclarations":[{"name":"f%d"}]}`
	return []operation{
		{
			name: "chat completions", path: "/v1/chat/completions", body: `{"model":"%",` + talk + `~}`, errors: likeOpenAI, key: asBearer,
			capName: "max_tokens", tool: `{"type":"function","function":{"name":"f%d","parameters":{"type":"object"}}}`,
		},
		{
			name: "streamed chat completions", path: "/api/v1/chat/completions", body: `{"model":"%","stream":true,` + talk + `~}`, errors: likeOpenAI, key: asBearer,
			stream: true, capName: "max_completion_tokens", tool: `{"type":"function","function":{"name":"f%d","parameters":{"type":"object"}}}`,
		},
		{name: "completions", path: "/v1/completions", body: `{"model":"%","prompt":"a"~}`, errors: likeOpenAI, key: asBearer, capName: "max_tokens"},
		{name: "streamed completions", path: "/v1/completions", body: `{"model":"%","prompt":"a","stream":true~}`, errors: likeOpenAI, key: asBearer, stream: true, capName: "max_tokens"},
		{name: "embeddings", path: "/v1/embeddings", body: `{"model":"%","input":"a"~}`, errors: likeOpenAI, key: asBearer, output: "embeddings", capName: "dimensions"},
		{name: "rerank", path: "/v1/rerank", body: `{"model":"%","query":"a","documents":["a","b"]~}`, errors: likeOpenAI, key: asBearer, output: "rerank", capName: "top_n"},
		{name: "images", path: "/v1/images/generations", body: `{"model":"%","prompt":"a"~}`, errors: likeOpenAI, key: asBearer, output: "image", capName: "n"},
		{name: "streamed images", path: "/v1/images/generations", body: `{"model":"%","prompt":"a","stream":true~}`, errors: likeOpenAI, key: asBearer, output: "image", stream: true, short: true, capName: "partial_images"},
		{name: "speech", path: "/v1/audio/speech", body: `{"model":"%","input":"a","voice":"alloy"~}`, errors: likeOpenAI, key: asBearer, output: "speech"},
		{
			name: "Responses", path: "/v1/responses", body: `{"model":"%","input":"a"~}`, errors: likeOpenAI, key: asBearer, capName: "max_output_tokens",
			tool: `{"type":"function","name":"f%d","parameters":{"type":"object"}}`,
		},
		{
			name: "streamed Responses", path: "/v1/responses", body: `{"model":"%","input":"a","stream":true~}`, errors: likeOpenAI, key: asBearer, stream: true,
			capName: "max_output_tokens", tool: `{"type":"function","name":"f%d","parameters":{"type":"object"}}`,
		},
		{
			name: "Messages", path: "/v1/messages", body: `{"model":"%","max_tokens":20,` + talk + `~}`, errors: likeAnthropic, key: "X-Api-Key",
			tool: `{"name":"f%d","input_schema":{"type":"object"}}`,
		},
		{
			name: "streamed Messages", path: "/v1/messages", body: `{"model":"%","max_tokens":20,"stream":true,` + talk + `~}`, errors: likeAnthropic, key: "X-Api-Key",
			stream: true, tool: `{"name":"f%d","input_schema":{"type":"object"}}`,
		},
		{
			name: "Messages without a cap", path: "/v1/messages", body: `{"model":"%",` + talk + `~,"stream":false}`, errors: likeAnthropic, key: "X-Api-Key",
			capName: "max_tokens",
		},
		{
			name: "count_tokens", path: "/v1/messages/count_tokens", body: `{"model":"%",` + talk + `~}`, errors: likeAnthropic, key: "X-Api-Key", free: true,
			tool: `{"name":"f%d","input_schema":{"type":"object"}}`,
		},
		{
			name: "generateContent", path: "/v1beta/models/%:generateContent", body: `{` + contents + `~}`, errors: likeGemini, key: "X-Goog-Api-Key",
			capName: "generationConfig.maxOutputTokens", tool: geminiTool,
		},
		{
			name: "streamGenerateContent", path: "/v1beta/models/%:streamGenerateContent?alt=sse", body: `{` + contents + `~}`, errors: likeGemini, key: "X-Goog-Api-Key",
			stream: true, capName: "generationConfig.maxOutputTokens", tool: geminiTool,
		},
		{
			name: "countTokens", path: "/v1beta/models/%:countTokens", body: `{` + contents + `~}`, errors: likeGemini, key: "X-Goog-Api-Key", free: true,
			tool: geminiTool,
		},
		{name: "embedContent", path: "/v1beta/models/%:embedContent", body: `{"content":{"parts":[{"text":"a"}]}~}`, errors: likeGemini, key: "X-Goog-Api-Key", output: "embeddings", capName: "outputDimensionality"},
	}
}

// capped is the members that set the bound of the output to a number, as it is written.
func (o *operation) capped(number string) string {
	if member, ok := strings.CutPrefix(o.capName, "generationConfig."); ok {
		return `,"generationConfig":{"` + member + `":` + number + `}`
	}
	return `,"` + o.capName + `":` + number
}

// with is the body with more members.
func (o *operation) with(model, more string) string {
	return strings.Replace(strings.ReplaceAll(o.body, "%", model), "~", more, 1)
}

// model publishes a model for the operation.
func (o *operation) model(k chatKit, controls string) string {
	if o.output == "" {
		return k.Model(gatewaytest.Canceller, controls)
	}
	return k.Does(k.Model(gatewaytest.Canceller, ""), o.output)
}

// request is the operation as its clients ask for it.
func (o *operation) request(t *testing.T, k chatKit, model string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+strings.ReplaceAll(o.path, "%", model), body)
	require.NoError(t, err)
	req.Header.Set(o.key, o.credential(k.Secret))
	return req
}

func (o *operation) credential(secret string) string {
	if o.key == asBearer {
		return "Bearer " + secret
	}
	return secret
}

// refused checks that an answer is a refusal with a status, in the shape that the operation's clients read, and that it tells nothing.
func (o *operation) refused(t *testing.T, k chatKit, r *reply, status int) {
	t.Helper()
	require.Equal(t, status, r.status, "%.500s", r.body)
	require.Equal(t, "application/json", r.header.Get("Content-Type"))
	require.Equal(t, "false", r.header.Get("X-Should-Retry"))
	require.Less(t, len(r.body), 1000, "it repeats little")
	kinds := map[string]map[int]string{
		likeOpenAI:    {400: "invalid_request_error", 401: "authentication_error", 413: "invalid_request_error", 415: "invalid_request_error"},
		likeAnthropic: {400: "invalid_request_error", 401: "authentication_error", 413: "request_too_large", 415: "invalid_request_error"},
		likeGemini:    {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 413: "INVALID_ARGUMENT", 415: "INVALID_ARGUMENT"},
	}
	var outer map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(r.body), &outer))
	var inner map[string]any
	require.NoError(t, json.Unmarshal(outer["error"], &inner))
	require.NotEmpty(t, inner["message"])
	kind := kinds[o.errors][status]
	require.NotEmpty(t, kind)
	switch o.errors {
	case likeOpenAI:
		require.Len(t, outer, 1)
		require.Equal(t, kind, inner["type"])
		require.InDelta(t, status, inner["code"], 0)
		require.Contains(t, inner, "param")
	case likeAnthropic:
		require.Equal(t, `"error"`, string(outer["type"]))
		require.Equal(t, kind, inner["type"])
		require.Len(t, inner, 2)
	case likeGemini:
		require.Len(t, outer, 1)
		require.Equal(t, kind, inner["status"])
		require.InDelta(t, status, inner["code"], 0)
		require.Len(t, inner, 3)
	}
	o.silent(t, k, r)
}

// silent: neither the answer nor the log has a secret.
func (*operation) silent(t *testing.T, k chatKit, r *reply) {
	t.Helper()
	texts := []string{r.body, k.Log.String()}
	for name, values := range r.header {
		texts = append(texts, name+": "+strings.Join(values, ", "))
	}
	for _, secret := range []string{k.Secret, gatewaytest.VendorSecret} {
		require.False(t, slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, secret) }))
	}
}

// withoutCap is the operation that lacks what its dialect demands.
const withoutCap = "Messages without a cap"

// How long tests wait for what has to come, and how often they look.
const (
	patience = time.Minute
	tick     = 2 * time.Millisecond
)
