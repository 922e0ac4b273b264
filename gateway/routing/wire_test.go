package routing_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/routing"
)

func quiet() *routing.Health {
	return routing.NewHealth(routing.HealthOptions{Fresh: 1, Breaker: routing.BreakerOptions{Failures: 1 << 30, Row: 1 << 30}})
}

// TestProcessesThatMergeKnowWhatOneWouldKnow: calls spread over three processes, which export now and then, with messages lost, repeated and out
// of order, give the same condition as all of them in one, as soon as the last messages have come.
func TestProcessesThatMergeKnowWhatOneWouldKnow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one := quiet()
		processes := []*routing.Health{quiet(), quiet(), quiet()}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		now := epoch
		var delayed [][]byte
		send := func(from int, message []byte) {
			for to, h := range processes {
				if to != from {
					require.NoError(t, h.Merge(message, now))
				}
			}
		}
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now = now.Add(time.Duration(r.IntN(4000)) * time.Millisecond)
			at := r.IntN(len(processes))
			latency, rate := time.Duration(r.IntN(5000))*time.Millisecond, 1+r.Float64()*100
			for _, h := range []*routing.Health{one, processes[at]} {
				trial, ok := h.Begin(e, now.Add(-latency))
				require.True(t, ok)
				trial.FirstToken(now)
				trial.End(routing.Well, int64(rate*10), now)
				if r := int64(rate); r%5 == 0 {
					call(t, h, routing.Badly, now)
				}
			}
			switch message := processes[at].Export(now.Add(-30*time.Second), now); r.IntN(6) {
			case 0:
				send(at, message)
			case 1:
				send(at, message)
				send(at, message)
			case 2:
				delayed = append(delayed, message)
			}
		}
		for i := range delayed {
			send(-1, delayed[len(delayed)-1-i])
		}
		for i, h := range processes {
			send(i, h.Export(time.Time{}, now))
		}
		want := one.Condition(e, nil, now)
		require.Positive(t, want.Calls)
		for _, h := range processes {
			require.Equal(t, want, h.Condition(e, nil, now))
		}
	})
}

// TestCredentialsThatAreSetAsideAreShared, once: what a peer said is not said again as one's own, and not for longer than we would.
func TestCredentialsThatAreSetAsideAreShared(t *testing.T) {
	t.Parallel()
	a, b, c := quiet(), quiet(), quiet()
	a.SetAside("k1", "", epoch.Add(10*time.Minute), epoch)
	a.SetAside("k2", e, epoch.Add(time.Minute), epoch)
	a.SetAside("k3", "", epoch.Add(24*time.Hour), epoch)
	a.SetAside("k4", "", epoch.Add(time.Second), epoch)
	at := epoch.Add(2 * time.Second)
	require.NoError(t, b.Merge(a.Export(at, at), at))
	require.NoError(t, c.Merge(b.Export(time.Time{}, at), at))
	for _, row := range []struct {
		h                    *routing.Health
		credential, endpoint string
		want                 time.Duration
	}{
		{b, "k1", e, 598 * time.Second},
		{b, "k1", "other", 598 * time.Second},
		{b, "k2", e, 58 * time.Second},
		{b, "k2", "other", 0},
		{b, "k3", e, 11 * time.Minute},
		{b, "k4", e, 0},
		{c, "k1", e, 0},
		{c, "k2", e, 0},
	} {
		_, retry := row.h.Ready([]string{row.credential}, row.endpoint, at)
		require.Equal(t, row.want, retry, "%s at %s", row.credential, row.endpoint)
	}
}

func TestOldMessagesReplaceNothingOfNewSlots(t *testing.T) {
	t.Parallel()
	a, b := quiet(), quiet()
	call(t, a, routing.Well, epoch)
	old := a.Export(time.Time{}, epoch)
	later := epoch.Add(330 * time.Second) // the same place of the ring
	call(t, a, routing.Badly, later)
	require.NoError(t, b.Merge(a.Export(time.Time{}, later), later))
	require.NoError(t, b.Merge(old, later))
	c := b.Condition(e, nil, later)
	require.Equal(t, [2]int64{1, 1}, [2]int64{c.Calls, c.Failed})
	require.Zero(t, b.Condition(e, nil, later.Add(6*time.Minute)).Calls)
}

func TestOnlyWhatChangedIsExported(t *testing.T) {
	t.Parallel()
	h := quiet()
	call(t, h, routing.Well, epoch)
	later := epoch.Add(2 * time.Minute)
	empty := h.Export(later, later)
	require.Less(t, len(empty), 16)
	call(t, h, routing.Well, later)
	require.Less(t, len(h.Export(later, later)), len(h.Export(time.Time{}, later)))
}

func TestPeersAreBounded(t *testing.T) {
	t.Parallel()
	h := quiet()
	for range 200 {
		peer := quiet()
		call(t, peer, routing.Well, epoch)
		require.NoError(t, h.Merge(peer.Export(time.Time{}, epoch), epoch))
	}
	require.Equal(t, int64(128), h.Condition(e, nil, epoch).Calls)
	later := epoch.Add(10 * time.Minute)
	peer := quiet()
	call(t, peer, routing.Well, later)
	require.NoError(t, h.Merge(peer.Export(time.Time{}, later), later))
	require.Equal(t, int64(1), h.Condition(e, nil, later).Calls, "silent ones make room")
}

func TestEndpointsOfPeersAreBounded(t *testing.T) {
	t.Parallel()
	h, many, other := quiet(), routing.NewHealth(routing.HealthOptions{Endpoints: 1 << 15}), quiet()
	for i := range 1<<14 + 1 {
		trial, ok := many.Begin(strconv.Itoa(i), epoch)
		require.True(t, ok)
		trial.End(routing.Well, 0, epoch)
	}
	require.NoError(t, h.Merge(many.Export(time.Time{}, epoch), epoch))
	call(t, other, routing.Well, epoch)
	message := other.Export(time.Time{}, epoch)
	require.NoError(t, h.Merge(message, epoch))
	require.Zero(t, h.Condition(e, nil, epoch).Calls)
	later := epoch.Add(6 * time.Minute)
	call(t, other, routing.Well, later)
	require.NoError(t, h.Merge(other.Export(time.Time{}, later), later))
	require.Equal(t, int64(1), h.Condition(e, nil, later).Calls)
}

func TestMalformedMessagesChangeNothing(t *testing.T) {
	t.Parallel()
	peer, at := quiet(), epoch.Add(2*time.Minute)
	for i := range 20 {
		stream(t, peer, epoch, time.Duration(i)*time.Second, float64(i+1))
	}
	peer.SetAside("k1", e, at.Add(time.Minute), at)
	message := peer.Export(time.Time{}, at)
	h := quiet()
	for i := range message {
		require.Error(t, h.Merge(message[:i], at))
	}
	require.Error(t, h.Merge(append(slices.Clone(message), 0), at))
	require.Error(t, h.Merge(append([]byte{1}, message[1:]...), at))
	require.Error(t, h.Merge(make([]byte, 9<<20), at))
	require.Zero(t, h.Condition(e, nil, at).Calls)
	at = at.Add(1)
	ready, _ := h.Ready([]string{"k1"}, e, at)
	require.True(t, ready)
	require.NoError(t, h.Merge(message, at))
	ready, _ = h.Ready([]string{"k1"}, e, at)
	require.False(t, ready)
	require.Equal(t, int64(20), h.Condition(e, nil, at).Calls)
	require.NoError(t, peer.Merge(message, at))
	require.Equal(t, int64(20), peer.Condition(e, nil, at).Calls, "its own")
}

func FuzzMerge(f *testing.F) {
	peer := quiet()
	for i := range 20 {
		trial, _ := peer.Begin(e, epoch)
		trial.FirstToken(epoch.Add(time.Duration(i) * time.Second))
		trial.End(routing.Well, 100, epoch.Add(time.Minute))
	}
	f.Add(peer.Export(time.Time{}, epoch.Add(time.Minute)))
	peer.SetAside("k1", e, epoch.Add(time.Hour), epoch)
	f.Add(peer.Export(time.Time{}, epoch.Add(time.Minute)))
	f.Add([]byte{1, 1, 0, 1, 3, 'a', '@', 'b', 1})
	f.Fuzz(func(t *testing.T, message []byte) {
		h := quiet()
		err := h.Merge(message, epoch)
		c := h.Condition(e, nil, epoch)
		require.GreaterOrEqual(t, c.Calls, c.Failed)
		require.GreaterOrEqual(t, c.Failed, int64(0))
		if err != nil {
			require.Zero(t, c)
		}
	})
}
