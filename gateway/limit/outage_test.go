package limit_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/internal/redistest"
)

func asRefusal(err error, r **limit.Refusal) bool { return errors.As(err, r) }

// away makes a process find out that its Redis does not answer.
func (p *process) away(t *testing.T) {
	t.Helper()
	eventually(t, "it notices", func() bool {
		_, _ = p.Take(t.Context(), 0, limit.Scope{Kind: "key", ID: "other", Limits: limit.Limits{Requests: limit.MaxPerMinute}})
		return p.State().Local
	})
}

func (p *process) isBack(t *testing.T) {
	t.Helper()
	eventually(t, "it comes back", func() bool { return !p.State().Local })
}

// through counts how many of so many calls are let through by this process itself.
func (p *process) through(t *testing.T, calls int, tokens int64, scope limit.Scope) (n int64) {
	t.Helper()
	for range calls {
		_, err := p.Take(t.Context(), tokens, scope)
		if err == nil {
			n++
			continue
		}
		var r *limit.Refusal
		require.True(t, asRefusal(err, &r))
		require.True(t, r.Local)
	}
	return n
}

func TestWithoutRedisEachProcessHasItsShare(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	one, two := start(t, s, limit.Options{Lease: 2 * time.Second}, true), start(t, s, limit.Options{Lease: 2 * time.Second}, true)
	scope, single := key(limit.Limits{Requests: 60}), limit.Scope{Kind: "key", ID: "single", Limits: limit.Limits{Requests: 1}}
	eventually(t, "they see each other", func() bool { return one.State().Processes == 2 && two.State().Processes == 2 })
	for range 60 {
		_, err := one.Take(t.Context(), 0, scope)
		require.NoError(t, err, "all of it while Redis counts")
	}
	s.Kill(t)
	for _, p := range []*process{one, two} {
		p.away(t)
		begun := time.Now()
		n := p.through(t, 200, 0, scope)
		gone := time.Since(begun).Milliseconds() + 1
		require.GreaterOrEqual(t, n, int64(30))
		require.LessOrEqual(t, n*minute, 30*(minute+gone), "half of the limit")
		require.Equal(t, int64(1), p.through(t, 3, 0, single), "a share is never nothing")
	}
	s.Restart(t)
	one.isBack(t)
	two.isBack(t)
	eventually(t, "they see each other", func() bool { return one.State().Processes == 2 })
	_, err := one.Take(t.Context(), 0, limit.Scope{Kind: "key", ID: "new", Limits: limit.Limits{Requests: 1}})
	require.NoError(t, err)
	_, err = two.Take(t.Context(), 0, limit.Scope{Kind: "key", ID: "new", Limits: limit.Limits{Requests: 1}})
	require.False(t, requireBy(t, limit.ByRequests, err).Local, "they count together again")
}

func TestCallsOfAnOutageAreKnownAfterIt(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	one, two := start(t, s, limit.Options{Lease: 2 * time.Second}, true), start(t, s, limit.Options{Lease: 2 * time.Second}, true)
	scope := key(limit.Limits{Parallel: 2, Tokens: 1000})
	first, err := one.Take(t.Context(), 10, scope)
	require.NoError(t, err)
	s.Kill(t)
	one.away(t)
	second, err := one.Take(t.Context(), 10, scope)
	require.NoError(t, err)
	s.Restart(t)
	one.isBack(t)
	two.counts(t)
	require.NoError(t, one.client.FlushAll(t.Context()).Err(), "also when Redis has lost everything")
	calls := func() int64 { return one.client.ZCard(t.Context(), "massrouter:limit:calls:key:k").Val() }
	eventually(t, "both calls are told again", func() bool { return calls() == 2 })
	_, err = two.Take(t.Context(), 10, scope)
	requireBy(t, limit.ByParallel, err)
	first.Done(10)
	second.Done(10)
	eventually(t, "both end", func() bool { return calls() == 0 })
	require.Zero(t, one.State().Leases)
}

// counts waits until a process counts in Redis, whether or not it has noticed an outage.
func (p *process) counts(t *testing.T) {
	t.Helper()
	eventually(t, "it counts in Redis", func() bool {
		g, err := p.Take(t.Context(), 0, limit.Scope{Kind: "key", ID: "probe", Limits: limit.Limits{Requests: limit.MaxPerMinute}})
		if err == nil {
			g.Done(0)
		}
		return err == nil && !p.State().Local && p.client.Exists(t.Context(), "massrouter:limit:meter:key:probe").Val() == 1
	})
}

// questions counts how often a client asks its server about limits, whatever comes of it: who does not ask does not wait.
type questions struct{ atomic.Int64 }

func (*questions) DialHook(next redis.DialHook) redis.DialHook { return next }

func (q *questions) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		q.count(command)
		return next(ctx, command)
	}
}

func (q *questions) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		q.count(commands...)
		return next(ctx, commands)
	}
}

// count leaves out the greetings of new connections.
func (q *questions) count(commands ...redis.Cmder) {
	if slices.ContainsFunc(commands, func(c redis.Cmder) bool { return strings.HasPrefix(c.Name(), "eval") }) {
		q.Add(1)
	}
}

// A server that hangs holds no call up for longer than the budget, and after a few none at all.
func TestAServerThatHangs(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	p := start(t, s, limit.Options{Budget: 50 * time.Millisecond, Processes: 4}, false)
	var asked questions
	p.client.AddHook(&asked)
	scope := key(limit.Limits{Requests: 4, Parallel: 8})
	p.counts(t)
	s.Freeze(t)
	defer s.Thaw(t)
	asked.Store(0)
	require.Equal(t, int64(1), p.through(t, 50, 0, scope), "a quarter")
	require.EqualValues(t, limit.Failures, asked.Load(), "only the first ones waited")
	require.True(t, p.State().Local)
	s.Thaw(t)
	eventually(t, "it comes back", func() bool {
		p.Renew(t.Context())
		return !p.State().Local
	})
}

func TestTheLeasesOfADeadProcessExpire(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	const length = 400 * time.Millisecond
	dead, other := start(t, s, limit.Options{Lease: length}, false), start(t, s, limit.Options{Lease: length}, true)
	scope := key(limit.Limits{Parallel: 1})
	before := other.clock(t)
	_, err := dead.Take(t.Context(), 0, scope)
	require.NoError(t, err)
	var g *limit.Grant
	eventually(t, "the lease expires", func() bool {
		g, err = other.Take(t.Context(), 0, scope)
		return err == nil
	})
	require.GreaterOrEqual(t, other.clock(t), before+length.Milliseconds())

	// The lease of a process that lives does not: it is renewed as long as the call runs.
	begun := other.clock(t)
	eventually(t, "three leases' lengths", func() bool {
		_, err := dead.Take(t.Context(), 0, scope)
		requireBy(t, limit.ByParallel, err)
		return other.clock(t) > begun+3*length.Milliseconds()
	})
	g.Done(0)
	eventually(t, "the call ends", func() bool {
		_, err := dead.Take(t.Context(), 0, scope)
		return err == nil
	})
}

func TestAProcessThatStopsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	going, staying := start(t, s, limit.Options{}, true), start(t, s, limit.Options{Lease: time.Second}, true)
	eventually(t, "they see each other", func() bool { return staying.State().Processes == 2 })
	grants := storm(t, []*process{going}, 4, 500, 10, key(limit.Limits{Parallel: 5000, Tokens: 1_000_000}))
	require.Len(t, grants, 2000)
	for _, g := range grants {
		g.Done(0)
	}
	going.stop()
	require.Zero(t, staying.client.Exists(t.Context(), "massrouter:limit:calls:key:k").Val(), "what waited was sent")
	tokens, err := staying.client.HGet(t.Context(), "massrouter:limit:meter:key:k", "tokens").Int64()
	require.NoError(t, err)
	require.Zero(t, tokens)
	require.Zero(t, going.State().Lost)
	eventually(t, "it is not counted", func() bool { return staying.State().Processes == 1 })
}
