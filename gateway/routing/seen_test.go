package routing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/routing"
)

// TestSeenTakesNoRoom: whoever only looks leaves all room to endpoints that are called, and sees what peers measured.
func TestSeenTakesNoRoom(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h, peer := routing.NewHealth(routing.HealthOptions{Endpoints: 1}), routing.NewHealth(routing.HealthOptions{})
	for i := range 100 {
		require.Equal(t, routing.Condition{}, h.Seen(fmt.Sprint("nobody", i), now))
	}
	for _, of := range []*routing.Health{h, peer} {
		trial, ok := of.Begin("called", now)
		require.True(t, ok)
		trial.FirstToken(now.Add(time.Second))
		trial.End(routing.Well, 100, now.Add(2*time.Second))
	}
	trial, ok := peer.Begin("elsewhere", now)
	require.True(t, ok)
	trial.End(routing.Badly, 0, now)
	require.NoError(t, h.Merge(peer.Export(time.Time{}, now), now))
	now = now.Add(3 * time.Second)
	require.Equal(t, int64(2), h.Seen("called", now).Calls)
	require.InDelta(t, 99, h.Seen("called", now).Throughput[routing.P50], 6)
	require.Equal(t, int64(1), h.Seen("elsewhere", now).Failed)
	require.Equal(t, h.Condition("called", nil, now), h.Seen("called", now))
}
