package inference_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// chatKit is the way from a socket to the vendor.
type chatKit struct {
	*gatewaytest.Kit
	server *httptest.Server
}

func newChat(t *testing.T, o inference.CallOptions, options ...gatewaytest.Option) chatKit {
	t.Helper()
	k := gatewaytest.New(t, options...)
	chat := chi.NewRouter()
	inference.NewCalls(k.Gateway, auth.New(k.Keys(), auth.Options{Now: k.Clock.Now}), o).Mount(chat)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chat.ServeHTTP(w, r.WithContext(zerolog.New(k.Log).WithContext(r.Context())))
	}))
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return chatKit{Kit: k, server: server}
}

// reply is what a caller got.
type reply struct {
	status int
	header http.Header
	body   string
	Error  struct {
		Code     int               `json:"code"`
		Message  string            `json:"message"`
		Type     string            `json:"type"`
		Param    *string           `json:"param"`
		Metadata map[string]string `json:"metadata"`
	} `json:"error"`
}

func (k chatKit) request(t *testing.T, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+"/v1/chat/completions", body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+k.Secret)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func (k chatKit) send(t *testing.T, req *http.Request) reply {
	t.Helper()
	resp, err := k.server.Client().Do(req)
	require.NoError(t, err)
	return read(t, resp)
}

func read(t *testing.T, resp *http.Response) reply {
	t.Helper()
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(body, &r), "%s", body)
	}
	return r
}

func (k chatKit) post(t *testing.T, body string, headers ...string) reply {
	t.Helper()
	return k.send(t, k.request(t, strings.NewReader(body), headers...))
}

func TestChatAnswers(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	r := k.post(t, gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5")))
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, "application/json", r.header.Get("Content-Type"))
	e := k.Only()
	require.Equal(t, "gen-"+e.HoldID.String(), r.header.Get("X-Generation-Id"))
	require.Contains(t, r.body, `"cost":`+e.Charge.String()+`,`)
	for name := range r.header {
		require.Contains(t, []string{"Content-Type", "Content-Length", "X-Generation-Id", "Date"}, name, "nothing of the vendor's")
	}
}

func TestChatStreams(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	gate := make(chan struct{})
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		flush := http.NewResponseController(w).Flush
		for _, piece := range []string{"a", "b"} {
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", piece)
			_ = flush()
			<-gate
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"+
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n")
	}))
	body := strings.TrimSuffix(gatewaytest.Body(k.Model(gatewaytest.Canceller, "")), "}") + `,"stream":true}`
	resp, err := k.server.Client().Do(k.request(t, strings.NewReader(body)))
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.Equal(t, "text/event-stream; charset=utf-8", resp.Header.Get("Content-Type"))
	require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"))
	require.NotEmpty(t, resp.Header.Get("X-Generation-Id"))
	lines := bufio.NewScanner(resp.Body)
	for _, piece := range []string{"a", "b"} { // each arrives before the vendor sends the next
		require.True(t, lines.Scan())
		require.Contains(t, lines.Text(), `"content":"`+piece+`"`)
		require.True(t, lines.Scan())
		require.Empty(t, lines.Text())
		gate <- struct{}{}
	}
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	require.Contains(t, rest[2], `"cost":`+k.Only().Charge.String()+`,`)
	require.Equal(t, "data: [DONE]", rest[4])
}

// TestChatRefusals is the table of what callers do wrong.
func TestChatRefusals(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{MaxBody: 2000})
	model := k.Model(gatewaytest.Canceller, "")
	cap1 := money.MustParse("0.0001")
	_, _, poor := k.Customer("0")
	_, _, capped := k.Customer("10", apikey.Limits{Caps: wallet.Caps{Total: &cap1}})
	_, _, other := k.Customer("10", apikey.Limits{Models: []string{"acme/other"}})
	_, revoked, gone := k.Customer("10")
	_, _, err := k.App.RevokeKey(t.Context(), gatewaytest.Meta(), commands.RevokeKey{KeyID: revoked, Reason: "test"})
	require.NoError(t, err)
	_, disabled, off := k.Customer("10")
	_, _, err = k.App.DisableKey(t.Context(), gatewaytest.Meta(), commands.DisableKey{KeyID: disabled, Reason: "test"})
	require.NoError(t, err)
	_, _, old := k.Customer("10", apikey.Limits{ExpiresAt: k.Clock.Now().Add(time.Minute)})
	k.Clock.Step(time.Hour)

	bearer := func(secret string) []string { return []string{"Authorization", "Bearer " + secret} }
	good := gatewaytest.Body(model)
	for name, row := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
		kind    string
		param   string
		detail  string
	}{
		"no key":            {body: good, headers: []string{"Authorization", ""}, status: 401, code: "unauthenticated", kind: "authentication_error"},
		"another scheme":    {body: good, headers: []string{"Authorization", "Basic eDp5"}, status: 401, code: "unauthenticated", kind: "authentication_error"},
		"made-up key":       {body: good, headers: bearer(apikey.Secret(uuid.New(), [32]byte{})), status: 401, code: "key_invalid", kind: "authentication_error"},
		"wrong key":         {body: good, headers: bearer(k.Secret[:len(k.Secret)-4] + "zzzz"), status: 401, code: "key_invalid", kind: "authentication_error"},
		"revoked key":       {body: good, headers: bearer(gone), status: 401, code: "key_revoked", kind: "authentication_error"},
		"expired key":       {body: good, headers: bearer(old), status: 401, code: "key_expired", kind: "authentication_error"},
		"disabled key":      {body: good, headers: bearer(off), status: 403, code: "key_disabled", kind: "permission_error"},
		"model not allowed": {body: good, headers: bearer(other), status: 403, code: "model_not_allowed", kind: "permission_error"},
		"empty wallet":      {body: good, headers: bearer(poor), status: 402, code: "insufficient_credits", kind: "insufficient_quota", detail: "affordable_output_tokens"},
		"key's cap":         {body: good, headers: bearer(capped), status: 402, code: "key_limit_exceeded", kind: "insufficient_quota", detail: "limit"},
		"unknown model":     {body: gatewaytest.Body("acme/unknown"), status: 404, code: "model_not_found", kind: "invalid_request_error", param: "model"},
		"no JSON":           {body: `hello`, status: 400, code: "invalid_request", kind: "invalid_request_error"},
		"nothing":           {body: ``, status: 400, code: "invalid_request", kind: "invalid_request_error"},
		"wrong n":           {body: gatewaytest.Body(model, `"n":0`), status: 400, code: "invalid_request", kind: "invalid_request_error", param: "n"},
		"too large":         {body: gatewaytest.Body(model, `"x":"`+strings.Repeat("x", 2000)+`"`), status: 413, code: "request_too_large", kind: "invalid_request_error"},
		"compressed":        {body: good, headers: []string{"Content-Encoding", "gzip"}, status: 415, code: "unsupported_media_type", kind: "invalid_request_error"},
		"empty token":       {body: good, headers: []string{"Idempotency-Key", ""}, status: 400, code: "invalid_request", kind: "invalid_request_error", param: "Idempotency-Key"},
		"vendor's 400":      {body: gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=400")), status: 400, code: "vendor_refused", kind: "invalid_request_error", detail: "provider_code"},
		"vendor's 401":      {body: gatewaytest.Body(k.Model(gatewaytest.Drainer, "fault=401")), status: 503, code: "vendor_unavailable", kind: "server_error"},
		"vendor's 503":      {body: gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=503&retry_after=9")), status: 503, code: "vendor_overloaded", kind: "server_error"},
		"vendor's 504":      {body: gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=504")), status: 504, code: "vendor_timeout", kind: "server_error"},
		"nobody's model":    {body: gatewaytest.Body(k.Model("nobody", "")), status: 503, code: "vendor_unavailable", kind: "server_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := k.post(t, row.body, row.headers...)
			require.Equal(t, row.status, r.status, "%s", r.body)
			require.Equal(t, row.status, r.Error.Code)
			require.Equal(t, row.code, r.Error.Metadata["error_type"])
			require.Equal(t, row.kind, r.Error.Type)
			require.NotEmpty(t, r.Error.Message)
			require.Equal(t, "false", r.header.Get("X-Should-Retry"), "official clients shall not try it again")
			if row.param != "" {
				require.Equal(t, row.param, *r.Error.Param)
			}
			if row.detail != "" {
				require.Contains(t, r.Error.Metadata, row.detail)
			}
			if row.status == http.StatusUnauthorized {
				require.Equal(t, "Bearer", r.header.Get("WWW-Authenticate"))
			}
			if strings.HasPrefix(row.code, "vendor_") && name != "nobody's model" {
				require.NotEmpty(t, r.header.Get("X-Generation-Id"))
			}
			for _, secret := range []string{k.Secret, gatewaytest.VendorSecret} {
				require.NotContains(t, r.body, secret)
				require.NotContains(t, k.Log.String(), secret)
			}
		})
	}
}

func TestChatSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	r := k.post(t, gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=503&retry_after=42")))
	require.Equal(t, "42", r.header.Get("Retry-After"))
	model := k.Model(gatewaytest.Canceller, "")
	k.Away()
	r = k.post(t, gatewaytest.Body(model))
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.Equal(t, "ledger_unavailable", r.Error.Metadata["error_type"])
	require.Equal(t, "1", r.header.Get("Retry-After"))
	require.Equal(t, "true", r.header.Get("X-Should-Retry"))
	k.Gateway.Stop(t.Context())
	r = k.post(t, gatewaytest.Body(model))
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.Equal(t, "shutting_down", r.Error.Metadata["error_type"])
	require.Equal(t, "true", r.header.Get("X-Should-Retry"))
}

func TestChatBodiesWithoutALength(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{MaxBody: 100_000})
	model := k.Model(gatewaytest.Canceller, "")
	for pad, want := range map[int]int{0: 200, 5_000: 200, 99_000: 200, 100_000: 413, 5_000_000: 413} {
		body := gatewaytest.Body(model, `"x":"`+strings.Repeat("x", pad)+`"`)
		r := k.send(t, k.request(t, io.MultiReader(strings.NewReader(body)))) // chunked
		require.Equal(t, want, r.status, "%d", pad)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(bytes.Repeat([]byte(" "), 10<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.Equal(t, 415, k.send(t, k.request(t, &packed, "Content-Encoding", "gzip")).status)
}

func TestChatClamp(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	_, _, secret := k.Customer("0.001")
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=500"), `"max_tokens":500`)
	r := k.post(t, body, "Authorization", "Bearer "+secret)
	require.Equal(t, http.StatusPaymentRequired, r.status)
	affordable := r.Error.Metadata["affordable_output_tokens"]
	require.NotEqual(t, "0", affordable)
	r = k.post(t, body, "Authorization", "Bearer "+secret, inference.ClampHeader, "true")
	require.Equal(t, http.StatusOK, r.status)
	require.Contains(t, r.body, `"completion_tokens":`+affordable+`,`)
}

func TestChatIdempotency(t *testing.T) {
	t.Parallel()
	store := answers.New(pgtest.New(t))
	k := newChat(t, inference.CallOptions{}, func(o *gateway.Options) { o.Answers = store })
	gate := make(chan struct{})
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		k.Sim.ServeHTTP(w, r)
	}))
	model := k.Model(gatewaytest.Canceller, "tokens=5")
	req := k.request(t, strings.NewReader(gatewaytest.Body(model)), "Idempotency-Key", "abc")
	type outcome struct {
		resp *http.Response
		err  error
	}
	first := make(chan outcome)
	go func() {
		resp, err := k.server.Client().Do(req)
		first <- outcome{resp, err}
	}()
	require.Eventually(t, func() bool { return len(k.History().Placed) == 1 }, time.Minute, time.Millisecond)

	r := k.post(t, gatewaytest.Body(model), "Idempotency-Key", "abc")
	require.Equal(t, http.StatusConflict, r.status)
	require.Equal(t, "request_in_progress", r.Error.Metadata["error_type"])
	require.Equal(t, "2", r.header.Get("Retry-After"))
	require.Equal(t, "true", r.header.Get("X-Should-Retry"))
	r = k.post(t, gatewaytest.Body(model, `"n":2`), "Idempotency-Key", "abc")
	require.Equal(t, http.StatusConflict, r.status)
	require.Equal(t, "idempotency_conflict", r.Error.Metadata["error_type"])
	require.Equal(t, "false", r.header.Get("X-Should-Retry"))

	close(gate)
	done := <-first
	require.NoError(t, done.err)
	was := read(t, done.resp)
	require.Equal(t, http.StatusOK, was.status)
	require.Empty(t, was.header.Get("Idempotent-Replayed"))
	again := k.post(t, gatewaytest.Body(model), "Idempotency-Key", "abc")
	require.Equal(t, http.StatusOK, again.status)
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	require.Equal(t, was.body, again.body)
	require.Equal(t, was.header.Get("X-Generation-Id"), again.header.Get("X-Generation-Id"))
	k.Only()
}

// TestChatOfACallerWhoHangsUp closes the connection in the middle of a stream.
func TestChatOfACallerWhoHangsUp(t *testing.T) {
	t.Parallel()
	for vendor, want := range map[string]usage.Provenance{gatewaytest.Canceller: usage.Estimated, gatewaytest.Drainer: usage.Reported} {
		k := newChat(t, inference.CallOptions{})
		body := gatewaytest.Body(k.Model(vendor, "tokens=300&between=1ms"), `"max_tokens":500`, `"stream":true`)
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := k.server.Client().Do(k.request(t, strings.NewReader(body)).WithContext(ctx))
		require.NoError(t, err)
		_, err = resp.Body.Read(make([]byte, 100))
		require.NoError(t, err)
		cancel()
		require.NoError(t, resp.Body.Close())
		require.Eventually(t, func() bool { return len(k.History().Charged) == 1 }, time.Minute, time.Millisecond)
		e := k.Only()
		require.Equal(t, want, e.Provenance)
		require.True(t, e.Call.Cancelled)
	}
}

// TestChatOfACallerWhoDoesNotRead: nobody holds a call for ever by not taking its answer.
func TestChatOfACallerWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{Patience: 50 * time.Millisecond})
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=long&tokens=1000000"), `"max_tokens":20000`, `"stream":true`)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", k.server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", k.Secret, len(body), body)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(k.History().Charged) == 1 }, 60*time.Second, 5*time.Millisecond)
	e := k.Only()
	require.True(t, e.Call.Cancelled)
	require.Positive(t, e.Usage.Completion())
	require.LessOrEqual(t, e.Usage.Completion(), int64(20000), "no more than was held")
}

// TestChatUsesAConnectionAgain: the deadlines of one call do not outlive it.
func TestChatUsesAConnectionAgain(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{Patience: 200 * time.Millisecond})
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	slow := k.Model(gatewaytest.Canceller, "tokens=3&first=300ms")
	failing := gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=502&first=300ms"))
	for _, row := range []struct {
		body string
		want int
	}{
		{gatewaytest.Body(model), 200},
		{failing, 502},
		{gatewaytest.Body(slow), 200},
		{failing, 502},
		{gatewaytest.Body(slow, `"stream":true`), 200},
		{failing, 502},
		{gatewaytest.Body(model), 200},
	} {
		require.Equal(t, row.want, k.post(t, row.body).status)
	}
	require.Len(t, k.Settled().Charged, 4)
}
