package limit_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/limit"
)

func alone(tb testing.TB, processes int64) *limit.Limiter {
	tb.Helper()
	l, err := limit.New(limit.Options{Processes: processes})
	require.NoError(tb, err)
	return l
}

func TestSharesAreExactAmongGoroutines(t *testing.T) {
	t.Parallel()
	l := alone(t, 3)
	scope := key(limit.Limits{Requests: 300, Parallel: 30})
	other := limit.Scope{Kind: "user", ID: "u", Limits: limit.Limits{Parallel: 15}}
	var mu sync.Mutex
	var grants []*limit.Grant
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				if g, err := l.Take(t.Context(), 0, scope, other); err == nil {
					mu.Lock()
					grants = append(grants, g)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, grants, 5)
	require.Equal(t, 5, l.State().Leases)
	for _, g := range grants {
		g.Done(0)
	}
	begun := time.Now()
	var n atomic.Int64
	for range 16 {
		wg.Go(func() {
			for range 50 {
				if g, err := l.Take(t.Context(), 0, scope, other); err == nil {
					n.Add(1)
					g.Done(0)
				}
			}
		})
	}
	wg.Wait()
	gone := time.Since(begun).Milliseconds() + 1
	require.GreaterOrEqual(t, n.Load(), int64(95), "refused calls took no request")
	require.LessOrEqual(t, n.Load()*minute, 100*(minute+gone))
}

func TestACallAboveTheShareComesThroughAlone(t *testing.T) {
	t.Parallel()
	l := alone(t, 10)
	scope := key(limit.Limits{Tokens: 1000})
	_, err := l.Take(t.Context(), 1001, scope)
	require.True(t, requireBy(t, limit.ByTokens, err).Never)
	g, err := l.Take(t.Context(), 900, scope)
	require.NoError(t, err)
	_, err = l.Take(t.Context(), 900, scope)
	r := requireBy(t, limit.ByTokens, err)
	require.False(t, r.Never)
	require.Equal(t, int64(100), r.Limit)
	require.Greater(t, r.Retry, 8*time.Minute, "at the share's rate")
	g.Done(0)
	_, err = l.Take(t.Context(), 1000, scope)
	require.NoError(t, err)
}

func TestIdleSharesAreForgotten(t *testing.T) {
	t.Parallel()
	l := alone(t, 1)
	var grants []*limit.Grant
	for i := range 50 {
		g, err := l.Take(t.Context(), 5, limit.Scope{Kind: "key", ID: fmt.Sprint(i), Limits: limit.Limits{Requests: 10, Tokens: 10}})
		require.NoError(t, err)
		grants = append(grants, g)
	}
	for _, g := range grants[1:] {
		g.Done(5)
	}
	require.Equal(t, 50, l.Cells())
	l.Sweep(1000)
	require.Equal(t, 50, l.Cells(), "it has not flowed off")
	l.Sweep(10 * minute)
	require.Equal(t, 1, l.Cells(), "but for the call under way")
}

func TestMemoryWithoutRedisIsBounded(t *testing.T) {
	t.Parallel()
	l := alone(t, 1)
	first := limit.Scope{Kind: "key", ID: "first", Limits: limit.Limits{Parallel: 1}}
	g, err := l.Take(t.Context(), 0, first)
	require.NoError(t, err)
	for i := range 100_050 {
		g, err := l.Take(t.Context(), 0, limit.Scope{Kind: "key", ID: fmt.Sprint(i), Limits: limit.Limits{Requests: 1}})
		require.NoError(t, err)
		g.Done(0)
	}
	require.LessOrEqual(t, l.Cells(), 100_000)
	_, err = l.Take(t.Context(), 0, first)
	requireBy(t, limit.ByParallel, err)
	g.Done(0)
	_, err = l.Take(t.Context(), 0, first)
	require.NoError(t, err)
}
