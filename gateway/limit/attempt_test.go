package limit_test

import (
	"context"
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
	g.attempts = limit.NewAttempts(client, func() time.Time { return g.now }, zerolog.Nop())
	return g
}

// try is how long the next try has to wait; it ends as told when it may be made.
func (g *guess) try(account, network string, end func(*limit.Attempt, context.Context)) time.Duration {
	g.t.Helper()
	a, err := g.attempts.Begin(g.t.Context(), account, network)
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

func (g *guess) fails(account, network string) time.Duration {
	g.t.Helper()
	return g.try(account, network, (*limit.Attempt).Failed)
}

func (g *guess) passes(account, network string) time.Duration {
	g.t.Helper()
	return g.try(account, network, (*limit.Attempt).Passed)
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
	require.Zero(t, g.fails("ada@example.com", "203.0.113.9/32"))
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 2)
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
