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
	"github.com/massrouter/massrouter/internal/redistest"
)

// TestStuffedCredentials: lists of passwords are tried at many accounts from many networks at once, with Redis and without. How many are looked at is bounded
// for each account however many come, accounts that do not exist are treated alike, and the owner comes in at the first try.
func TestStuffedCredentials(t *testing.T) {
	t.Parallel()
	const accounts, networks, guesses, workers = 12, 24, 6, 16
	// Five tries of each network until there are 20 failures, and then one of each network; tries that are under way meanwhile have begun before.
	const most = 20 + workers + networks
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // stands still: a slow machine is given no more tries
	for _, withRedis := range []bool{true, false} {
		t.Run(fmt.Sprintf("redis %t", withRedis), func(t *testing.T) {
			t.Parallel()
			attempts := limit.NewAttempts(nil, nil, func() time.Time { return at }, zerolog.Nop())
			stored := func() {}
			if withRedis {
				client, err := limit.Client(redistest.Start(t).URL())
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, client.Close()) })
				attempts = limit.NewAttempts(client, nil, func() time.Time { return at }, zerolog.Nop())
				stored = func() {
					keys, err := client.Keys(t.Context(), "*").Result()
					require.NoError(t, err)
					require.LessOrEqual(t, len(keys), accounts*(networks+1)+3+2) // the owner's networks, and the mail of the sign-up
					for _, key := range keys {
						left, err := client.PTTL(t.Context(), key).Result()
						require.NoError(t, err)
						require.Positive(t, left, "it has an end")
					}
				}
			}
			b, who := setup(t, func(p *parts) {
				p.api.Protection = http.Protection{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Attempts: attempts}
			}).withAccounts()
			b.signedIn(who, annEmail)
			try := func(email, word, from string) (answer, error) {
				return b.try(nethttp.MethodPost, authPath+"sign-in", map[string]any{"email": email, "password": word, "delivery": "body"}, header{"Authorization", ""}, fromAbroad(from))
			}
			owner := func(from string, status int) {
				t.Helper()
				got, err := try(annEmail, annWord, from)
				require.NoError(t, err)
				got.is(status)
			}
			owner("198.51.100.1", 200) // a network that is known from now on

			looked := make([]int, accounts)
			var mu sync.Mutex
			var failed error
			work, group := make(chan [3]int), sync.WaitGroup{}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for range workers {
				group.Go(func() {
					for w := range work {
						email := annEmail
						if w[0] > 0 {
							email = fmt.Sprintf("nobody-%d@portal.example", w[0])
						}
						got, err := try(email, fmt.Sprintf("stolen word %d of %d", w[2], w[1]), fmt.Sprintf("203.0.113.%d", w[1]))
						mu.Lock()
						switch {
						case err != nil:
							failed = err
						case got.status == 401:
							looked[w[0]]++
						case got.status != 429 || got.header.Get("Retry-After") == "":
							failed = fmt.Errorf("the answer is %d: %s", got.status, got.body)
						}
						stop := failed != nil
						mu.Unlock()
						if stop {
							cancel()
						}
					}
				})
			}
		all:
			for guess := range guesses {
				for network := range networks {
					for account := range accounts {
						select {
						case work <- [3]int{account, network, guess}:
						case <-ctx.Done():
							break all
						}
					}
				}
				if guess == guesses/2 {
					owner("198.51.100.1", 200) // in the middle of it
				}
			}
			close(work)
			group.Wait()
			require.NoError(t, failed)
			for account, n := range looked {
				require.GreaterOrEqual(t, n, 20, "account %d", account)
				require.LessOrEqual(t, n, most, "account %d: of %d guesses", account, networks*guesses)
			}
			owner("198.51.100.1", 200)
			owner("198.51.100.77", 200) // from where nobody has been
			got, err := try(annEmail, annWord, "203.0.113.3")
			require.NoError(t, err)
			got.refused(429, domain.CodeRateLimited) // who guesses does not learn when a guess is right
			stored()
		})
	}
}
