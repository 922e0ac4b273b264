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

func (k chatKit) ask(t *testing.T, path, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+path, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+k.Secret)
	return k.send(t, req)
}

// TestEmbeddingsAreAnswered at every address, each in its own form, for the cost that the charge says.
func TestEmbeddingsAreAnswered(t *testing.T) {
	t.Parallel()
	for path, body := range map[string]string{
		"/v1/embeddings":                      `{"model":"%","input":"a"}`,
		"/api/v1/embeddings":                  `{"model":"%","input":["a"],"encoding_format":"base64"}`,
		"/v1beta/models/%:embedContent":       `{"content":{"parts":[{"text":"a"}]}}`,
		"/v1/models/%:embedContent":           `{"content":{"parts":[{"text":"a"}]}}`,
		"/v1beta/models/%:floor:embedContent": `{"content":{"parts":[{"text":"a"}]}}`,
		"/v1beta/models/%:batchEmbedContents": `{"requests":[{"model":"models/%","content":{"parts":[{"text":"a"}]}}]}`,
	} {
		for _, vendor := range []chat.Dialect{chat.OpenAI, chat.Gemini} {
			t.Run(path+" "+string(vendor), func(t *testing.T) {
				t.Parallel()
				k := newChat(t, inference.CallOptions{})
				model := k.Does(k.Model(gatewaytest.Vendor(vendor), ""), "embeddings")
				named := func(text string) string { return string(bytes.ReplaceAll([]byte(text), []byte("%"), []byte(model))) }
				r := k.ask(t, named(path), named(body))
				require.Equal(t, http.StatusOK, r.status, r.body)
				e := k.Only()
				require.Equal(t, "gen-"+e.HoldID.String(), r.header.Get("X-Generation-Id"))
				require.Contains(t, r.body, `"cost":`+e.Charge.String())
				require.Equal(t, "application/json", r.header.Get("Content-Type"))
			})
		}
	}
}

// TestCompletionsAreAnswered at both addresses, whole and as a stream.
func TestCompletionsAreAnswered(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"/v1", "/api/v1"} {
		for _, stream := range []string{"false", "true"} {
			k := newChat(t, inference.CallOptions{})
			r := k.ask(t, root+"/completions", `{"model":"`+k.Model(gatewaytest.Canceller, "tokens=5")+`","prompt":"a","stream":`+stream+`}`)
			require.Equal(t, http.StatusOK, r.status, r.body)
			require.Contains(t, r.body, `"cost":`+k.Only().Charge.String())
			require.Equal(t, stream == "true", strings.HasSuffix(r.body, "data: [DONE]\n\n"))
		}
	}
}

// TestRerankIsAnswered at both addresses.
func TestRerankIsAnswered(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"/v1", "/api/v1"} {
		k := newChat(t, inference.CallOptions{})
		model := k.Does(k.Model(gatewaytest.Canceller, ""), "rerank")
		r := k.ask(t, root+"/rerank", `{"model":"`+model+`","query":"a","documents":["a","b"]}`)
		require.Equal(t, http.StatusOK, r.status, r.body)
		require.Contains(t, r.body, `"cost":`+k.Only().Charge.String())
		require.Equal(t, http.StatusBadRequest, k.ask(t, root+"/rerank", `{"model":"`+model+`","query":"a","documents":[]}`).status)
	}
}

// TestEmbeddingErrors are said in the caller's dialect, and nothing is held for them.
func TestEmbeddingErrors(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{MaxBody: 1000})
	talks := k.Model(gatewaytest.Canceller, "")
	for _, row := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/v1/embeddings", `{"model":"` + talks + `","input":"a"}`, 400, `"param":"model"`},
		{"/v1/embeddings", `{"model":"acme/none","input":"a"}`, 404, `"error_type":"model_not_found"`},
		{"/v1/embeddings", `{"model":"acme/none"}`, 400, `"param":"input"`},
		{"/v1/embeddings", `{"model":"acme/none","input":"` + string(bytes.Repeat([]byte("a"), 1000)) + `"}`, 413, `"type":"invalid_request_error"`},
		{"/v1beta/models/" + talks + ":embedContent", `{"content":{"parts":[{"text":"a"}]}}`, 400, `"status":"INVALID_ARGUMENT"`},
		{"/v1beta/models/acme/none:embedContent", `{"content":{"parts":[{"text":"a"}]}}`, 404, `"status":"NOT_FOUND"`},
		{"/v1beta/models/acme/none:batchEmbedContents", `{"requests":[]}`, 400, `"status":"INVALID_ARGUMENT"`},
	} {
		r := k.ask(t, row.path, row.body)
		require.Equal(t, row.status, r.status, "%s: %s", row.path, r.body)
		require.Contains(t, r.body, row.says)
	}
	require.Empty(t, k.History().Placed)
}
