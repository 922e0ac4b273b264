package limit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/internal/redistest"
)

// storm asks for calls from many goroutines of several processes at once, and counts those that are let through.
func storm(t *testing.T, processes []*process, workers, each int, tokens int64, scopes ...limit.Scope) (grants []*limit.Grant) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var strange atomic.Value
	for i := range workers {
		wg.Go(func() {
			for range each {
				g, err := processes[i%len(processes)].Take(t.Context(), tokens, scopes...)
				if err != nil {
					var r *limit.Refusal
					if !asRefusal(err, &r) || r.Local {
						strange.Store(err)
					}
					continue
				}
				mu.Lock()
				grants = append(grants, g)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Nil(t, strange.Load(), "nothing but refusals by Redis")
	return grants
}

func four(t *testing.T, s *redistest.Server, running bool) (all []*process) {
	t.Helper()
	for range 4 {
		all = append(all, start(t, s, limit.Options{}, running))
	}
	return all
}

func TestRatesAreExactOverProcesses(t *testing.T) {
	t.Parallel()
	all := four(t, redistest.Start(t), false)
	const requests, tokens, each = 600, 700, 7
	narrow, wide := limit.Scope{Kind: "key", ID: "narrow", Limits: limit.Limits{Tokens: tokens}}, key(limit.Limits{Requests: requests})

	begin := all[0].clock(t)
	n := int64(len(storm(t, all, 32, 30, each, wide, narrow)))
	gone := all[0].clock(t) - begin + 1
	require.GreaterOrEqual(t, n*each, int64(tokens-each+1))
	require.LessOrEqual(t, n*each*minute, tokens*(minute+gone))

	// The calls that were refused by the tokens took no request.
	more := int64(len(storm(t, all, 32, 30, 0, wide)))
	gone = all[0].clock(t) - begin + 1
	require.GreaterOrEqual(t, n+more, int64(requests))
	require.LessOrEqual(t, (n+more)*minute, requests*(minute+gone))
}

func TestParallelCallsAreExactOverProcesses(t *testing.T) {
	t.Parallel()
	all := four(t, redistest.Start(t), true)
	scope := key(limit.Limits{Parallel: 10})
	for range 3 {
		grants := storm(t, all, 32, 5, 0, scope)
		require.Len(t, grants, 10)
		for _, g := range grants {
			g.Done(0)
			g.Done(0)
		}
		eventually(t, "the leases end", func() bool { return all[0].client.ZCard(t.Context(), "massrouter:limit:calls:key:k").Val() == 0 })
	}
}

// Calls come and go all the time: never are more under way than may be.
func TestNeverMoreThanTheLimitAreUnderWay(t *testing.T) {
	t.Parallel()
	all := four(t, redistest.Start(t), true)
	scope := key(limit.Limits{Parallel: 3})
	var under, most, through atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 40 {
				g, err := all[i%len(all)].Take(t.Context(), 0, scope)
				if err != nil {
					continue
				}
				n := under.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				through.Add(1)
				under.Add(-1)
				g.Done(0)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int64(3))
	require.Greater(t, through.Load(), int64(3), "ended calls make room")
}

func TestWhatWasTakenFlowsOffByTheServersClock(t *testing.T) {
	t.Parallel()
	p := start(t, redistest.Start(t), limit.Options{}, false)
	scope := key(limit.Limits{Tokens: minute}) // one a millisecond
	before := p.clock(t)
	_, err := p.Take(t.Context(), minute, scope)
	require.NoError(t, err)
	after := p.clock(t)
	const wanted = 400
	var asked int64
	eventually(t, "it flows off", func() bool {
		asked = p.clock(t)
		_, err = p.Take(t.Context(), wanted, scope)
		if err != nil {
			r := requireBy(t, limit.ByTokens, err)
			require.LessOrEqual(t, asked, after+wanted, "refused although it had flowed off")
			require.LessOrEqual(t, r.Retry.Milliseconds(), int64(wanted))
			require.GreaterOrEqual(t, p.clock(t)+r.Retry.Milliseconds(), before+wanted, "told to come too early")
		}
		return err == nil
	})
	require.GreaterOrEqual(t, p.clock(t), before+wanted, "let through before it had flowed off")
}

func TestTokensAreCorrectedAfterTheCall(t *testing.T) {
	t.Parallel()
	p := start(t, redistest.Start(t), limit.Options{}, false)
	scope := key(limit.Limits{Tokens: 1000, Requests: 100})
	first, err := p.Take(t.Context(), 1000, scope)
	require.NoError(t, err)
	_, err = p.Take(t.Context(), 900, scope)
	requireBy(t, limit.ByTokens, err)
	first.Done(100)
	p.Flush(t.Context())
	second, err := p.Take(t.Context(), 900, scope)
	require.NoError(t, err, "what was not used is given back")
	second.Done(1900)
	p.Flush(t.Context())
	_, err = p.Take(t.Context(), 1, scope)
	r := requireBy(t, limit.ByTokens, err)
	require.Zero(t, r.Remaining)
	require.Greater(t, r.Retry, 50*time.Second, "what was used beyond the bound is taken")
	require.Greater(t, r.Reset, 110*time.Second)
	require.Zero(t, p.State().Lost)
}

func TestKeysExpire(t *testing.T) {
	t.Parallel()
	p := start(t, redistest.Start(t), limit.Options{Lease: 5 * time.Second}, false)
	g, err := p.Take(t.Context(), 500, key(limit.Limits{Requests: 60, Tokens: 1000, Parallel: 1}))
	require.NoError(t, err)
	names, err := p.client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"massrouter:limit:meter:key:k", "massrouter:limit:calls:key:k"}, names)
	life := p.client.PTTL(t.Context(), "massrouter:limit:meter:key:k").Val()
	require.Greater(t, life, 20*time.Second)
	require.LessOrEqual(t, life, 31*time.Second, "half a minute's worth, and a second")
	life = p.client.PTTL(t.Context(), "massrouter:limit:calls:key:k").Val()
	require.Greater(t, life, time.Second)
	require.LessOrEqual(t, life, 6*time.Second)
	g.Done(0)
	p.Flush(t.Context())
	require.LessOrEqual(t, p.client.PTTL(t.Context(), "massrouter:limit:meter:key:k").Val(), 2*time.Second)
	require.Zero(t, p.client.Exists(t.Context(), "massrouter:limit:calls:key:k").Val())
}

func TestScriptsThatTheServerForgotAreSentAgain(t *testing.T) {
	t.Parallel()
	p := start(t, redistest.Start(t), limit.Options{}, false)
	for range 3 {
		require.NoError(t, p.client.ScriptFlush(t.Context()).Err())
		g, err := p.Take(t.Context(), 5, key(limit.Limits{Tokens: 10}))
		require.NoError(t, err)
		require.NoError(t, p.client.ScriptFlush(t.Context()).Err())
		g.Done(0)
		p.Flush(t.Context())
	}
	require.Equal(t, limit.State{Processes: 1}, p.State())
}

func TestACallWithoutLimitsAsksNobody(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{OnTake: func(limit.Taken) { panic("nothing was decided") }})
	require.NoError(t, err)
	g, err := l.Take(t.Context(), 1<<60, key(limit.Limits{}), limit.Scope{})
	require.NoError(t, err)
	require.Nil(t, g)
	g.Done(5)
}

// The calls of a moment share round trips: they need neither a connection each nor the time of a thousand.
func TestACrowdSharesConnections(t *testing.T) {
	t.Parallel()
	p := start(t, redistest.Start(t), limit.Options{}, false) // what works in the background has a connection of its own
	grants := storm(t, []*process{p}, 1000, 3, 1, key(limit.Limits{Requests: limit.MaxPerMinute, Parallel: 2000}))
	require.Len(t, grants, 2000)
	require.LessOrEqual(t, p.client.PoolStats().TotalConns, uint32(8))
	require.Equal(t, 2000, p.State().Leases)
	for _, g := range grants {
		g.Done(1)
	}
	eventually(t, "they end", func() bool {
		p.Flush(t.Context())
		return p.client.Exists(t.Context(), "massrouter:limit:calls:key:k").Val() == 0
	})
}
