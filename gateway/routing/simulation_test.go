package routing_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/routing"
)

// market is three vendors on a simulated clock; one of them is away for a while.
type market struct {
	health     *routing.Health
	candidates []routing.Candidate
	random     routing.Random
	start      time.Time
	away       func(vendor string, since time.Duration) bool
	saw        []string // endpoints that were really called, of one call
}

// serve is one call from plan to answer; it gives who answered.
func (s *market) serve(t *testing.T, c routing.Conversation) (by string, e routing.Explanation) {
	t.Helper()
	q := routing.Question{Candidates: s.candidates, Conversation: c}
	plan, refusal := routing.Choose(&q, s.health, time.Now(), s.random)
	require.Nil(t, refusal)
	a := routing.NewAttempts(&plan, routing.Limits{}, s.health, s.random, time.Now())
	s.saw = nil
	for {
		step, stop := a.Next(time.Now())
		if stop != routing.GoOn {
			return by, a.Explanation()
		}
		sleep(step.Pause)
		s.saw = append(s.saw, step.Option.Endpoint)
		if s.away(step.Option.Vendor, time.Since(s.start)) {
			sleep(time.Millisecond)
			a.Ended(routing.Outcome{Result: routing.Failed}, time.Now())
			continue
		}
		sleep(2 * time.Millisecond)
		a.FirstToken(time.Now())
		sleep(3 * time.Millisecond)
		a.Ended(routing.Outcome{Result: routing.Answered, Tokens: 20}, time.Now())
		by = step.Option.Vendor
	}
}

// TestAnOutage: for two of ten minutes a vendor fails. Every call is answered; the vendor is hardly called while it is away; no conversation
// of another vendor moves; its own move to one other vendor and come back; afterwards the shares are what they were; and each explanation is
// what the vendors saw.
func TestAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const from, to, end = 2 * time.Minute, 4 * time.Minute, 10 * time.Minute
		s := &market{
			health: routing.NewHealth(routing.HealthOptions{}), random: seeded(21), start: time.Now(),
			candidates: []routing.Candidate{offer(m, "a", "1"), offer(m, "b", "1"), offer(m, "c", "2")},
			away:       func(vendor string, since time.Duration) bool { return vendor == "a" && from <= since && since < to },
		}
		shares := map[string]float64{"a": 4. / 9, "b": 4. / 9, "c": 1. / 9}
		homes, second := make(map[int]string), make(map[int]string)
		before, after := make(map[string]float64), make(map[string]float64)
		hits, n, m := 0, 0., 0.
		for i := 0; time.Since(s.start) < end; i++ {
			since := time.Since(s.start)
			var c routing.Conversation
			if i%2 == 0 {
				c = routing.NewConversation(fmt.Appendf(nil, "%d", i%200))
			}
			by, explained := s.serve(t, c)
			require.NotEmpty(t, by, "a call was not answered")
			requireDone(t, s, explained)
			tail := since > to+40*time.Second
			switch out := since >= from && !tail; {
			case c != 0 && homes[i%200] == "":
				homes[i%200] = by
			case c != 0 && out && homes[i%200] == "a" && by != "a":
				require.Contains(t, []string{"", by}, second[i%200], "it moved twice")
				second[i%200] = by
			case c != 0 && (!out || homes[i%200] != "a"):
				require.Equal(t, homes[i%200], by, "a conversation moved")
			case c == 0 && since < from:
				before[by]++
				n++
			case c == 0 && tail:
				after[by]++
				m++
			}
			if since >= from && since < to && s.saw[0] == "a/m@a" {
				hits++
			}
			sleep(40 * time.Millisecond)
		}
		requireShares(t, before, shares, n)
		requireShares(t, after, shares, m)
		require.NotEmpty(t, second)
		require.GreaterOrEqual(t, hits, 8+3, "until it opened, and a probe every half a minute")
		require.LessOrEqual(t, hits, 8+4)
	})
}

// requireDone checks an explanation against what the vendors saw.
func requireDone(t *testing.T, s *market, e routing.Explanation) {
	t.Helper()
	var called []string
	rank := 0
	for _, try := range e.Tried {
		rank++
		require.Equal(t, e.Considered[rank-1].Endpoint, try.Endpoint, "the order of the plan")
		if try.Skipped == "" {
			called = append(called, try.Endpoint)
		}
	}
	require.Equal(t, s.saw, called)
	require.Equal(t, routing.Answered, e.Tried[len(e.Tried)-1].Result)
	require.Len(t, e.Considered, len(s.candidates))
}
