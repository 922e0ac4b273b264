package limit_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/limit"
)

// modelled is one scope as the model has it.
type modelled struct {
	requests, tokens arrival
	leases           map[*limit.Grant]int64 // until, in ms
}

// world is the scripts in a Redis whose clock the test moves, beside the model.
type world struct {
	server  *miniredis.Miniredis
	limiter *limit.Limiter
	now     int64
	scopes  []limit.Scope
	model   map[string]*modelled
	running map[*limit.Grant]call
}

type call struct {
	tokens int64
	scopes []limit.Scope
}

const lease = 30_000

// TestTheScriptsAreTheModel: whatever calls come and end, the scripts decide and tell what the model does.
func TestTheScriptsAreTheModel(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	rapid.Check(t, func(t *rapid.T) {
		server.FlushAll()
		l, err := limit.New(limit.Options{Redis: client, Budget: time.Minute, Lease: lease * time.Millisecond})
		require.NoError(t, err)
		w := &world{
			server: server, limiter: l, now: rapid.Int64Range(0, 4e12).Draw(t, "start"),
			model: map[string]*modelled{}, running: map[*limit.Grant]call{},
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "scopes") {
			w.scopes = append(w.scopes, limit.Scope{Kind: "key", ID: strconv.Itoa(i), Limits: drawLimits(t)})
			w.model[w.scopes[i].Name()] = &modelled{leases: map[*limit.Grant]int64{}}
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			w.step(t)
		}
	})
}

func drawLimits(t *rapid.T) limit.Limits {
	maybe := func(g *rapid.Generator[int64]) int64 { return rapid.OneOf(rapid.Just(int64(0)), g, g).Draw(t, "limit") }
	return limit.Limits{Requests: maybe(anyLimit()), Tokens: maybe(anyLimit()), Parallel: maybe(rapid.Int64Range(1, 4))}
}

func (w *world) step(t *rapid.T) {
	w.now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 500), rapid.Int64Range(0, 100_000)).Draw(t, "gone")
	w.server.SetTime(time.UnixMilli(w.now))
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0:
		w.end(t)
	case 1:
		w.limiter.Renew(t.Context())
		for g, c := range w.running {
			for _, s := range c.scopes {
				if s.Limits.Parallel > 0 {
					w.model[s.Name()].leases[g] = w.now + lease
				}
			}
		}
	default:
		w.begin(t)
	}
}

// begin asks for a call of some of the scopes.
func (w *world) begin(t *rapid.T) {
	scopes := w.scopes[:rapid.IntRange(1, len(w.scopes)).Draw(t, "n")]
	tokens := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 2000), rapid.Just(int64(limit.MaxPerMinute))).Draw(t, "tokens")
	want := w.expect(scopes, tokens)
	g, err := w.limiter.Take(t.Context(), tokens, scopes...)
	if want != nil {
		require.Nil(t, g)
		require.Equal(t, domain.CodeRateLimited, domain.CodeOf(err))
		var got *limit.Refusal
		require.ErrorAs(t, err, &got)
		require.Equal(t, want, got)
		return
	}
	require.NoError(t, err)
	if g == nil {
		for _, s := range scopes {
			require.True(t, s.Limits.None())
		}
		return
	}
	for _, s := range scopes {
		m := w.model[s.Name()]
		if n := s.Limits.Requests; n > 0 {
			m.requests.take(1, n, w.now)
		}
		if n := s.Limits.Tokens; n > 0 {
			m.tokens.take(tokens, n, w.now)
		}
		if s.Limits.Parallel > 0 {
			m.leases[g] = w.now + lease
		}
	}
	w.running[g] = call{tokens: tokens, scopes: scopes}
}

// expect is the refusal of the call, by the model; nil when it is let through.
func (w *world) expect(scopes []limit.Scope, tokens int64) (worst *limit.Refusal) {
	refuse := func(r limit.Refusal) {
		if worst == nil || !worst.Never && (r.Never || r.Retry > worst.Retry) {
			worst = &r
		}
	}
	meter := func(s limit.Scope, by limit.By, a *arrival, n, most int64) {
		if most == 0 {
			return
		}
		wait := a.wait(n, most, w.now)
		if wait.Sign() <= 0 {
			return
		}
		r := limit.Refusal{Scope: s, By: by, Limit: most, Remaining: a.remaining(most, w.now), Reset: ms(up(a.left(w.now))), Retry: ms(up(wait))}
		if r.Never = n > most; r.Never {
			r.Retry = 0
		}
		refuse(r)
	}
	for _, s := range scopes {
		m := w.model[s.Name()]
		meter(s, limit.ByRequests, &m.requests, 1, s.Limits.Requests)
		meter(s, limit.ByTokens, &m.tokens, tokens, s.Limits.Tokens)
		live := int64(0)
		for _, until := range m.leases {
			if until > w.now {
				live++
			}
		}
		if s.Limits.Parallel > 0 && live >= s.Limits.Parallel {
			refuse(limit.Refusal{Scope: s, By: limit.ByParallel, Limit: s.Limits.Parallel, Reset: time.Second, Retry: time.Second})
		}
	}
	return worst
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// end ends some calls with some usage.
func (w *world) end(t *rapid.T) {
	for g, c := range w.running {
		used := rapid.Int64Range(0, c.tokens+c.tokens/2+1).Draw(t, "used")
		g.Done(used)
		g.Done(0)
		for _, s := range c.scopes {
			m := w.model[s.Name()]
			if n := s.Limits.Tokens; n > 0 {
				m.tokens.giveBack(c.tokens-used, n, w.now)
			}
			delete(m.leases, g)
		}
		delete(w.running, g)
		if rapid.Bool().Draw(t, "enough") {
			break
		}
	}
	w.limiter.Flush(t.Context())
}

func TestNamesAreShort(t *testing.T) {
	t.Parallel()
	short := limit.Scope{Kind: "key", ID: "018f0000-0000-7000-8000-000000000000"}
	require.Equal(t, "key:018f0000-0000-7000-8000-000000000000", short.Name())
	long, other := limit.Scope{Kind: "key", ID: strings.Repeat("x", 10_000)}, limit.Scope{Kind: "key", ID: strings.Repeat("x", 10_001)}
	require.LessOrEqual(t, len(long.Name()), 100)
	require.NotEqual(t, long.Name(), other.Name())
}

func TestWhatCallersAreTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for name, row := range map[string]struct {
		limits limit.Limits
		tokens int64
		want   map[string]string
	}{
		"requests": {limit.Limits{Requests: 1}, 0, map[string]string{
			"limited_by": "requests_per_minute", "limit": "1", "remaining": "0", "reset": strconv.FormatInt(now.UnixMilli()+60_000, 10),
			"retry_after": "60", "retry_after_ms": "60000",
		}},
		"tokens": {limit.Limits{Tokens: 150}, 100, map[string]string{
			"limited_by": "tokens_per_minute", "limit": "150", "remaining": "50", "reset": strconv.FormatInt(now.UnixMilli()+40_000, 10),
			"retry_after": "20", "retry_after_ms": "20000",
		}},
		"too many tokens": {limit.Limits{Tokens: 99}, 100, map[string]string{
			"limited_by": "tokens_per_minute", "limit": "99", "remaining": "99", "reset": strconv.FormatInt(now.UnixMilli(), 10),
		}},
		"parallel": {limit.Limits{Parallel: 1}, 0, map[string]string{
			"limited_by": "parallel", "limit": "1", "remaining": "0", "reset": strconv.FormatInt(now.UnixMilli()+1000, 10),
			"retry_after": "1", "retry_after_ms": "1000",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := miniredis.RunT(t)
			server.SetTime(now)
			client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, ContextTimeoutEnabled: true})
			t.Cleanup(func() { require.NoError(t, client.Close()) })
			l, err := limit.New(limit.Options{Redis: client, Budget: time.Minute, Now: func() time.Time { return now }})
			require.NoError(t, err)
			scope := limit.Scope{Kind: "key", ID: "secret-id", Limits: row.limits}
			_, _ = l.Take(t.Context(), row.tokens, scope)
			_, err = l.Take(t.Context(), row.tokens, scope)
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeRateLimited, e.Code)
			row.want["scope"] = "key"
			require.Equal(t, row.want, e.Details)
			require.NotContains(t, fmt.Sprint(e.Message, e.Details), "secret-id")
		})
	}
}
