package middleware_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

// from is a request of a client.
func from(t *testing.T, address, method, path, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	c := request.Client{}
	if address != "" {
		c.Address = netip.MustParseAddr(address)
	}
	return r.WithContext(request.WithClient(r.Context(), c))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func TestHeadersThatAreGivenOnce(t *testing.T) {
	t.Parallel()
	h := middleware.Head(problem.Write)(http.HandlerFunc(ok))
	many := http.Header{}
	for i := range 101 {
		many.Set("X-"+strconv.Itoa(i), "v")
	}
	for name, row := range map[string]struct {
		header http.Header
		status int
	}{
		"none":                   {http.Header{}, 204},
		"each once":              {http.Header{"Content-Type": {"a"}, "Origin": {"b"}, "Accept": {"c", "d"}}, 204},
		"two content types":      {http.Header{"Content-Type": {"application/json", "text/plain"}}, 400},
		"two origins":            {http.Header{"Origin": {"https://a", "https://b"}}, 400},
		"two sites":              {http.Header{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, 400},
		"too many":               {many, 400},
		"too many of one":        {http.Header{"Accept": make([]string, 101)}, 400},
		"a proxy's list in many": {http.Header{"X-Forwarded-For": make([]string, 20)}, 204},
	} {
		r := from(t, "", http.MethodGet, "/", "")
		r.Header = row.header
		require.Equal(t, row.status, serve(h, r).Code, name)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	rules, err := middleware.ParseRules("# ours\nallow 203.0.113.0/24 # office\n\nallow 2001:db8::/32\ndeny 203.0.113.66\n  console 203.0.113.128/25\r\n")
	require.NoError(t, err)
	for _, row := range []struct {
		address      string
		api, console bool
	}{
		{"203.0.113.1", true, false},
		{"203.0.113.200", true, true},
		{"203.0.113.66", false, false},
		{"2001:db8::1", true, false},
		{"198.51.100.1", false, false},
		{"", false, false},
	} {
		var a netip.Addr
		if row.address != "" {
			a = netip.MustParseAddr(row.address)
		}
		require.Equal(t, row.api, rules.Allows(a, false), row.address)
		require.Equal(t, row.console, rules.Allows(a, true), row.address)
	}
	require.True(t, middleware.Rules{}.Allows(netip.Addr{}, true))
	for name, text := range map[string]string{
		"another word": "forbid 10.0.0.0/8", "no network": "deny", "no address": "deny all", "a zone": "deny fe80::1%eth0",
		"two": "deny 10.0.0.1 10.0.0.2", "IPv4 in IPv6": "allow ::ffff:10.0.0.0/104", "bits": "deny 10.0.0.0/33",
	} {
		_, err := middleware.ParseRules("# first\n" + text)
		require.ErrorContains(t, err, "line 2", name)
	}
	_, err = middleware.ParseRules(strings.Repeat("deny 10.0.0.1\n", 100_001))
	require.Error(t, err)
}

func TestRulesChangeWhileTheGateWorks(t *testing.T) {
	t.Parallel()
	gate := &middleware.Gate{}
	h := gate.Middleware(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/console/") }, problem.Write)(http.HandlerFunc(ok))
	status := func(path string) int { return serve(h, from(t, "203.0.113.1", http.MethodGet, path, "")).Code }
	require.Equal(t, 204, status("/console/x"))
	gate.Set(middleware.Rules{Console: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	require.Equal(t, 403, status("/console/x"))
	require.Equal(t, 204, status("/v1/models"))
	gate.Set(middleware.Rules{Deny: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	require.Equal(t, 403, status("/v1/models"))
	gate.Set(middleware.Rules{})
	require.Equal(t, 204, status("/console/x"))
}

func newLimiter(t *testing.T) *limit.Limiter {
	t.Helper()
	l, err := limit.New(limit.Options{})
	require.NoError(t, err)
	return l
}

func TestLimitsByAddress(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]func(middleware.Limiter, string, int64, func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler{
		"share": middleware.PerAddress, "exactly": middleware.PerAddressExactly,
	} {
		h := m(newLimiter(t), middleware.ScopeAddress, 3, problem.Write)(http.HandlerFunc(ok))
		get := func(address string) *httptest.ResponseRecorder {
			return serve(h, from(t, address, http.MethodGet, "/", ""))
		}
		for range 3 {
			require.Equal(t, 204, get("203.0.113.1").Code, name)
		}
		refused := get("203.0.113.1")
		require.Equal(t, 429, refused.Code, name)
		seconds, err := strconv.Atoi(refused.Header().Get("Retry-After"))
		require.NoError(t, err)
		require.True(t, seconds >= 1 && seconds <= 20, "three a minute are one in twenty seconds: %d", seconds)
		var told problem.Problem
		require.NoError(t, json.Unmarshal(refused.Body.Bytes(), &told))
		require.Equal(t, domain.CodeRateLimited, told.Code)
		require.Equal(t, "address", told.Details["scope"])
		require.NotContains(t, refused.Body.String(), "203.0.113")
		require.Equal(t, 204, get("203.0.113.2").Code, name)
		for i := range 3 {
			require.Equal(t, 204, get("2001:db8::"+strconv.Itoa(i+1)).Code, name)
		}
		require.Equal(t, 429, get("2001:db8::ffff").Code, "one subscriber has a /64")
		require.Equal(t, 204, get("2001:db8:0:1::1").Code, name)
		passed := 0
		for i := range 60 {
			if get("2001:db8:bad:"+strconv.Itoa(i)+"::1").Code == 204 {
				passed++
			}
		}
		require.GreaterOrEqual(t, passed, 24, name)
		require.LessOrEqual(t, passed, 26, "%s: one site has a /48, and what comes back with time", name)
		for range 10 {
			require.Equal(t, 204, get("127.0.0.1").Code, name)
			require.Equal(t, 204, get("::1").Code, name)
			require.Equal(t, 204, get("").Code, name)
		}
	}
}

func TestLimitsByUser(t *testing.T) {
	t.Parallel()
	type user struct{}
	h := middleware.PerUser(newLimiter(t), 2, func(ctx context.Context) string { id, _ := ctx.Value(user{}).(string); return id }, problem.Write)(http.HandlerFunc(ok))
	get := func(id string) int {
		r := from(t, "127.0.0.1", http.MethodGet, "/", "")
		return serve(h, r.WithContext(context.WithValue(r.Context(), user{}, id))).Code
	}
	for range 2 {
		require.Equal(t, 204, get("user:1"))
	}
	require.Equal(t, 429, get("user:1"))
	require.Equal(t, 204, get("user:2"))
	for range 5 {
		require.Equal(t, 204, get(""))
	}
}

func TestWhoGuessesPasswordsWaits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	attempts := limit.NewAttempts(nil, nil, func() time.Time { return now }, zerolog.Nop())
	status := http.StatusUnauthorized
	h := middleware.SignIn(attempts, problem.Write)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Contains(t, string(body), "email", "the handler reads the whole body")
		w.WriteHeader(status)
	}))
	try := func(address, email string) int {
		return serve(h, from(t, address, http.MethodPost, "/console/v1/auth/sign-in", `{"email":"`+email+`","password":"guess"}`)).Code
	}
	for range 5 {
		require.Equal(t, 401, try("203.0.113.1", "ada@example.com"))
	}
	require.Equal(t, 429, try("203.0.113.1", "ADA@Example.COM "), "the same mailbox")
	require.Equal(t, 401, try("203.0.113.2", "ada@example.com"), "from elsewhere")
	require.Equal(t, 401, try("203.0.113.1", "bob@example.com"))
	status = http.StatusServiceUnavailable
	for range 10 {
		require.Equal(t, 503, try("203.0.113.1", "carol@example.com"), "what was not found out does not count")
	}
	status = http.StatusOK
	now = now.Add(30 * time.Second)
	require.Equal(t, 200, try("203.0.113.1", "ada@example.com"))
	status = http.StatusUnauthorized
	for range 5 {
		require.Equal(t, 401, try("203.0.113.1", "ada@example.com"), "a success ends the waiting")
	}
	require.Equal(t, 429, try("203.0.113.1", "ada@example.com"))
	for _, body := range []string{`{"email":"nobody"}`, `{"email":7}`, `email`, `{"password":"x","email":""}`} {
		require.Equal(t, 401, serve(h, from(t, "203.0.113.1", http.MethodPost, "/", body)).Code, "the handler judges")
	}
	long := serve(h, from(t, "203.0.113.1", http.MethodPost, "/", `{"email":"`+strings.Repeat("a", 16<<10)+`"}`))
	require.Equal(t, 400, long.Code)
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		w := serve(middleware.Harden(http.HandlerFunc(ok)), r.WithContext(request.WithClient(r.Context(), request.Client{Secure: secure})))
		want := map[string]string{
			"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Strict-Transport-Security": "",
		}
		if secure {
			want["Strict-Transport-Security"] = "max-age=31536000"
		}
		for name, value := range want {
			require.Equal(t, value, w.Header().Get(name), name)
		}
	}
}
