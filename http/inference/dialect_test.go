package inference_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
)

// call is a question in some dialect, as that dialect's clients send it.
func (k chatKit) call(t *testing.T, d chat.Dialect, model string, stream bool) *http.Request {
	t.Helper()
	in := gatewaytest.Ask(d, model, stream, 20)
	path, header, value := "/v1/chat/completions", "Authorization", "Bearer "+k.Secret
	switch d {
	case chat.Anthropic:
		path, header, value = "/v1/messages", "X-Api-Key", k.Secret
	case chat.Gemini:
		path, header, value = "/v1beta/models/"+model+":generateContent", "X-Goog-Api-Key", k.Secret
		if stream {
			path = "/v1beta/models/" + model + ":streamGenerateContent?alt=sse"
		}
	case chat.Responses:
		path = "/v1/responses"
	case chat.OpenAI, chat.Bedrock:
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+path, bytes.NewReader(in.Body))
	require.NoError(t, err)
	req.Header.Set(header, value)
	return req
}

func TestEveryDialectIsAnswered(t *testing.T) {
	t.Parallel()
	for _, d := range []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini} {
		for _, stream := range []bool{false, true} {
			k := newChat(t, inference.CallOptions{})
			r := k.send(t, k.call(t, d, k.Model(gatewaytest.Canceller, "tokens=5"), stream))
			require.Equal(t, http.StatusOK, r.status, "%s: %s", d, r.body)
			e := k.Only()
			require.Equal(t, "gen-"+e.HoldID.String(), r.header.Get("X-Generation-Id"))
			require.Contains(t, r.body, `"cost":`+e.Charge.String())
			require.Equal(t, stream, strings.HasPrefix(r.header.Get("Content-Type"), "text/event-stream"))
		}
	}
}

// TestEveryDialectHasItsOwnErrors: the status, the shape and the type are what the dialect's clients know.
func TestEveryDialectHasItsOwnErrors(t *testing.T) {
	t.Parallel()
	for d, want := range map[chat.Dialect]map[int]string{
		chat.OpenAI:    {401: `"type":"authentication_error"`, 404: `"type":"invalid_request_error"`, 402: `"type":"insufficient_quota"`, 503: `"type":"server_error"`, 400: `"param":`},
		chat.Anthropic: {401: `"type":"authentication_error"`, 404: `"type":"not_found_error"`, 402: `"type":"billing_error"`, 503: `"type":"overloaded_error"`, 400: `"type":"invalid_request_error"`},
		chat.Gemini:    {401: `"status":"UNAUTHENTICATED"`, 404: `"status":"NOT_FOUND"`, 402: `"status":"RESOURCE_EXHAUSTED"`, 503: `"status":"UNAVAILABLE"`, 400: `"status":"INVALID_ARGUMENT"`},
	} {
		for status, part := range want {
			k := newChat(t, inference.CallOptions{})
			model := k.Model(gatewaytest.Canceller, "tokens=5")
			req := k.call(t, d, model, false)
			switch status {
			case http.StatusUnauthorized:
				req = k.call(t, d, model, false)
				for _, name := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key"} {
					req.Header.Del(name)
				}
			case http.StatusNotFound:
				req = k.call(t, d, "acme/unknown", false)
			case http.StatusPaymentRequired:
				_, _, secret := k.Customer("0.000001")
				poor := k
				poor.Kit = &gatewaytest.Kit{}
				*poor.Kit = *k.Kit
				poor.Secret = secret
				req = poor.call(t, d, model, false)
			case http.StatusServiceUnavailable:
				req = k.call(t, d, k.Model(gatewaytest.Canceller, "fault=503&retry_after=60"), false)
			case http.StatusBadRequest:
				req = k.call(t, d, k.Model(gatewaytest.Canceller, "fault=400"), false)
			}
			r := k.send(t, req)
			require.Equal(t, status, r.status, "%s: %s", d, r.body)
			require.Contains(t, r.body, part)
			require.NotEmpty(t, r.header.Get("X-Should-Retry"))
			require.Equal(t, d == chat.Anthropic, strings.HasPrefix(r.body, `{"type":"error","error":{`))
		}
	}
}

// TestAGeminiVerb: the path says what is asked for, and a key in the address is one.
func TestAGeminiVerb(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	model := k.Model(gatewaytest.Canceller, "tokens=5")
	ask := func(path string) reply {
		req := k.call(t, chat.Gemini, model, false)
		req.Header.Del("X-Goog-Api-Key")
		req.URL.Path, req.URL.RawQuery, _ = strings.Cut(path, "?")
		return k.send(t, req)
	}
	require.Equal(t, http.StatusOK, ask("/v1/models/"+model+":generateContent?key="+k.Secret).status)
	require.Equal(t, http.StatusOK, ask("/v1beta/models/"+model+":streamGenerateContent?alt=sse&key="+k.Secret).status)
	require.Equal(t, http.StatusOK, ask("/v1beta/models/"+model+":floor:generateContent?key="+k.Secret).status)
	require.Equal(t, http.StatusBadRequest, ask("/v1beta/models/"+model+":streamGenerateContent?key="+k.Secret).status)
	require.Equal(t, http.StatusNotFound, ask("/v1beta/models/"+model+":predict?key="+k.Secret).status)
	require.Equal(t, http.StatusNotFound, ask("/v1beta/models/"+model+"?key="+k.Secret).status)
	require.Equal(t, http.StatusUnauthorized, ask("/v1beta/models/"+model+":generateContent").status)
	require.NotContains(t, k.Log.String(), k.Secret)
}

// TestTokensAreCounted: nobody is called, and nothing is charged.
func TestTokensAreCounted(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	model := k.Model(gatewaytest.Canceller, "fault=500")
	messages := k.call(t, chat.Anthropic, model, false)
	messages.URL.Path += "/count_tokens"
	contents := k.call(t, chat.Gemini, model, false)
	contents.URL.Path = strings.Replace(contents.URL.Path, "generateContent", "countTokens", 1)
	require.Equal(t, `{"input_tokens":7}`, k.send(t, messages).body)
	require.Equal(t, `{"totalTokens":7}`, k.send(t, contents).body)
	unknown := k.call(t, chat.Anthropic, "acme/unknown", false)
	unknown.URL.Path += "/count_tokens"
	require.Equal(t, http.StatusNotFound, k.send(t, unknown).status)
	require.Empty(t, k.History().Placed)
}
