package limit_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/internal/redistest"
)

// guess is somebody who tries secrets at an account.
type guess struct {
	t        *testing.T
	attempts *limit.Attempts
	now      time.Time
}

// eachCounter runs a test with Redis and without.
func eachCounter(t *testing.T, test func(*guess)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		client, err := limit.Client(redistest.Start(t).URL())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		test(newGuess(t, client))
	})
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		test(newGuess(t, nil))
	})
}

func newGuess(t *testing.T, client redis.UniversalClient) *guess {
	t.Helper()
	g := &guess{t: t, now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	g.attempts = limit.NewAttempts(client, []byte("key"), func() time.Time { return g.now }, zerolog.Nop())
	return g
}

// try is how long the next try has to wait; it ends as told when it may be made.
func (g *guess) try(account, network string, end func(*limit.Attempt, context.Context), around ...string) time.Duration {
	g.t.Helper()
	a, err := g.attempts.Begin(g.t.Context(), account, network, around...)
	if err != nil {
		require.Equal(g.t, domain.CodeRateLimited, domain.CodeOf(err))
		var refusal *domain.Error
		require.ErrorAs(g.t, err, &refusal)
		seconds, err := strconv.Atoi(refusal.Details["retry_after"])
		require.NoError(g.t, err)
		return time.Duration(seconds) * time.Second
	}
	end(a, g.t.Context())
	return 0
}

func (g *guess) fails(account, network string, around ...string) time.Duration {
	g.t.Helper()
	return g.try(account, network, (*limit.Attempt).Failed, around...)
}

func (g *guess) passes(account, network string, around ...string) time.Duration {
	g.t.Helper()
	return g.try(account, network, (*limit.Attempt).Passed, around...)
}

func TestWhoGuessesWaitsLongerAndLonger(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(g *guess) {
		for range 5 {
			require.Zero(g.t, g.fails("ada", "home"))
		}
		for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
			require.Equal(g.t, wait, g.fails("ada", "home"))
			g.now = g.now.Add(wait - time.Second)
			require.Equal(g.t, time.Second, g.passes("ada", "home"), "also with the right secret")
			g.now = g.now.Add(time.Second)
			require.Zero(g.t, g.fails("ada", "home"))
		}
		for range 40 {
			wait := g.fails("ada", "home")
			require.GreaterOrEqual(g.t, wait, 15*time.Minute, "however often")
			g.now = g.now.Add(wait)
			require.Zero(g.t, g.fails("ada", "home"))
		}
		require.Zero(g.t, g.passes("ada", "work"), "another network")
		require.Zero(g.t, g.passes("bob", "home"), "another account")
		g.now = g.now.Add(24 * time.Hour)
		require.Zero(g.t, g.fails("ada", "home"))
		require.Zero(g.t, g.fails("ada", "home"), "a day later all is forgotten")
	})
}

func TestASuccessEndsTheWaiting(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(g *guess) {
		for range 3 {
			for range 4 {
				require.Zero(g.t, g.fails("ada", "home"))
			}
			require.Zero(g.t, g.passes("ada", "home"))
		}
	})
}

// TestNobodyIsLockedOutByOthers: an attack from many networks makes new networks wait after one try, and nobody before it.
func TestNobodyIsLockedOutByOthers(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(g *guess) {
		require.Zero(g.t, g.passes("ada", "home"))
		for i := range 50 {
			require.Zero(g.t, g.fails("ada", "bot-"+strconv.Itoa(i)), "each network has its first try")
		}
		require.Equal(g.t, time.Minute, g.fails("ada", "bot-49"), "and then waits")
		require.Zero(g.t, g.fails("bob", "bot-49"))
		for range 4 {
			require.Zero(g.t, g.fails("ada", "home"), "a known network may mistype as ever")
		}
		require.Zero(g.t, g.passes("ada", "home"))
		require.Zero(g.t, g.passes("ada", "hotel"), "a new device with the right secret comes in")
		require.Zero(g.t, g.passes("ada", "hotel"))
		g.now = g.now.Add(time.Hour)
		require.Zero(g.t, g.fails("ada", "bot-60"))
		require.Zero(g.t, g.fails("ada", "bot-60"), "the attack is over")
	})
}

// TestWhoHasManyNetworksIsOne: whoever has a /48 of IPv6 has as many networks as he likes. He waits like somebody who has a few, more so once there is an attack; who is
// known in the midst of them does not, and one who passes does not count.
func TestWhoHasManyNetworksIsOne(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(g *guess) {
		const site = "2001:db8:bad::/48"
		require.Zero(g.t, g.passes("ada", "neighbour", site))
		looked := 0
		for i := range 120 {
			if g.fails("ada", "subnet-"+strconv.Itoa(i), site) == 0 {
				looked++
			}
		}
		require.Equal(g.t, 20, looked)
		for i := range 20 {
			g.now = g.now.Add(time.Minute)
			if g.fails("ada", "later-"+strconv.Itoa(i), site) == 0 {
				looked++
			}
		}
		require.LessOrEqual(g.t, looked, 22, "it is an attack now, and a site waits up to an hour")
		require.Zero(g.t, g.passes("ada", "neighbour", site), "who is known is not kept waiting")
		require.Zero(g.t, g.fails("ada", "hotel", "2001:db8:9::/48"), "nor is another site")
		require.Zero(g.t, g.fails("bob", "subnet-1", site))
		for i := range 50 {
			require.Zero(g.t, g.passes("carol", "device-"+strconv.Itoa(i), site), "who knows the secret is no guesser")
			require.Zero(g.t, g.try("carol", "other-"+strconv.Itoa(i), (*limit.Attempt).Dropped, site))
		}
	})
}

func TestItIsToldWhoIsKnown(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(g *guess) {
		for _, known := range []bool{false, true, true} {
			a, err := g.attempts.Begin(g.t.Context(), "ada", "home")
			require.NoError(g.t, err)
			require.Equal(g.t, known, a.Known())
			a.Passed(g.t.Context())
		}
	})
}

func TestTriesAtTheSameTimeCountBeforeTheyEnd(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(g *guess) {
		var open []*limit.Attempt
		for range 5 {
			a, err := g.attempts.Begin(g.t.Context(), "ada", "home")
			require.NoError(g.t, err)
			open = append(open, a)
		}
		_, err := g.attempts.Begin(g.t.Context(), "ada", "home")
		require.Equal(g.t, domain.CodeRateLimited, domain.CodeOf(err))
		open[0].Dropped(g.t.Context())
		a, err := g.attempts.Begin(g.t.Context(), "ada", "home")
		require.NoError(g.t, err, "what was not found out does not count")
		a.Passed(g.t.Context())
		require.Zero(g.t, g.fails("ada", "home"))
	})
}

func TestWithoutRedisEachProcessCounts(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client, err := limit.Client(server.URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	g := newGuess(t, client)
	for range 5 {
		require.Zero(t, g.fails("ada", "home"))
	}
	server.Kill(t)
	for range 5 {
		require.Zero(t, g.fails("ada", "home"))
	}
	require.Equal(t, 30*time.Second, g.fails("ada", "home"))
}

func TestNoNamesStandInRedis(t *testing.T) {
	t.Parallel()
	client, err := limit.Client(redistest.Start(t).URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	g := newGuess(t, client)
	require.Zero(t, g.fails("ada@example.com", "2001:db8:0:1::/64", "2001:db8::/48"))
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 3)
	for _, kind := range []string{"account\x00ada@example.com\x00", "pair\x00ada@example.com\x002001:db8:0:1::/64", "ada@example.com", "2001:db8::/48"} {
		plain := sha256.Sum256([]byte(kind))
		require.NotContains(t, keys, "massrouter:limit:attempt:"+hex.EncodeToString(plain[:]), "nobody finds an address by trying")
	}
	other := limit.NewAttempts(client, []byte("another key"), func() time.Time { return g.now }, zerolog.Nop())
	_, err = other.Begin(t.Context(), "ada@example.com", "2001:db8:0:1::/64")
	require.NoError(t, err)
	same := limit.NewAttempts(client, []byte("key"), func() time.Time { return g.now }, zerolog.Nop())
	_, err = same.Begin(t.Context(), "ada@example.com", "2001:db8:0:1::/64", "2001:db8::/48")
	require.NoError(t, err)
	keys, err = client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 4, "processes with one key count together")
	for _, key := range keys {
		require.Regexp(t, `^massrouter:limit:attempt:[0-9a-f]{64}$`, key)
		ttl, err := client.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.Positive(t, ttl, "nothing stays for ever")
	}
}

func TestAShareAsksNobody(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{Processes: 2})
	require.NoError(t, err)
	one := limit.Scope{Kind: "address", ID: "203.0.113.9/32", Limits: limit.Limits{Requests: 20}}
	for range 10 {
		require.NoError(t, l.Share(one))
	}
	requireBy(t, limit.ByRequests, l.Share(one))
	other := one
	other.ID = "203.0.113.10/32"
	require.NoError(t, l.Share(other))
	require.NoError(t, l.Share(limit.Scope{Kind: "address", ID: "x"}))
}
