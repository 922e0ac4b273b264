package sim_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func TestClientThatLeavesStopsTheStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, leave := context.WithCancel(t.Context())
	answer := b.do(t, b.request(ctx, t, ask("m?reasoning=2&between=10m", streamed, withUsage)))
	until(t, answer.Body, 1)
	leave()
	require.Equal(t, sim.Row{
		Calls: 1, Streamed: 1, Aborted: 1, Unreported: sim.Usage{Prompt: 7, Reasoning: 2, Completion: 3},
	}, b.idle(t).Row)
}

func TestClientThatLeavesStopsADrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, leave := context.WithCancel(t.Context())
	answer := b.do(t, b.request(ctx, t, ask("m?fault=slow_drip&piece=4000&between=10m", streamed, withUsage)))
	until(t, answer.Body, 1)
	leave()
	row := b.idle(t).Row
	require.EqualValues(t, 1, row.Aborted)
	// The second token may have been made already, waiting to be sent.
	require.Contains(t, []int64{1, 2}, row.Unreported.Completion)
}

func TestClientThatLeavesALongStreamWithoutPauses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, leave := context.WithCancel(t.Context())
	answer := b.do(t, b.request(ctx, t, ask("m?fault=long&tokens=1000000", streamed)))
	until(t, answer.Body, 100)
	leave()
	row := b.idle(t).Faults[sim.FaultLong]
	require.EqualValues(t, 1, row.Aborted)
	require.Less(t, row.Unreported.Completion, int64(1_000_000))
	require.GreaterOrEqual(t, row.Unreported.Completion, int64(100))
}

// waiting starts a call and leaves it once the simulator holds it.
func (b *bundle) waiting(t *testing.T, body string) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	gone := b.ending(ctx, t, body)
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)
}

func TestClientThatLeavesBeforeTheFirstToken(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"stream":              ask("m?first=10m", streamed),
		"body":                ask("m?first=10m"),
		"timeout_before":      ask("m?fault=timeout_before"),
		"a stall that drains": ask("m?fault=timeout_before&drain=1", streamed),
		"a late status":       ask("m?fault=500&first=10m"),
		"a late page":         ask("m?fault=malformed&variant=html&first=10m", streamed),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.waiting(t, body)
			row := b.idle(t).Row
			require.Equal(t, []int64{1, 1, 0}, []int64{row.Calls, row.Aborted, row.Drained})
			require.Zero(t, row.Unreported, "nothing was produced")
		})
	}
}

func TestClientThatLeavesABodyPaysForItsPart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.waiting(t, ask("m?reasoning=5&between=10m"))
	require.Equal(t, sim.Row{Calls: 1, Aborted: 1, Unreported: sim.Usage{Prompt: 7, Reasoning: 5, Completion: 6}}, b.idle(t).Row)
}

func TestDrainProducesToTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, leave := context.WithCancel(t.Context())
	answer := b.do(t, b.request(ctx, t, ask("m?tokens=200&between=1ms&drain=1", streamed, withUsage)))
	until(t, answer.Body, 1)
	leave()
	require.Equal(t, sim.Row{
		Calls: 1, Streamed: 1, Aborted: 1, Drained: 1, Unreported: sim.Usage{Prompt: 7, Completion: 200},
	}, b.idle(t).Row)

	b.Reset()
	leave() // a context that has ended already: the client left at once
	b.ServeHTTP(httptest.NewRecorder(), b.request(ctx, t, ask("m?tokens=20&first=1ms&drain=1")))
	require.Equal(t, sim.Row{Calls: 1, Aborted: 1, Drained: 1, Unreported: sim.Usage{Prompt: 7, Completion: 20}}, b.idle(t).Row)
}

func TestCloseEndsWhatWaits(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"stall":         ask("m?fault=timeout_before"),
		"first token":   ask("m?first=10m"),
		"stalled drain": ask("m?fault=timeout_after&drain=1", streamed),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ended := b.ending(t.Context(), t, body)
			b.Close()
			require.Error(t, <-ended)
			row := b.idle(t).Row
			require.Equal(t, []int64{1, 1}, []int64{row.Calls, row.Broken})
		})
	}
}

func TestLogHasNoContentAndNoKey(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := setup(t, func(o *sim.Options) { o.Logger = zerolog.New(zerolog.SyncWriter(&log)) })
	b.post(t, ask("m?fault=no_usage"))
	b.post(t, ask("m?nonsense=1"))
	require.Contains(t, log.String(), `"outcome":"completed"`)
	require.Contains(t, log.String(), `"code":"invalid_sim_control"`)
	require.NotContains(t, log.String(), "Hello")
	require.NotContains(t, log.String(), apiKey)
}
