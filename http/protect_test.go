package http_test

import (
	nethttp "net/http"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/firewall"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
)

// firewalled puts the firewall before the console, and fails the test for each request that it would refuse.
func firewalled(t *testing.T) func(*parts) {
	t.Helper()
	f, err := firewall.New(firewall.Options{Logger: zerolog.New(zerolog.NewTestWriter(t)), Refuse: func(w nethttp.ResponseWriter, r *nethttp.Request, err error) {
		t.Errorf("the firewall refuses %s %s", r.Method, r.URL)
		problem.Write(w, r, err)
	}})
	require.NoError(t, err)
	return func(p *parts) { p.api.Protection.Firewall = f.Middleware }
}

var oneFirewall = sync.OnceValues(func() (*firewall.Firewall, error) { // reading the rules takes a moment
	return firewall.New(firewall.Options{Logger: zerolog.Nop(), Refuse: problem.Write})
})

// fromAbroad is a header as a proxy on this machine adds it.
func fromAbroad(address string) header { return header{"X-Forwarded-For", address} }

func protected(t *testing.T, limits http.RequestLimits, gate *middleware.Gate) func(*parts) {
	t.Helper()
	l, err := limit.New(limit.Options{})
	require.NoError(t, err)
	f, err := oneFirewall()
	require.NoError(t, err)
	return func(p *parts) {
		p.api.Protection = http.Protection{
			Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Gate: gate, Limiter: l, Limits: limits, Firewall: f.Middleware,
			Attempts: limit.NewAttempts(nil, nil, nil, zerolog.Nop()),
		}
	}
}

func TestRequestsAreLimitedByTheirTrueAddress(t *testing.T) {
	t.Parallel()
	b := setup(t, protected(t, http.RequestLimits{Address: 20, Console: 5}, nil))
	for i := range 5 {
		b.get("/console/v1/vendors", fromAbroad("203.0.113.1")).is(200)
		b.get("/v1/models", fromAbroad("198.51.100."+strconv.Itoa(i)+", 203.0.113.1")).is(200)
	}
	refused := b.get("/console/v1/vendors", fromAbroad("203.0.113.1")).refused(429, domain.CodeRateLimited)
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	b.get("/console/v1/vendors", fromAbroad("203.0.113.2")).is(200)
	for range 9 {
		b.get("/v1/models", fromAbroad("203.0.113.1")).is(200)
	}
	limited := b.get("/v1/models", fromAbroad("203.0.113.1")).is(429)
	require.NotEmpty(t, limited.header.Get("Retry-After"))
	require.Equal(t, "address", limited.text("error", "metadata", "scope"))
	for range 30 {
		b.get("/v1/models").is(200)
	}
}

func TestTheConsoleIsForSomeNetworks(t *testing.T) {
	t.Parallel()
	gate := &middleware.Gate{}
	b := setup(t, protected(t, http.RequestLimits{}, gate))
	rules, err := middleware.ParseRules("deny 198.51.100.0/24\nconsole 203.0.113.0/24")
	require.NoError(t, err)
	gate.Set(rules)
	b.get("/console/v1/vendors", fromAbroad("203.0.113.1")).is(200)
	b.get("/console/v1/vendors", fromAbroad("192.0.2.1")).refused(403, domain.CodeForbidden)
	b.get("/v1/models", fromAbroad("192.0.2.1")).is(200)
	b.get("/v1/models", fromAbroad("198.51.100.1")).is(403)
}

func TestTheFirewallStandsBeforeTheConsoleOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, protected(t, http.RequestLimits{}, nil))
	b.get("/console/v1/wallets?cursor=1%27%20OR%20%271%27%3D%271%27%20--%20").refused(403, domain.CodeForbidden)
	b.publish()
	w := b.wallet("10")
	_, secret := b.key(w, map[string]any{"name": "k"})
	b.post("/v1/chat/completions", map[string]any{
		"model": "acme/large", "messages": []map[string]string{{"role": "user", "content": "Explain <script>alert(1)</script> and ' OR '1'='1' --"}},
	}, bearer(secret)).is(200)
}

func TestAKeyAsksSoOften(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{})
	require.NoError(t, err)
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	_, secret := b.key(w, map[string]any{"name": "k"})
	b.api.Inference.Limiter, b.api.Inference.PerKey = l, 3
	for range 3 {
		b.get("/api/v1/credits", bearer(secret)).is(200)
	}
	require.NotEmpty(t, b.get("/api/v1/credits", bearer(secret)).is(429).header.Get("Retry-After"))
	b.post("/v1/chat/completions", map[string]any{"model": "acme/large", "messages": []map[string]string{{"role": "user", "content": "Hi"}}}, bearer(secret)).is(200)
}

// TestWaysToServicesAreTriesToSignIn: each leaves a row, so that an address begins so many; coming back counts none.
func TestWaysToServicesAreTriesToSignIn(t *testing.T) {
	t.Parallel()
	b, _ := setup(t, protected(t, http.RequestLimits{SignIn: 3}, nil)).withAccounts()
	from := fromAbroad("203.0.113.1")
	begun := func() (n int) {
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.oauth_flows`).Scan(&n))
		return n
	}
	begin := func(path string, from header) int {
		r, err := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodGet, b.url+authPath+path, nil)
		require.NoError(t, err)
		r.Header.Set(from.name, from.value)
		answer, err := b.http.Transport.RoundTrip(r) // follows nothing
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	for range 3 {
		require.Equal(t, nethttp.StatusFound, begin("oauth/corp", from))
	}
	for range 3 {
		require.Equal(t, nethttp.StatusTooManyRequests, begin("oauth/corp", from))
	}
	require.Equal(t, 3, begun())
	require.Equal(t, nethttp.StatusFound, begin("oauth/corp/callback?state=x&code=y", from))
	require.Equal(t, nethttp.StatusOK, begin("providers", from))
	require.Equal(t, nethttp.StatusFound, begin("oauth/corp", fromAbroad("203.0.113.2")))
}
