package routing_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/massrouter/massrouter/gateway/routing"
)

// BenchmarkRecord is all that is noted of a call: begin, first token, end; on every core at once, of one endpoint.
func BenchmarkRecord(b *testing.B) {
	h := routing.NewHealth(routing.HealthOptions{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			now := time.Now()
			trial, _ := h.Begin(e, now)
			trial.FirstToken(now.Add(time.Second))
			trial.End(routing.Well, 100, now.Add(2*time.Second))
		}
	})
}

// BenchmarkChoose is the plan of a call among so many endpoints of a model, with real measurements.
func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		for _, sticky := range []routing.Conversation{0, 7} {
			b.Run(fmt.Sprintf("endpoints=%d/sticky=%t", n, sticky != 0), func(b *testing.B) {
				h := routing.NewHealth(routing.HealthOptions{})
				q := routing.Question{Conversation: sticky}
				for i := range n {
					c := offer(m, fmt.Sprintf("v%d", i), fmt.Sprint(1+i%7), func(c *routing.Candidate) { c.Credentials = []string{"k1", "k2"} })
					q.Candidates = append(q.Candidates, c)
				}
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := routing.Choose(&q, h, time.Now(), rand.Float64); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

// BenchmarkSum is what is made once a second of an endpoint in full use.
func BenchmarkSum(b *testing.B) {
	h := routing.NewHealth(routing.HealthOptions{Fresh: 1})
	now := time.Now()
	for i := range 10_000 {
		trial, _ := h.Begin(e, now.Add(-time.Duration(i)*30*time.Millisecond))
		trial.FirstToken(now.Add(-time.Duration(i) * 29 * time.Millisecond))
		trial.End(routing.Well, 100, now)
	}
	for i := 0; b.Loop(); i++ {
		h.Condition(e, nil, now.Add(time.Duration(i+1)))
	}
}
