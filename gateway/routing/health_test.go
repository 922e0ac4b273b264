package routing_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/routing"
)

const e = "a/m@v"

// call makes one call that ends at once.
func call(t require.TestingT, h *routing.Health, v routing.Verdict, now time.Time) {
	trial, ok := h.Begin(e, now)
	require.True(t, ok, "the circuit is open")
	trial.End(v, 0, now)
}

// TestTheCircuitOpensHalfOpensAndCloses: in a bubble, so that the breakers' clock is the simulated one.
func TestTheCircuitOpensHalfOpensAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := routing.NewHealth(routing.HealthOptions{})
		open := func() bool { return h.Condition(e, nil, time.Now()).Open }
		for range 4 {
			call(t, h, routing.Badly, time.Now())
		}
		for range 100 {
			call(t, h, routing.Neither, time.Now())
		}
		require.False(t, open())
		call(t, h, routing.Badly, time.Now())
		require.True(t, open(), "five of five")
		_, ok := h.Begin(e, time.Now())
		require.False(t, ok)

		sleep(10 * time.Second)
		require.Equal(t, 20*time.Second, h.Condition(e, nil, time.Now()).Retry)
		sleep(20*time.Second + 1)
		require.False(t, open())
		var probes []*routing.Trial
		for range 3 {
			trial, ok := h.Begin(e, time.Now())
			require.True(t, ok)
			probes = append(probes, trial)
		}
		_, ok = h.Begin(e, time.Now())
		require.False(t, ok, "a half open circuit lets three through")
		probes[0].End(routing.Neither, 0, time.Now())
		trial, ok := h.Begin(e, time.Now())
		require.True(t, ok, "one that said nothing makes room for another")
		trial.End(routing.Badly, 0, time.Now())
		require.True(t, open(), "a probe that fails opens it again")
		for _, p := range probes[1:] {
			p.End(routing.Well, 0, time.Now())
		}
		require.True(t, open(), "probes of the time before say nothing now")

		sleep(30*time.Second + 1)
		for i := range 3 {
			trial, ok := h.Begin(e, time.Now())
			require.True(t, ok)
			if i == 0 {
				trial.FirstToken(time.Now()) // a stream that begins is a success
				continue
			}
			trial.End(routing.Well, 0, time.Now())
		}
		call(t, h, routing.Well, time.Now())
		for range 49 {
			call(t, h, routing.Well, time.Now())
			call(t, h, routing.Badly, time.Now())
		}
		require.False(t, open(), "less than half")
		call(t, h, routing.Badly, time.Now())
		require.True(t, open(), "50 of 100")
	})
}

func TestTheCircuitOpensAfterFailuresInARow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := routing.NewHealth(routing.HealthOptions{})
		for range 1000 {
			call(t, h, routing.Well, time.Now())
		}
		for range 7 {
			call(t, h, routing.Badly, time.Now())
		}
		require.False(t, h.Condition(e, nil, time.Now()).Open)
		call(t, h, routing.Badly, time.Now())
		require.True(t, h.Condition(e, nil, time.Now()).Open)
	})
}

func TestTheCircuitForgetsAfterItsWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := routing.NewHealth(routing.HealthOptions{})
		for range 50 {
			call(t, h, routing.Badly, time.Now())
			call(t, h, routing.Well, time.Now())
			call(t, h, routing.Neither, time.Now())
			if h.Condition(e, nil, time.Now()).Open {
				t.Fatal("it opened")
			}
			sleep(9 * time.Second) // four in any 30 seconds
		}
	})
}

// TestAStreamThatBreaksCountsAgainstTheCircuit, although it began well.
func TestAStreamThatBreaksCountsAgainstTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := routing.NewHealth(routing.HealthOptions{})
		for range 5 {
			trial, ok := h.Begin(e, time.Now())
			require.True(t, ok)
			trial.FirstToken(time.Now())
			trial.End(routing.Badly, 3, time.Now())
			trial.End(routing.Well, 3, time.Now()) // counts no more
		}
		require.True(t, h.Condition(e, nil, time.Now()).Open)
		sleep(2 * time.Second)
		c := h.Condition(e, nil, time.Now())
		require.Equal(t, [2]int64{5, 5}, [2]int64{c.Calls, c.Failed})
	})
}

// stream is a call that begins after latency and goes on with so many tokens a second.
func stream(t require.TestingT, h *routing.Health, begin time.Time, latency time.Duration, perSecond float64) {
	trial, ok := h.Begin(e, begin)
	require.True(t, ok)
	first := begin.Add(latency)
	trial.FirstToken(first)
	trial.FirstToken(first.Add(time.Hour)) // counts no more
	trial.End(routing.Well, 101, first.Add(time.Duration(100/perSecond*float64(time.Second))))
}

// TestPercentilesAreThoseOfTheCalls, within the width of a bin: of latency so many per cent are shorter, of throughput so many are higher.
func TestPercentilesAreThoseOfTheCalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := routing.NewHealth(routing.HealthOptions{})
		n := rapid.IntRange(1, 300).Draw(t, "calls")
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 2))
		var latencies, rates []float64
		for range n {
			latency, rate := math.Exp(r.NormFloat64()), 50*math.Exp(r.NormFloat64())
			latencies, rates = append(latencies, latency), append(rates, rate)
			stream(t, h, epoch, time.Duration(latency*float64(time.Second)), rate)
		}
		c := h.Condition(e, nil, epoch.Add(200*time.Second))
		slices.Sort(latencies)
		slices.SortFunc(rates, func(a, b float64) int { return -int(math.Copysign(1, a-b)) })
		require.Equal(t, int64(n), c.Calls)
		for i, share := range []float64{0.5, 0.75, 0.9, 0.99} {
			at := int(math.Ceil(share*float64(n))) - 1
			require.InEpsilon(t, latencies[at], c.Latency[i], 0.046)
			require.InEpsilon(t, rates[at], c.Throughput[i], 0.046)
		}
	})
}

func TestValuesBeyondTheScale(t *testing.T) {
	t.Parallel()
	h := routing.NewHealth(routing.HealthOptions{})
	stream(t, h, epoch, 0, 1e8)
	c := h.Condition(e, nil, epoch)
	require.InDelta(t, 0.001, c.Latency[0], 0.0001)
	require.InDelta(t, 100_000, c.Throughput[0], 6000)
	long := routing.NewHealth(routing.HealthOptions{})
	trial, _ := long.Begin(e, epoch)
	trial.FirstToken(epoch.Add(24 * time.Hour))
	trial.End(routing.Well, 5, epoch.Add(25*time.Hour))
	c = long.Condition(e, nil, epoch.Add(25*time.Hour))
	require.Zero(t, c.Latency[0], "an hour ago")
	require.Zero(t, c.Throughput[0], "too few tokens")
	back, _ := long.Begin(e, epoch)
	back.FirstToken(epoch.Add(-time.Hour)) // a clock that was set back
	back.End(routing.Well, 100, epoch)
	require.NotPanics(t, func() { long.Condition(e, nil, epoch) })
}

// TestMeasurementsEndAfterFiveMinutes: they count for five minutes at least, and five and a half at most.
func TestMeasurementsEndAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	for offset := range 30 {
		h := routing.NewHealth(routing.HealthOptions{Fresh: 1})
		at := epoch.Add(time.Duration(offset) * time.Second)
		call(t, h, routing.Badly, at)
		require.Equal(t, int64(1), h.Condition(e, nil, at.Add(5*time.Minute)).Calls)
		require.Zero(t, h.Condition(e, nil, at.Add(5*time.Minute+30*time.Second)).Calls)
		call(t, h, routing.Well, at.Add(5*time.Minute+30*time.Second)) // in the place of the old bucket
		c := h.Condition(e, nil, at.Add(5*time.Minute+30*time.Second+1))
		require.Equal(t, [2]int64{1, 0}, [2]int64{c.Calls, c.Failed})
	}
}

func TestSumsAreMadeOnceASecond(t *testing.T) {
	t.Parallel()
	h := routing.NewHealth(routing.HealthOptions{})
	require.Zero(t, h.Condition(e, nil, epoch).Calls)
	call(t, h, routing.Well, epoch)
	require.Zero(t, h.Condition(e, nil, epoch.Add(999*time.Millisecond)).Calls)
	require.Equal(t, int64(1), h.Condition(e, nil, epoch.Add(time.Second)).Calls)
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	h := routing.NewHealth(routing.HealthOptions{Endpoints: 10, Fresh: 1})
	begin := func(i int, now time.Time) {
		trial, ok := h.Begin("endpoint "+strconv.Itoa(i), now)
		require.True(t, ok)
		trial.FirstToken(now)
		trial.End(routing.Badly, 0, now)
	}
	for i := range 100 {
		begin(i, epoch)
	}
	known := func(from int, now time.Time) (n int) {
		for i := range 100 {
			n += int(h.Condition("endpoint "+strconv.Itoa(from+i), nil, now).Calls)
		}
		return n
	}
	require.Equal(t, 10, known(0, epoch.Add(time.Second)), "others are called, but not measured")
	later := epoch.Add(10 * time.Minute)
	for i := range 100 {
		begin(1000+i, later)
	}
	require.Equal(t, 10, known(1000, later.Add(time.Second)), "those that nobody uses make room")
}

// TestRecordingFromManyGoroutines loses nothing, also where buckets change.
func TestRecordingFromManyGoroutines(t *testing.T) {
	t.Parallel()
	h := routing.NewHealth(routing.HealthOptions{Breaker: routing.BreakerOptions{Failures: 1 << 30, Row: 1 << 30}})
	var all sync.WaitGroup
	const workers, each = 8, 2000
	for w := range workers {
		all.Go(func() {
			for i := range each {
				now := epoch.Add(time.Duration(i) * 100 * time.Millisecond) // 200 s: seven buckets
				trial, ok := h.Begin(e, now)
				if !ok {
					t.Error("the circuit is open")
					return
				}
				trial.FirstToken(now)
				trial.End(map[bool]routing.Verdict{true: routing.Well, false: routing.Badly}[w%2 == 0], 0, now)
				h.Condition(e, nil, now)
			}
		})
	}
	all.Wait()
	c := h.Condition(e, nil, epoch.Add(205*time.Second))
	require.Equal(t, [2]int64{workers * each, workers * each / 2}, [2]int64{c.Calls, c.Failed})
}

func TestCredentialsInTurn(t *testing.T) {
	t.Parallel()
	var k routing.Keys
	keys := []string{"k1", "k2", "k3"}
	all := func(string) bool { return false }
	pick := func(endpoint string, now time.Time) string {
		c, ok := k.Pick(keys, endpoint, 0, all, now)
		require.True(t, ok)
		return c
	}
	for range 3 {
		for _, want := range keys {
			require.Equal(t, want, pick("x", epoch))
		}
	}
	k.SetAside("k2", "", epoch.Add(time.Minute), epoch)
	k.SetAside("k3", "x", epoch.Add(time.Second), epoch)
	k.SetAside("k3", "x", epoch.Add(-time.Second), epoch) // does not shorten it
	require.Equal(t, []string{"k1", "k1"}, []string{pick("x", epoch), pick("x", epoch)})
	require.Equal(t, []string{"k3", "k1"}, []string{pick("y", epoch), pick("y", epoch)}, "a rate limit holds for its endpoint")
	_, ok := k.Pick(keys, "x", 0, func(c string) bool { return c == "k1" }, epoch)
	require.False(t, ok)
	require.Equal(t, "k3", pick("x", epoch.Add(time.Second)), "its time is over")

	k.SetAside("k1", "", epoch.Add(30*time.Second), epoch)
	k.SetAside("k3", "", epoch.Add(20*time.Second), epoch)
	ready, retry := k.Ready(keys, "y", epoch)
	require.False(t, ready)
	require.Equal(t, 20*time.Second, retry)

	ready, _ = k.Ready(nil, "y", epoch)
	require.True(t, ready, "a vendor that wants no credential")
	none, ok := k.Pick(nil, "y", 0, all, epoch)
	require.True(t, ok)
	require.Empty(t, none)
}

// TestR7AConversationKeepsItsCredential while it may be used; conversations are spread evenly.
func TestR7AConversationKeepsItsCredential(t *testing.T) {
	t.Parallel()
	const n = 9000
	var k, aside routing.Keys
	keys := []string{"k1", "k2", "k3"}
	aside.SetAside("k2", "", epoch.Add(time.Minute), epoch)
	used := make(map[string]float64)
	for i := range n {
		c := routing.NewConversation([]byte(strconv.Itoa(i)))
		pick := func(k *routing.Keys) string {
			got, ok := k.Pick(keys, "x", c, func(string) bool { return false }, epoch)
			require.True(t, ok)
			return got
		}
		home := pick(&k)
		used[home]++
		require.Equal(t, home, pick(&k))
		if elsewhere := pick(&aside); home != "k2" {
			require.Equal(t, home, elsewhere)
		} else {
			require.NotEqual(t, "k2", elsewhere)
		}
	}
	requireShares(t, used, map[string]float64{"k1": 1. / 3, "k2": 1. / 3, "k3": 1. / 3}, n)
}

func TestWhatIsRememberedOfCredentialsIsBounded(t *testing.T) {
	t.Parallel()
	var k routing.Keys
	for i := range 10_000 {
		k.SetAside(fmt.Sprint(i), "", epoch.Add(time.Minute), epoch)
	}
	k.SetAside("one more", "", epoch.Add(time.Minute), epoch)
	ready, _ := k.Ready([]string{"one more"}, "x", epoch)
	require.True(t, ready)
	k.SetAside("0", "", epoch.Add(2*time.Minute), epoch) // one that is there already
	later := epoch.Add(time.Minute)
	k.SetAside("one more", "", later.Add(time.Minute), later)
	ready, _ = k.Ready([]string{"one more"}, "x", later)
	require.False(t, ready)
	ready, _ = k.Ready([]string{"0"}, "x", later)
	require.False(t, ready)
}
