package limit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/internal/redistest"
)

var benchScopes = []limit.Scope{
	{Kind: "key", ID: "018f0000-0000-7000-8000-000000000000", Limits: limit.Limits{Requests: limit.MaxPerMinute, Tokens: limit.MaxPerMinute, Parallel: limit.MaxParallel}},
	{Kind: "user", ID: "018f0000-0000-7000-8000-000000000001", Limits: limit.Limits{Requests: limit.MaxPerMinute, Tokens: limit.MaxPerMinute}},
	{Kind: "organisation", ID: "018f0000-0000-7000-8000-000000000002", Limits: limit.Limits{Requests: limit.MaxPerMinute, Tokens: limit.MaxPerMinute}},
}

// BenchmarkTake is a call's whole part: Take, and Done, which is sent beside it.
func BenchmarkTake(b *testing.B) {
	p := start(b, redistest.Start(b), limit.Options{Lease: time.Minute}, true)
	for name, scopes := range map[string][]limit.Scope{"none": {{Kind: "key"}}, "key": benchScopes[:1], "key, user, organisation": benchScopes} {
		b.Run("redis/"+name, func(b *testing.B) { takeAndDone(b, p.Limiter, scopes) })
		b.Run("redis, parallel/"+name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					g, err := p.Take(b.Context(), 1000, scopes...)
					require.NoError(b, err)
					g.Done(900)
				}
			})
		})
		b.Run("local/"+name, func(b *testing.B) { takeAndDone(b, alone(b, 1), scopes) })
	}
}

func takeAndDone(b *testing.B, l *limit.Limiter, scopes []limit.Scope) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		g, err := l.Take(b.Context(), 1000, scopes...)
		if err != nil {
			b.Fatal(err)
		}
		g.Done(900)
	}
}
