package routing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/routing"
)

// paced makes a call whose answer comes at a number of tokens a second, and ends at a moment.
func paced(t require.TestingT, h *routing.Health, tokensPerSecond int64, at time.Time) {
	trial, ok := h.Begin(e, at.Add(-2*time.Second))
	require.True(t, ok)
	trial.FirstToken(at.Add(-time.Second))
	trial.End(routing.Well, tokensPerSecond+1, at)
}

// TestThroughputOfHalfAnHour is of the calls that ended in the five minutes of now and the six times five before, in this process and in others
// that tell what changed since their last message, of which some are lost; never of less than half an hour, and of nothing older than 35 minutes.
func TestThroughputOfHalfAnHour(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h, peer, late := quiet(), quiet(), quiet()
		now, told := epoch, time.Time{}
		var ended []time.Time // of slow calls
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 400).Draw(rt, "seconds")) * time.Second)
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				paced(rt, h, 20, now)
				ended = append(ended, now)
			case 1:
				paced(rt, peer, 20, now)
				ended = append(ended, now)
			}
			message := peer.Export(told.Add(-30*time.Second), now)
			told = now
			if rapid.IntRange(0, 9).Draw(rt, "lost") > 0 {
				require.NoError(rt, h.Merge(message, now))
			} else {
				require.NoError(rt, h.Merge(peer.Export(time.Time{}, now), now)) // as after a break of the connection
			}
		}
		oldest := now.Truncate(5 * time.Minute).Add(-30 * time.Minute)
		counted := 0
		for _, at := range ended {
			if !at.Before(oldest) {
				counted++
			}
		}
		got := h.Throughput(e, now)
		if counted == 0 {
			require.Zero(rt, got)
			return
		}
		require.InDelta(rt, 20, got[routing.P50], 1)
		require.NoError(rt, late.Merge(h.Export(time.Time{}, now), now))
		require.NoError(rt, late.Merge(peer.Export(time.Time{}, now), now))
		require.Equal(rt, got, late.Throughput(e, now), "who comes late is told all of it")
		require.Zero(rt, late.Throughput("another", now))

		// As many calls and one more that are fast make the median fast: all of the slow ones were counted, once.
		for range counted + 1 {
			paced(rt, h, 500, now)
		}
		require.InDelta(rt, 500, h.Throughput(e, now)[routing.P50], 25)
		paced(rt, h, 20, now)
		paced(rt, h, 20, now)
		require.InDelta(rt, 20, h.Throughput(e, now)[routing.P90], 1)
	})
}

// TestThroughputOutlastsTheWindow: an endpoint that was not called for twenty minutes has one still, and after 35 minutes none.
func TestThroughputOutlastsTheWindow(t *testing.T) {
	t.Parallel()
	h, peer := quiet(), quiet()
	paced(t, peer, 80, epoch)
	require.NoError(t, h.Merge(peer.Export(time.Time{}, epoch), epoch))
	for _, minutes := range []time.Duration{4, 20, 30, 36} {
		now := epoch.Add(minutes * time.Minute)
		for name, of := range map[string]*routing.Health{"its own": peer, "a peer's": h} {
			require.Equal(t, minutes < 35, of.Throughput(e, now)[routing.P50] > 0, "%s after %d minutes", name, minutes)
		}
		require.Equal(t, minutes < 5, h.Seen(e, now).Calls > 0)
	}
}
