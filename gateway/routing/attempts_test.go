package routing_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/routing"
)

// options is a plan of endpoints by price: "vendor" or "vendor#2" for its second endpoint, each vendor with keys k1 and k2.
func planned(t require.TestingT, names ...string) *routing.Plan {
	var q routing.Question
	for i, name := range names {
		c := offer(m, name, fmt.Sprint(i+1), func(c *routing.Candidate) {
			c.Vendor, c.Credentials = name[:1], []string{name[:1] + "1", name[:1] + "2"}
		})
		q.Candidates = append(q.Candidates, c)
	}
	q.Preferences.Sort = routing.ByPrice
	plan := choose(t, q, conditions{})
	return &plan
}

// half is a source of randomness without any.
func half() float64 { return 0.5 }

// steps drives a call on a simulated clock: what happened as "endpoint/credential+pause=result".
func steps(t *testing.T, a *routing.Attempts, now time.Time, outcomes ...routing.Outcome) (did []string, stop routing.Stop, end time.Time) {
	t.Helper()
	for i := 0; ; i++ {
		step, stop := a.Next(now)
		if stop != routing.GoOn {
			require.Equal(t, len(outcomes), i, "%v %v", did, stop)
			_, again := a.Next(now)
			require.Equal(t, stop, again, "it stays so")
			return did, stop, now
		}
		require.Less(t, i, len(outcomes), "%v then %v", did, step)
		did = append(did, fmt.Sprintf("%s/%s+%s", step.Option.Endpoint[len(m)+1:], step.Credential, step.Pause))
		now = now.Add(step.Pause + time.Second)
		a.Ended(outcomes[i], now)
	}
}

func TestR11Retries(t *testing.T) {
	t.Parallel()
	type o = routing.Outcome
	ok, failed, refusedKey := o{Result: routing.Answered}, o{Result: routing.Failed}, o{Result: routing.KeyRefused}
	untouched := o{Result: routing.Failed, Untouched: true}
	for name, row := range map[string]struct {
		plan     []string
		limits   routing.Limits
		outcomes []o
		did      []string
		stop     routing.Stop
	}{
		"answered": {[]string{"a", "b"}, routing.Limits{}, []o{ok}, []string{"a/a1+0s"}, routing.StopAnswered},
		"another vendor at once, never the one that failed": {
			[]string{"a", "b", "c"}, routing.Limits{Attempts: 9}, []o{failed, failed, failed}, []string{"a/a1+0s", "b/b1+0s", "c/c1+0s"}, routing.StopExhausted,
		},
		"the same vendor after growing pauses": {
			[]string{"a", "a#2", "a#3", "a#4", "b"},
			routing.Limits{Attempts: 9, Most: 300 * time.Millisecond},
			[]o{failed, failed, failed, failed, ok},
			[]string{"a/a1+0s", "a#2/a2+75ms", "a#3/a1+150ms", "a#4/a2+225ms", "b/b1+0s"},
			routing.StopAnswered,
		},
		"the limit of attempts":           {[]string{"a", "b", "c", "d"}, routing.Limits{}, []o{failed, failed, failed}, []string{"a/a1+0s", "b/b1+0s", "c/c1+0s"}, routing.StopAttempts},
		"one endpoint is not tried again": {[]string{"a"}, routing.Limits{}, []o{failed}, []string{"a/a1+0s"}, routing.StopExhausted},
		"unless that is allowed": {
			[]string{"a"}, routing.Limits{}, []o{untouched, untouched, ok}, []string{"a/a1+0s", "a/a1+75ms", "a/a1+150ms"}, routing.StopAnswered,
		},
		"and nothing of it is billed": {
			[]string{"a"}, routing.Limits{}, []o{failed}, []string{"a/a1+0s"}, routing.StopExhausted,
		},
		"and there is another": {[]string{"a", "b"}, routing.Limits{}, []o{untouched, untouched}, []string{"a/a1+0s", "b/b1+0s"}, routing.StopExhausted},
		"after the first byte": {[]string{"a", "b"}, routing.Limits{}, []o{{Result: routing.Failed, FirstByte: true}}, []string{"a/a1+0s"}, routing.StopFirstByte},
		"the caller went away": {[]string{"a", "b"}, routing.Limits{}, []o{{Result: routing.GaveUp}}, []string{"a/a1+0s"}, routing.StopGaveUp},
		"another key at once":  {[]string{"a", "b"}, routing.Limits{}, []o{{Result: routing.RateLimited, Wait: time.Hour}, ok}, []string{"a/a1+0s", "a/a2+0s"}, routing.StopAnswered},
		"two keys, then others": {
			[]string{"a", "b"}, routing.Limits{}, []o{{Result: routing.RateLimited}, refusedKey, ok}, []string{"a/a1+0s", "a/a2+0s", "b/b1+0s"}, routing.StopAnswered,
		},
		"keys that are refused everywhere": {[]string{"a"}, routing.Limits{}, []o{refusedKey, refusedKey}, []string{"a/a1+0s", "a/a2+0s"}, routing.StopExhausted},
		"a hard quota is not waited for": {
			[]string{"a"}, routing.Limits{}, []o{{Result: routing.QuotaExhausted, Wait: time.Millisecond}, {Result: routing.QuotaExhausted}}, []string{"a/a1+0s", "a/a2+0s"}, routing.StopExhausted,
		},
		"a busy one after all others, and its pause": {
			[]string{"a", "b"},
			routing.Limits{},
			[]o{{Result: routing.Overloaded, Wait: 2 * time.Second}, failed, ok},
			[]string{"a/a1+0s", "b/b1+0s", "a/a1+1s"},
			routing.StopAnswered,
		},
		"a busy one without a pause of its own": {
			[]string{"a"}, routing.Limits{}, []o{{Result: routing.Overloaded}, {Result: routing.Overloaded}, ok}, []string{"a/a1+0s", "a/a1+75ms", "a/a1+150ms"}, routing.StopAnswered,
		},
		"a pause that is too long": {
			[]string{"a"}, routing.Limits{}, []o{{Result: routing.Overloaded, Wait: 2*time.Second + 1}}, []string{"a/a1+0s"}, routing.StopWait,
		},
		"a pause beyond the time": {
			[]string{"a"}, routing.Limits{Time: 3 * time.Second}, []o{{Result: routing.Overloaded, Wait: 2 * time.Second}}, []string{"a/a1+0s"}, routing.StopTime,
		},
		"no time for another": {[]string{"a", "b"}, routing.Limits{Time: time.Second}, []o{failed}, []string{"a/a1+0s"}, routing.StopTime},
		"what may be lost": {
			[]string{"a", "b", "c"},
			routing.Limits{Cost: limit("0.10")},
			[]o{{Result: routing.Failed, Cost: money.MustParse("0.10")}, {Result: routing.Failed, Cost: money.MustParse("0.000001")}},
			[]string{"a/a1+0s", "b/b1+0s"},
			routing.StopCost,
		},
		"a call that an endpoint declines": {[]string{"a", "b"}, routing.Limits{}, []o{{Result: routing.Declined}, ok}, []string{"a/a1+0s", "b/b1+0s"}, routing.StopAnswered},
		"a call that all decline":          {[]string{"a", "b"}, routing.Limits{}, []o{{Result: routing.Declined}, {Result: routing.Declined}}, []string{"a/a1+0s", "b/b1+0s"}, routing.StopExhausted},
		"a request that is rejected":       {[]string{"a", "b"}, routing.Limits{}, []o{{Result: routing.Rejected}}, []string{"a/a1+0s"}, routing.StopRejected},
		"not allowed for this key":         {[]string{"a"}, routing.Limits{}, []o{{Result: routing.KeyNotAllowed}, ok}, []string{"a/a1+0s", "a/a2+0s"}, routing.StopAnswered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := routing.NewAttempts(planned(t, row.plan...), row.limits, quiet(), half, epoch)
			did, stop, _ := steps(t, a, epoch, row.outcomes...)
			require.Equal(t, row.did, did)
			require.Equal(t, row.stop, stop)
			require.Equal(t, len(did), a.Calls())
		})
	}
}

func TestARejectionLeadsToAnotherModel(t *testing.T) {
	t.Parallel()
	q := routing.Question{Candidates: []routing.Candidate{offer(m, "a", "1"), offer(m, "b", "1"), offer("b/n", "a", "1")}}
	q.Preferences.Models = []routing.Model{{ID: m}, {ID: "b/n"}}
	q.Preferences.Sort = routing.ByPrice
	plan := choose(t, q, conditions{})
	a := routing.NewAttempts(&plan, routing.Limits{}, quiet(), half, epoch)
	for _, want := range []string{"a/m@a", "b/n@a"} {
		step, stop := a.Next(epoch)
		require.Equal(t, routing.GoOn, stop)
		require.Equal(t, want, step.Option.Endpoint)
		a.Ended(routing.Outcome{Result: routing.Rejected}, epoch)
	}
	_, stop := a.Next(epoch)
	require.Equal(t, routing.StopRejected, stop)
}

// TestWhatAnAttemptTaughtCountsForOtherCalls: keys that are at their limit or refused are set aside, and only those.
func TestWhatAnAttemptTaughtCountsForOtherCalls(t *testing.T) {
	t.Parallel()
	for result, row := range map[routing.Result]struct {
		here, there time.Duration // until the key may be used again, at the endpoint and at others
	}{
		routing.RateLimited: {30 * time.Second, 0}, routing.KeyNotAllowed: {10 * time.Minute, 0}, routing.KeyRefused: {10 * time.Minute, 10 * time.Minute},
		routing.QuotaExhausted: {10 * time.Minute, 10 * time.Minute}, routing.Overloaded: {}, routing.Failed: {}, routing.Rejected: {}, routing.Declined: {}, routing.GaveUp: {},
	} {
		h := quiet()
		a := routing.NewAttempts(planned(t, "a"), routing.Limits{}, h, half, epoch)
		step, _ := a.Next(epoch)
		a.Ended(routing.Outcome{Result: result, Wait: 30 * time.Second}, epoch)
		for endpoint, want := range map[string]time.Duration{"a/m@a": row.here, "other": row.there} {
			_, retry := h.Ready([]string{step.Credential}, endpoint, epoch)
			require.Equal(t, want, retry, "%s at %s", result, endpoint)
		}
	}
	h := quiet()
	a := routing.NewAttempts(planned(t, "a"), routing.Limits{}, h, half, epoch)
	_, _ = a.Next(epoch)
	a.Ended(routing.Outcome{Result: routing.RateLimited, Wait: 23 * time.Hour}, epoch)
	_, retry := h.Ready([]string{"a1"}, "a/m@a", epoch)
	require.Equal(t, time.Minute, retry)
	require.Equal(t, 23*time.Hour, a.RetryAfter(epoch))
}

// TestTheExplanationIsWhatWasDone, with an endpoint whose circuit opened and one whose keys were set aside after the plan was made.
func TestTheExplanationIsWhatWasDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := routing.NewHealth(routing.HealthOptions{})
		plan := planned(t, "a", "b", "c", "d", "e")
		for range 5 {
			trial, ok := h.Begin("a/m@b", time.Now())
			require.True(t, ok)
			trial.End(routing.Badly, 0, time.Now())
		}
		h.SetAside("c1", "", time.Now().Add(time.Hour), time.Now())
		h.SetAside("c2", "", time.Now().Add(time.Hour), time.Now())
		a := routing.NewAttempts(plan, routing.Limits{}, h, half, time.Now())
		step, _ := a.Next(time.Now())
		require.Equal(t, "a/m@a", step.Option.Endpoint)
		sleep(1500 * time.Millisecond)
		a.Ended(routing.Outcome{Result: routing.Failed}, time.Now())
		step, _ = a.Next(time.Now())
		require.Equal(t, "a/m@d", step.Option.Endpoint)
		sleep(time.Second)
		a.FirstToken(time.Now())
		sleep(2 * time.Second)
		a.Ended(routing.Outcome{Result: routing.Answered, Tokens: 101}, time.Now())
		a.Ended(routing.Outcome{Result: routing.GaveUp}, time.Now()) // deferred: counts no more
		_, stop := a.Next(time.Now())
		require.Equal(t, routing.StopAnswered, stop)

		got, err := json.Marshal(a.Explanation().Tried)
		require.NoError(t, err)
		require.JSONEq(t, `[
			{"endpoint":"a/m@a","model":"a/m","provider":"a","took_ms":1500,"result":"failed"},
			{"endpoint":"a/m@b","model":"a/m","provider":"b","skipped":"circuit_open"},
			{"endpoint":"a/m@c","model":"a/m","provider":"c","skipped":"credentials_set_aside"},
			{"endpoint":"a/m@d","model":"a/m","provider":"d","took_ms":3000,"result":"answered"}]`, string(got))
		require.Empty(t, plan.Explanation.Tried, "the plan stays as it is")
		sleep(time.Second)
		c := h.Condition("a/m@d", nil, time.Now())
		require.InEpsilon(t, 1.0, c.Latency[0], 0.05)
		require.InEpsilon(t, 50.0, c.Throughput[0], 0.05)
		require.Equal(t, int64(1), h.Condition("a/m@a", nil, time.Now()).Failed)
	})
}

func TestResultsOfStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]routing.Result{
		400: routing.Rejected, 401: routing.KeyRefused, 402: routing.QuotaExhausted, 403: routing.KeyNotAllowed, 404: routing.Failed, 408: routing.Failed,
		413: routing.Rejected, 422: routing.Rejected, 429: routing.RateLimited, 500: routing.Failed, 502: routing.Failed, 503: routing.Overloaded,
		504: routing.Failed, 529: routing.Overloaded, 302: routing.Failed,
	} {
		require.Equal(t, want, routing.OfStatus(status), status)
	}
}

func TestAnAttemptHasToBeEnded(t *testing.T) {
	t.Parallel()
	a := routing.NewAttempts(planned(t, "a", "b"), routing.Limits{}, quiet(), half, epoch)
	_, _ = a.Next(epoch)
	require.Panics(t, func() { _, _ = a.Next(epoch) })
}

// TestR11Laws: for random plans and outcomes, attempts are bounded in number, time and cost; nothing is tried after the first byte, after
// success or after a failure of the same endpoint; a vendor's pause is kept; and the explanation names the endpoints that were called, in
// their order, all of them of the plan.
func TestR11Laws(t *testing.T) {
	t.Parallel()
	results := []routing.Result{
		routing.Answered, routing.Failed, routing.Failed, routing.Overloaded, routing.RateLimited, routing.QuotaExhausted, routing.KeyRefused, routing.KeyNotAllowed,
		routing.Rejected, routing.GaveUp,
	}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "a#2", "b", "b#2", "c", "d"}), 1, 5, rapid.ID[string]).Draw(t, "plan")
		plan := planned(t, names...)
		limits := routing.Limits{Attempts: rapid.IntRange(1, 8).Draw(t, "attempts"), Time: 20 * time.Second, Cost: limit("3"), Pause: 5 * time.Second}
		a := routing.NewAttempts(plan, limits, quiet(), seeded(rapid.Uint64().Draw(t, "seed")), epoch)
		now := epoch
		var called []string
		failed, busy, tried := map[string]bool{}, map[string]time.Time{}, map[string]bool{}
		spent := 0
		for {
			step, stop := a.Next(now)
			if stop != routing.GoOn {
				break
			}
			at := step.Option.Endpoint
			require.Less(t, len(called), limits.Attempts)
			require.LessOrEqual(t, spent, 3)
			require.False(t, failed[at], "%s failed", at)
			now = now.Add(step.Pause)
			require.True(t, now.Before(epoch.Add(limits.Time)))
			require.LessOrEqual(t, step.Pause, limits.Pause)
			if tried[at+step.Credential] {
				require.False(t, now.Before(busy[at]), "%s asked for a pause", at)
				require.NotZero(t, busy[at])
			}
			tried[at+step.Credential] = true
			called = append(called, at)
			o := routing.Outcome{
				Result: rapid.SampledFrom(results).Draw(t, "result"), Wait: time.Duration(rapid.IntRange(0, 7000).Draw(t, "wait")) * time.Millisecond,
				FirstByte: rapid.IntRange(0, 9).Draw(t, "first byte") == 7,
			}
			if o.Result != routing.Answered {
				n := rapid.IntRange(0, 2).Draw(t, "cost")
				o.Cost, spent = money.MustParse(fmt.Sprint(n)), spent+n
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "took")) * time.Millisecond)
			a.Ended(o, now)
			failed[at] = o.Result == routing.Failed
			busy[at] = time.Time{}
			if o.Result == routing.RateLimited || o.Result == routing.Overloaded {
				busy[at] = now.Add(o.Wait)
			}
			if o.Result == routing.Answered || o.FirstByte || o.Result == routing.GaveUp {
				_, stop := a.Next(now)
				require.NotEqual(t, routing.GoOn, stop)
				break
			}
		}
		var explained []string
		for _, try := range a.Explanation().Tried {
			if try.Skipped == "" {
				explained = append(explained, try.Endpoint)
			}
		}
		require.Equal(t, called, explained)
		require.Equal(t, fmt.Sprint(spent), a.Spent().String())
		for _, c := range called {
			require.True(t, slices.ContainsFunc(plan.Options, func(o routing.Option) bool { return o.Endpoint == c }))
		}
	})
}

// TestR11WithheldKeysAreNoAttempts: a key that our own limits hold back is not set aside and uses no attempt up; when all are held back, the one
// that is free first is waited for, and that counts.
func TestR11WithheldKeysAreNoAttempts(t *testing.T) {
	t.Parallel()
	type o = routing.Outcome
	held := func(wait time.Duration) o { return o{Result: routing.RateLimited, Withheld: true, Wait: wait} }
	ok, failed := o{Result: routing.Answered}, o{Result: routing.Failed}
	for name, row := range map[string]struct {
		plan     []string
		limits   routing.Limits
		outcomes []o
		did      []string
		stop     routing.Stop
		calls    int
	}{
		"the next key": {[]string{"a", "b"}, routing.Limits{Attempts: 1}, []o{held(time.Hour), ok}, []string{"a/a1+0s", "a/a2+0s"}, routing.StopAnswered, 1},
		"the next vendor": {
			[]string{"a", "b"}, routing.Limits{Attempts: 1}, []o{held(time.Hour), held(time.Hour), ok}, []string{"a/a1+0s", "a/a2+0s", "b/b1+0s"}, routing.StopAnswered, 1,
		},
		"too long for all": {[]string{"a"}, routing.Limits{}, []o{held(time.Hour), held(time.Minute)}, []string{"a/a1+0s", "a/a2+0s"}, routing.StopWait, 0},
		"the one that is free first": {
			[]string{"a"}, routing.Limits{}, []o{held(2500 * time.Millisecond), held(2 * time.Second), ok}, []string{"a/a1+0s", "a/a2+0s", "a/a1+1.5s"}, routing.StopAnswered, 1,
		},
		"waiting comes to an end": {
			[]string{"a"},
			routing.Limits{Attempts: 2},
			[]o{held(time.Hour), held(0), held(0), held(0)},
			[]string{"a/a1+0s", "a/a2+0s", "a/a2+75ms", "a/a2+75ms"},
			routing.StopAttempts, 2,
		},
		"what failed is not waited for": {[]string{"a"}, routing.Limits{}, []o{held(0), failed}, []string{"a/a1+0s", "a/a2+0s"}, routing.StopExhausted, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate := quiet()
			a := routing.NewAttempts(planned(t, row.plan...), row.limits, gate, half, epoch)
			did, stop, end := steps(t, a, epoch, row.outcomes...)
			require.Equal(t, row.did, did)
			require.Equal(t, row.stop, stop)
			require.Equal(t, row.calls, a.Calls())
			for _, key := range []string{"a1", "a2", "b1"} {
				ready, _ := gate.Ready([]string{key}, m+"@a", end)
				require.True(t, ready, "%s is not set aside", key)
			}
		})
	}
}
