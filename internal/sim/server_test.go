package sim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// send makes any request with the headers name, value, … and returns status and body.
func (b *bundle) send(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := b.do(t, r)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(text)
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, row := range map[string]struct {
		header string
		status int
	}{
		"right":         {"Bearer " + apiKey, 200},
		"any case":      {"bearer " + apiKey, 200},
		"none":          {"", 401},
		"no scheme":     {apiKey, 401},
		"other scheme":  {"Basic " + apiKey, 401},
		"wrong":         {"Bearer sk-wrong", 401},
		"a prefix":      {"Bearer " + apiKey[:5], 401},
		"more than it":  {"Bearer " + apiKey + "x", 401},
		"space behind":  {"Bearer  " + apiKey, 401},
		"empty key":     {"Bearer ", 401},
		"scheme's rest": {"Bearer", 401},
	} {
		for _, path := range []string{"/v1/chat/completions", "/v1/models"} {
			method := http.MethodPost
			if path == "/v1/models" {
				method = http.MethodGet
			}
			answer, text := b.send(t, method, path, ask("m"), "Authorization", row.header, "Content-Type", "application/json")
			require.Equal(t, row.status, answer.StatusCode, name)
			if row.status == 401 {
				requireError(t, text, "invalid_request_error", "invalid_api_key", "")
				require.NotContains(t, text, "sk-", "a key is not said back")
			}
		}
	}
	require.EqualValues(t, 18, b.Totals().Refused["invalid_api_key"])
}

func TestWithoutAKeyNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sim.Options) { o.APIKey = "" })
	for _, header := range []string{"Bearer ", "Bearer", "Bearer " + apiKey, ""} {
		answer, _ := b.send(t, http.MethodPost, "/v1/chat/completions", ask("m"), "Authorization", header, "Content-Type", "application/json")
		require.Equal(t, 401, answer.StatusCode)
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for header, want := range map[string]int{
		"application/json":                     200,
		"application/json; charset=utf-8":      200,
		"Application/JSON;charset=UTF-8":       200,
		"application/json; charset=iso-8859-1": 400,
		"text/plain":                           400,
		"":                                     400,
		"application/x-www-form-urlencoded":    400,
		"application/json/odd; ==":             400,
	} {
		status, text := b.post(t, ask("m"), "Content-Type", header)
		require.Equal(t, want, status, header)
		if want == 400 {
			requireError(t, text, "invalid_request_error", "unsupported_content_type", "")
		}
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sim.Options) { o.MaxBody = 1000 })
	body := func(size int) string {
		return ask("m", `"user":"`+strings.Repeat("u", size-len(ask("m", `"user":""`)))+`"`)
	}
	require.Len(t, body(1000), 1000)
	status, text := b.post(t, body(1000))
	require.Equal(t, 200, status, text)
	status, text = b.post(t, body(1001))
	require.Equal(t, 413, status)
	requireError(t, text, "invalid_request_error", "request_too_large", "")

	r := b.request(t.Context(), t, body(1001))
	r.ContentLength = -1 // sent in chunks, without its length
	require.Equal(t, 413, b.do(t, r).StatusCode)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/healthz", 200},
		{"GET", "/v1/chat/completions", 405},
		{"POST", "/v1/models", 405},
		{"POST", "/sim/totals", 405},
		{"GET", "/sim/reset", 405},
		{"POST", "/sim/reset", 204},
		{"GET", "/sim/totals?wait=soon", 400},
		{"GET", "/sim/totals?wait=1h", 400},
		{"POST", "/v1/edits", 404},
		{"GET", "/", 404},
	} {
		answer, text := b.send(t, row.method, row.path, "", "Authorization", "Bearer "+apiKey)
		require.Equal(t, row.status, answer.StatusCode, row.path)
		if row.status >= 400 {
			require.NotEmpty(t, decode(t, text).Error.Message)
		}
		if row.status == 405 {
			require.NotEmpty(t, answer.Header.Get("Allow"))
		}
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sim.Options) { o.Models = []string{"alpha", "beta-2"} })
	_, text := b.send(t, http.MethodGet, "/v1/models", "", "Authorization", "Bearer "+apiKey)
	want := `{"object":"list","data":[{"id":"alpha","object":"model","created":1800000000,"owned_by":"sim"},` +
		`{"id":"beta-2","object":"model","created":1800000000,"owned_by":"sim"}]}`
	require.Equal(t, want, text)
	for model, want := range map[string]int{"alpha": 200, "beta-2?tokens=1": 200, "gamma": 404, "": 404, "a b": 404, `a\"b`: 404, "ü": 404} {
		status, text := b.post(t, ask(model))
		require.Equal(t, want, status, model)
		if want == 404 {
			requireError(t, text, "invalid_request_error", "model_not_found", "model")
		}
	}
	open := setup(t)
	_, text = open.send(t, http.MethodGet, "/v1/models", "", "Authorization", "Bearer "+apiKey)
	require.Contains(t, text, `"id":"sim-large"`)
	status, _ := open.post(t, ask("whatever/name:free@1"))
	require.Equal(t, 200, status)
}

func TestTotalsOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.post(t, ask("m?cached=3"))
	b.post(t, ask("m?fault=500"))
	b.post(t, `{}`)
	answer, text := b.send(t, http.MethodGet, "/sim/totals?wait=10s", "")
	require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
	var got sim.Totals
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	require.Equal(t, b.Totals(), got)
	require.Equal(t, sim.Row{Calls: 2, Completed: 1, Rejected: 1, Reported: sim.Usage{Prompt: 7, Cached: 3, Completion: 16}}, got.Models["m"])
	require.Equal(t, map[string]int64{"missing_required_parameter": 1}, got.Refused)

	b.send(t, http.MethodPost, "/sim/reset", "")
	_, text = b.send(t, http.MethodGet, "/sim/totals", "")
	require.JSONEq(t, `{"calls":0,"streamed":0,"completed":0,"rejected":0,"broken":0,"aborted":0,"drained":0,`+
		`"reported":{"prompt_tokens":0,"cached_tokens":0,"cache_write_tokens":0,"cache_write_1h_tokens":0,"reasoning_tokens":0,"completion_tokens":0},`+
		`"unreported":{"prompt_tokens":0,"cached_tokens":0,"cache_write_tokens":0,"cache_write_1h_tokens":0,"reasoning_tokens":0,"completion_tokens":0},`+
		`"unknown_fields":0,"unknown_bytes":0,"models":{},"dialects":{},"faults":{},"refused":{},"counted":0,"in_flight":0}`, text)
}

func TestWaitIdleGivesUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := b.do(t, b.request(t.Context(), t, ask("m?between=10m", streamed)))
	until(t, answer.Body, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.WaitIdle(ctx), context.Canceled)
	_, text := b.send(t, http.MethodGet, "/sim/totals?wait=1ms", "")
	require.Contains(t, text, `"in_flight":1`)
}
