package http_test

import (
	"context"
	"fmt"
	nethttp "net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/internal/redistest"
)

// abroad is a service behind a proxy on this machine, whose tries are counted with Redis or without. Its clock stands still: a slow machine is given no more tries.
func abroad(t *testing.T, withRedis bool, tune ...func(*password.Options)) *bundle {
	t.Helper()
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	attempts := limit.NewAttempts(nil, nil, func() time.Time { return at }, zerolog.Nop())
	if withRedis {
		client, err := limit.Client(redistest.Start(t).URL())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		attempts = limit.NewAttempts(client, nil, func() time.Time { return at }, zerolog.Nop())
	}
	b, who := setup(t, func(p *parts) {
		p.api.Protection = http.Protection{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Attempts: attempts}
	}).withAccounts(tune...)
	b.signedIn(who, annEmail)
	return b
}

func (b *bundle) signIn(email, word, from string) (answer, error) {
	return b.try(nethttp.MethodPost, authPath+"sign-in", map[string]any{"email": email, "password": word, "delivery": "body"}, header{"Authorization", ""}, fromAbroad(from))
}

// eachWay runs a test with Redis and without.
func eachWay(t *testing.T, test func(t *testing.T, withRedis bool)) {
	t.Helper()
	for _, withRedis := range []bool{true, false} {
		t.Run(fmt.Sprintf("redis %t", withRedis), func(t *testing.T) {
			t.Parallel()
			test(t, withRedis)
		})
	}
}

// TestGuessesFromOneSite: whoever has a /48 of IPv6 has 65,536 networks, and no more guesses by that.
func TestGuessesFromOneSite(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, withRedis bool) {
		t.Helper()
		b := abroad(t, withRedis)
		owner := func(from string) {
			t.Helper()
			got, err := b.signIn(annEmail, annWord, from)
			require.NoError(t, err)
			got.is(200)
		}
		owner("2001:db8:bad:ffff::1")
		looked := 0
		for i := range 120 {
			got, err := b.signIn(annEmail, fmt.Sprintf("stolen word %d", i), fmt.Sprintf("2001:db8:bad:%x::1", i))
			require.NoError(t, err)
			if got.status == 401 {
				looked++
				continue
			}
			got.refused(429, domain.CodeRateLimited)
		}
		require.Equal(t, 20, looked)
		owner("2001:db8:bad:ffff::2") // the same network as before, in the midst of them
		owner("2001:db8:9:1::1")
		owner("198.51.100.1")
	})
}

// TestMailsToOneMailbox: from one network somebody has a few mails sent to a mailbox, whether or not there is an account, and keeps nobody else from it.
func TestMailsToOneMailbox(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, withRedis bool) {
		t.Helper()
		b := abroad(t, withRedis)
		ask := func(path, email, from string) answer {
			t.Helper()
			got, err := b.try(nethttp.MethodPost, authPath+path, map[string]any{"email": email, "password": annWord}, header{"Authorization", ""}, fromAbroad(from))
			require.NoError(t, err)
			return got
		}
		forgot := func(email, from string) answer {
			t.Helper()
			got, err := b.try(nethttp.MethodPost, authPath+"forgot-password", map[string]any{"email": email}, header{"Authorization", ""}, fromAbroad(from))
			require.NoError(t, err)
			return got
		}
		for _, email := range []string{annEmail, "nobody@portal.example"} {
			accepted := 0
			for range 150 {
				got := forgot(email, "203.0.113.1")
				if got.status == 202 {
					accepted++
					continue
				}
				require.NotEmpty(t, got.refused(429, domain.CodeRateLimited).header.Get("Retry-After"))
			}
			require.Equal(t, 5, accepted, email)
			ask("sign-up", email, "203.0.113.1").refused(429, domain.CodeRateLimited)
			forgot(email, "198.51.100.1").is(202)
			ask("sign-up", email, "198.51.100.2").is(202)
		}
		forgot("bob@portal.example", "203.0.113.1").is(202)
		got, err := b.signIn(annEmail, annWord, "203.0.113.1")
		require.NoError(t, err)
		got.is(200) // who asks for mails may still sign in
	})
}

// TestAFloodStarvesNobody: many who guess at once from one network are not before a user on a known network, nor before one on any other.
func TestAFloodStarvesNobody(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, withRedis bool) {
		t.Helper()
		b := abroad(t, withRedis, func(o *password.Options) { o.Share, o.Waiting = 0.02, 32 })
		ctx, cancel := context.WithCancel(t.Context())
		var flood sync.WaitGroup
		var mu sync.Mutex
		busy, failed := 0, error(nil)
		for i := range 80 {
			flood.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					got, err := b.signIn(fmt.Sprintf("flood-%d-%d@portal.example", i, n), "guess", fmt.Sprintf("2001:db8:bad:%x::1", i)) //nolint:contextcheck // each request is short
					mu.Lock()
					switch {
					case err != nil:
						failed = err
					case got.status == 503:
						busy++
					}
					mu.Unlock()
				}
			})
		}
		require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return busy > 100 || failed != nil }, time.Minute, time.Millisecond)
		for range 12 {
			got, err := b.signIn(annEmail, annWord, "198.51.100.1")
			require.NoError(t, err)
			got.is(200)
		}
		for i := range 4 {
			got, err := b.signIn(annEmail, annWord, fmt.Sprintf("192.0.%d.1", i))
			require.NoError(t, err)
			got.is(200)
		}
		cancel()
		flood.Wait()
		require.NoError(t, failed)
	})
}
