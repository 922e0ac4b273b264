package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// trueAddress tells the proxy of these tests where a client comes from. It goes no further.
const trueAddress = "Test-True-Address"

// front stands before a service as a reverse proxy: it appends the client's address to what the client itself wrote into X-Forwarded-For.
func front(t *testing.T, s *service) *service {
	t.Helper()
	target, err := url.Parse(s.base)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		r.SetXForwarded()
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = net.JoinHostPort(r.Header.Get(trueAddress), "1")
		r.Header.Del(trueAddress)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	fronted := *s
	fronted.base = server.URL
	return &fronted
}

// headed adds headers to whatever is sent.
type headed struct{ address, forged string }

func (h headed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(trueAddress, h.address)
	if h.forged != "" {
		r.Header.Set("X-Forwarded-For", h.forged)
	}
	return http.DefaultTransport.RoundTrip(r) //nolint:wrapcheck // as a transport does
}

// from is the service as a client at an address sees it, who claims to be somebody else.
func (s *service) from(address, forged string) *service {
	seen := *s
	seen.client = &http.Client{Timeout: patience, Transport: headed{address, forged}}
	return &seen
}

// flood tries to sign in until the context ends, as another one each time, so that it is not the tries at one account that are counted.
func (s *service) flood(ctx context.Context) error {
	for i := 0; ctx.Err() == nil; i++ {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/console/v1/auth/sign-in",
			strings.NewReader(fmt.Sprintf(`{"email":"flood%d@example.com","password":"guess"}`, i)))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := s.client.Do(r)
		if ctx.Err() != nil && err != nil {
			return nil //nolint:nilerr // cut off by the end
		}
		if err != nil {
			return err
		}
		if err := answer.Body.Close(); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode != http.StatusUnauthorized {
			return fmt.Errorf("the flood was answered with %s", answer.Status)
		}
	}
	return nil
}

// TestAFloodOfSignIns: through a trusted proxy each client has an allowance of its own, by its true address, whatever it claims; a server that does not trust the
// proxy believes nothing of it; and calls of models and people who are signed in do not notice.
func TestAFloodOfSignIns(t *testing.T) {
	t.Parallel()
	const allowance = 4
	box, mailServer := openPostbox(t)
	database, keyset, redis, vendor := pgtest.URL(t), filepath.Join(t.TempDir(), "keyset.json"), redistest.Start(t).URL(), vendorServer(t)
	do(t, nil, "secrets", "init", keyset)
	home, _ := servePeople(t, database, redis, keyset, mailServer) // keeps the read models
	home.publish(vendor, "test/flat", "flat", perCall("0.05"))
	payer, ann := home.open("10.00"), home.join(box, "ann@example.com")
	start := func(trusted string) *service {
		p := spawn(t, []string{
			"DATABASE_URL=" + database, "REDIS_URL=" + redis, "MASSROUTER_OPERATOR_TOKEN=" + operatorToken, "MASSROUTER_JOURNAL_DIR=" + t.TempDir(),
			"MASSROUTER_VENDOR_KEY_SIM=" + vendorSecret, "MASSROUTER_LISTEN=127.0.0.1:0", "MASSROUTER_OPS_LISTEN=127.0.0.1:0",
			"MASSROUTER_SECRETS_KEYSET_FILE=" + keyset, "MASSROUTER_PORTAL_URL=https://portal.example", "MASSROUTER_SMTP_URL=" + mailServer,
			"MASSROUTER_MAIL_FROM=no-reply@portal.example", "MASSROUTER_TRUSTED_PROXIES=" + trusted, "MASSROUTER_LIMIT_SIGN_IN=" + strconv.Itoa(allowance),
			"MASSROUTER_LIMIT_BUDGET=1s", // a busy machine is not what this is about
		}, "serve", "--json")
		t.Cleanup(func() {
			if err := <-p.ended; err != nil {
				t.Log(err)
			}
		}) // the test's end has killed it, if it has not ended before
		s := *home
		s.base = p.first.BaseURL
		s.stop = func() error { p.signal(t, syscall.SIGTERM); err := <-p.ended; p.ended <- err; return err }
		return &s
	}
	const flooder, victim, other = "203.0.113.1", "198.51.100.1", "192.0.2.1"
	server := start("127.0.0.1/32")
	proxy := front(t, server)
	signIn := func(s *service) answered {
		t.Helper()
		return s.ask(http.MethodPost, "/console/v1/auth/sign-in", "", map[string]any{"email": ann.email, "password": personWord, "delivery": "body"})
	}
	begun, through, tries := time.Now(), 0, 0
	try := func(s *service) {
		t.Helper()
		tries++
		got := s.ask(http.MethodPost, "/console/v1/auth/sign-in", "", map[string]any{"email": fmt.Sprintf("try%d@example.com", tries), "password": "guess"})
		if got.status == http.StatusUnauthorized {
			through++
			return
		}
		require.Equal(t, http.StatusTooManyRequests, got.status, "%s", got.body)
		require.NotEmpty(t, got.header.Get("Retry-After"))
	}
	for range 3 * allowance {
		try(proxy.from(flooder, ""))
	}
	require.GreaterOrEqual(t, through, allowance)
	for i := range 3 * allowance { // as the victim, and as a new one each time
		try(proxy.from(flooder, victim))
		try(proxy.from(flooder, fmt.Sprintf("100.64.0.%d, 127.0.0.1", i+1)))
	}
	// What comes back with time is all that is added.
	require.LessOrEqual(t, float64(through), allowance*(1+time.Since(begun).Minutes()), "of %d", tries)

	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	floods := make([]error, 3)
	for i, forged := range []string{"", victim, other} {
		all.Go(func() { floods[i] = proxy.from(flooder, forged).flood(ctx) })
	}
	for _, address := range []string{victim, other} {
		for range allowance { // all of it is there
			got := signIn(proxy.from(address, ""))
			require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		}
	}
	for _, address := range []string{victim, other} {
		for range 5 {
			got := proxy.from(address, "").ask(http.MethodPost, "/v1/chat/completions", payer.secret, chat("test/flat", false))
			require.Equal(t, http.StatusOK, got.status, "%s", got.body)
			got = proxy.from(address, "").ask(http.MethodGet, "/console/v1/me", ann.access, nil)
			require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		}
	}
	cancel()
	all.Wait()
	for _, err := range floods {
		require.NoError(t, err)
	}
	require.EqualValues(t, 10, vendor.Totals().Completed)

	strict := start("192.0.2.128/25")
	for range 2 * allowance { // all of them come from this machine, which has no limit
		got := signIn(front(t, strict).from(flooder, victim))
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	}
	environ := []string{"MASSROUTER_SERVER=" + home.base, "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	for _, one := range []struct {
		at      *service
		address string
	}{{proxy, flooder}, {front(t, strict), "127.0.0.1"}, {strict, "127.0.0.1"}} {
		wallet := home.open("1.00").wallet.String()
		topUp := asked{"top up " + wallet, http.MethodPost, "/console/v1/wallets/" + wallet + "/top-ups", operatorToken, nil}
		topUp.body = map[string]any{"amount": "2", "currency": "USD", "reason": "test"}
		got := one.at.from(flooder, victim).send(topUp)
		require.Less(t, got.status, http.StatusMultipleChoices, "%s", got.body)
		page := decoded[client.AuditEntryPage](t, do(t, environ, "audit", "trail", "list", "--wallet", wallet, "--action", "TopUpWallet", "--json"))
		require.Len(t, page.Items, 1)
		require.NotNil(t, page.Items[0].Personal)
		require.NotNil(t, page.Items[0].Personal.Address)
		require.Equal(t, one.address, *page.Items[0].Personal.Address)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() //nolint:forcetypeassert // it is one
	require.NoError(t, server.stop())
	require.NoError(t, strict.stop())
}
