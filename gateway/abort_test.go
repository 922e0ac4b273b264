package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// leave runs a stream whose caller goes away after a number of pieces: by the end of the context, or by an error when
// something is sent.
func leave(t *testing.T, k *gatewaytest.Kit, model string, pieces int, byError bool) (*gatewaytest.Client, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := gatewaytest.NewClient()
	seen := 0
	c.OnWrite = func(string) error {
		if seen++; seen < pieces {
			return nil
		}
		if byError {
			return gatewaytest.ErrHungUp
		}
		cancel()
		return nil
	}
	return c, k.Gateway.Complete(ctx, k.Call(streamed(gatewaytest.Body(model, `"max_tokens":5000`))), c)
}

func TestACallerWhoLeavesEndsTheBillWhereThatIsPossible(t *testing.T) {
	t.Parallel()
	for _, byError := range []bool{false, true} {
		k := gatewaytest.New(t)
		model := k.Model(gatewaytest.Canceller, "tokens=5000&between=2ms")
		c, _ := leave(t, k, model, 4, byError)
		require.NoError(t, k.Sim.WaitIdle(t.Context()))
		totals := k.Sim.Totals()
		require.Equal(t, int64(1), totals.Aborted, "the vendor was told")
		e := k.Only()
		require.Equal(t, usage.Estimated, e.Provenance)
		require.True(t, e.Call.Cancelled)
		require.Equal(t, string(gateway.CodeClientGone), e.Call.Error)
		require.Positive(t, e.Usage[usage.Output])
		require.LessOrEqual(t, e.Usage[usage.Output], totals.Unreported.Completion, "not more than the vendor produced")
		require.Less(t, e.Usage[usage.Output], int64(100))
		require.NotContains(t, c.Body(), "[DONE]")
	}
}

func TestACallerWhoLeavesIsChargedWhatTheVendorBills(t *testing.T) {
	t.Parallel()
	for _, byError := range []bool{false, true} {
		k := gatewaytest.New(t)
		model := k.Model(gatewaytest.Drainer, "tokens=60&between=500us")
		c, err := leave(t, k, model, 4, byError)
		require.NoError(t, err)
		e := k.Only()
		require.Equal(t, usage.Reported, e.Provenance)
		require.True(t, e.Call.Cancelled)
		require.Empty(t, e.Call.Error)
		require.Equal(t, int64(60), e.Usage[usage.Output])
		require.Equal(t, int64(1), k.Sim.Totals().Completed, "it was read to its end")
		require.NotContains(t, c.Body(), "[DONE]", "there was nobody to send it to")
	}
}

func TestReadingOnHasItsLimit(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, func(o *gateway.Options) { o.DrainTimeout = 20 * time.Millisecond })
	_, _ = leave(t, k, k.Model(gatewaytest.Drainer, "tokens=5000&between=2ms"), 4, false)
	e := k.Only()
	require.Equal(t, usage.Estimated, e.Provenance)
	require.True(t, e.Call.Cancelled)
	require.Equal(t, string(gateway.CodeVendorTimeout), e.Call.Error)
}

func TestACallerWhoLeavesBeforeAnythingCame(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t)
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=timeout_before"))
		if stream {
			body = streamed(body)
		}
		c, err := abandonOnce(t, k, body)
		require.Equal(t, gateway.CodeClientGone, domain.CodeOf(err))
		require.Empty(t, c.Body())
		e := k.OnlyReleased()
		require.Equal(t, string(gateway.CodeClientGone), e.Reason)
		require.True(t, e.Call.Cancelled)
	}
}

// abandonOnce starts a call and leaves as soon as the vendor has it.
func abandonOnce(t *testing.T, k *gatewaytest.Kit, body string) (*gatewaytest.Client, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := gatewaytest.NewClient()
	failed := make(chan error, 1)
	go func() { failed <- k.Gateway.Complete(ctx, k.Call(body), c) }()
	require.Eventually(t, func() bool { return k.Sim.Totals().InFlight == 1 }, time.Minute, time.Millisecond)
	cancel()
	return c, <-failed
}

func TestAWholeAnswerIsReadOnWhereTheVendorBillsIt(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	_, err := abandonOnce(t, k, gatewaytest.Body(k.Model(gatewaytest.Drainer, "tokens=7&first=50ms"), `"max_tokens":9`))
	require.NoError(t, err)
	e := k.Only()
	require.Equal(t, int64(7), e.Usage[usage.Output])
	require.True(t, e.Call.Cancelled)
}

func TestACallerWhoLeavesDuringARetry(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, func(o *gateway.Options) {
		o.Backoff, o.RetryWait = time.Hour, 2*time.Hour
		o.RequestTimeout = 3 * time.Hour
	})
	call := k.Call(gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=500")))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := gatewaytest.NewClient()
	failed := make(chan error, 1)
	go func() { failed <- k.Gateway.Complete(ctx, call, c) }()
	require.Eventually(t, func() bool { return k.Sim.Totals().Rejected == 1 }, time.Minute, time.Millisecond)
	cancel()
	require.Equal(t, gateway.CodeClientGone, domain.CodeOf(<-failed))
	require.Equal(t, string(gateway.CodeClientGone), k.OnlyReleased().Reason)
}

func TestACallerWhoIsGoneAlready(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := gatewaytest.NewClient()
	err := k.Gateway.Complete(ctx, k.Call(gatewaytest.Body(k.Model(gatewaytest.Canceller, "first=1m"))), c)
	require.Equal(t, gateway.CodeClientGone, domain.CodeOf(err))
	require.Equal(t, string(gateway.CodeClientGone), k.OnlyReleased().Reason)
	require.NotContains(t, c.Body(), "data:")
}
