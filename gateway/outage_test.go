package gateway_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/journal"
)

// brief gives the ledger little time.
func brief(o *gateway.Options) {
	o.SettleWait, o.ReleaseWait, o.Sweep = 10*time.Millisecond, 10*time.Millisecond, 5*time.Millisecond
}

// awayAfterAdmission takes the ledger away once a call is admitted.
func awayAfterAdmission(k *gatewaytest.Kit) gateway.Ledger {
	return admitted{Ledger: k.App, then: k.Away}
}

type admitted struct {
	gateway.Ledger
	then func()
}

func (a admitted) PlaceHold(ctx context.Context, m commands.Meta, c commands.PlaceHold) (commands.Held, commands.Receipt, error) {
	held, receipt, err := a.Ledger.PlaceHold(ctx, m, c)
	a.then()
	return held, receipt, err
}

func TestWithoutTheLedgerNothingBegins(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "")
	k.Away()
	c, err := k.Do(gatewaytest.Body(model))
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	require.Empty(t, c.Generation())
	require.Zero(t, k.Sim.Totals().Calls)
}

// TestTheLedgerGoesAwayDuringACall: the caller is told the right cost, and the charge is recorded once the ledger is back.
func TestTheLedgerGoesAwayDuringACall(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t, brief)
		k.Options.Ledger = awayAfterAdmission(k)
		g := k.NewGateway()
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=9&reasoning=2"), `"max_tokens":20`)
		if stream {
			body = streamed(body)
		}
		c := gatewaytest.NewClient()
		require.NoError(t, g.Complete(t.Context(), k.Call(body), c))
		require.Equal(t, 1, g.Unsent())
		require.Empty(t, k.History().Charged)

		k.Background(g)
		k.Back()
		require.Eventually(t, func() bool { return g.Unsent() == 0 }, time.Minute, time.Millisecond)
		e := k.Only()
		require.Equal(t, int64(9), e.Usage[usage.Output])
		require.Contains(t, c.Body(), `"cost":`+e.Charge.String()+`,`, "the ledger found the same cost")
	}
}

func TestAShortAbsenceOfTheLedgerIsWaitedFor(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, func(o *gateway.Options) { o.KeepAlive = time.Millisecond })
	k.Options.Ledger = awayAfterAdmission(k)
	g := k.NewGateway()
	c := gatewaytest.NewClient()
	c.OnWrite = func(p string) error {
		if p == ": keep-alive\n\n" && strings.Contains(c.Body(), `"finish_reason":"stop"`) {
			k.Back() // the stream is kept alive while it waits for its charge
		}
		return nil
	}
	body := streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3"), `"max_tokens":20`))
	require.NoError(t, g.Complete(t.Context(), k.Call(body), c))
	require.Zero(t, g.Unsent())
	require.Contains(t, c.Body(), `"cost":`+k.Only().Charge.String()+`,`)
}

func TestAReleaseWaitsForTheLedgerToo(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, brief, hasty)
	k.Options.Ledger = awayAfterAdmission(k)
	g := k.NewGateway()
	err := g.Complete(t.Context(), k.Call(gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=502"))), gatewaytest.NewClient())
	require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err))
	require.Equal(t, 1, g.Unsent())
	k.Back()
	k.Background(g)
	require.Eventually(t, func() bool { return g.Unsent() == 0 }, time.Minute, time.Millisecond)
	require.Equal(t, "vendor_error", k.OnlyReleased().Reason)
}

// TestTheNextProcessSendsWhatTheLastOneCouldNot also sends one settlement twice, as after a crash between both.
func TestTheNextProcessSendsWhatTheLastOneCouldNot(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, brief)
	path := filepath.Join(t.TempDir(), "journal")
	k.Options.Ledger, k.Options.Journal = awayAfterAdmission(k), k.OpenJournal(path)
	g := k.NewGateway()
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=9"), `"max_tokens":20`)
	require.NoError(t, g.Complete(t.Context(), k.Call(body), gatewaytest.NewClient()))
	g.Stop(t.Context())
	sent := k.Options.Journal.Pending(1)
	require.Len(t, sent, 1)
	require.NoError(t, k.Options.Journal.Close())
	k.Back()

	for range 2 {
		k.Options.Ledger, k.Options.Journal = k.App, k.OpenJournal(path)
		require.NoError(t, k.Options.Journal.Append(t.Context(), sent[0]))
		next := k.NewGateway()
		stop := k.Background(next)
		require.Eventually(t, func() bool { return next.Unsent() == 0 }, time.Minute, time.Millisecond)
		stop()
		require.NoError(t, k.Options.Journal.Close())
		require.Equal(t, int64(9), k.Only().Usage[usage.Output], "charged once")
	}
}

func TestWhatTheLedgerRefusesForGoodIsAnAlert(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, brief)
	require.NoError(t, k.Journal.Append(t.Context(), journal.Record{
		ID:   uuid.New(),
		Body: []byte(`{"hold_id":"` + uuid.NewString() + `","wallet_id":"` + k.Wallet.String() + `","endpoint":"acme/x@acme","usage":{"input":1},"provenance":"reported","call":{}}`),
	}))
	require.NoError(t, k.Journal.Append(t.Context(), journal.Record{ID: uuid.New(), Body: []byte(`not a settlement`)}))
	k.Background(k.Gateway)
	require.Eventually(t, func() bool {
		log := k.Log.String()
		return k.Gateway.Unsent() == 1 && strings.Contains(log, "the ledger refuses a settlement of the journal for good") &&
			strings.Contains(log, "cannot be read; it is left there")
	}, time.Minute, time.Millisecond)
	require.Empty(t, k.History().Charged)
}

// TestWithoutADiskASettlementStaysInMemory: the end of the answer is kept back, since its charge is not durable.
func TestWithoutADiskASettlementStaysInMemory(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t, brief)
		j := k.OpenJournal(filepath.Join(t.TempDir(), "journal"))
		require.NoError(t, j.Close())
		k.Options.Ledger, k.Options.Journal = awayAfterAdmission(k), j
		g := k.NewGateway()
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=9"), `"max_tokens":20`)
		if stream {
			body = streamed(body)
		}
		c := gatewaytest.NewClient()
		err := g.Complete(t.Context(), k.Call(body), c)
		if stream {
			require.NoError(t, err)
			require.Contains(t, c.Body(), `"error_type":"ledger_unavailable"`)
		} else {
			require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
		}
		require.NotContains(t, c.Body(), `"cost"`)
		require.NotContains(t, c.Body(), "[DONE]")
		k.Back()
		require.Eventually(t, func() bool { return len(k.History().Charged) == 1 }, time.Minute, time.Millisecond)
		require.Equal(t, int64(9), k.Only().Usage[usage.Output])
	}
}

func TestStopWaitsForRunningCalls(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	body := streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=40&between=1ms"), `"max_tokens":50`))
	c := gatewaytest.NewClient()
	stopped := make(chan struct{})
	c.OnWrite = func(string) error {
		if c.Body() == "" {
			go func() {
				k.Gateway.Stop(context.Background())
				close(stopped)
			}()
		}
		return nil
	}
	require.NoError(t, k.Gateway.Complete(t.Context(), k.Call(body), c))
	<-stopped
	require.Equal(t, int64(40), k.Only().Usage[usage.Output])
	require.Contains(t, c.Body(), "[DONE]")
	require.Zero(t, k.Gateway.Running())

	_, err := k.Do(body)
	require.Equal(t, gateway.CodeStopping, domain.CodeOf(err))
}

func TestStopCutsOffWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	body := streamed(gatewaytest.Body(k.Model(gatewaytest.Drainer, "tokens=10000&between=1ms"), `"max_tokens":10000`))
	c := gatewaytest.NewClient()
	stopped := make(chan struct{})
	c.OnWrite = func(string) error {
		if c.Body() == "" {
			go func() {
				now, cancel := context.WithCancel(context.Background())
				cancel()
				k.Gateway.Stop(now)
				close(stopped)
			}()
		}
		return nil
	}
	require.NoError(t, k.Gateway.Complete(t.Context(), k.Call(body), c))
	<-stopped
	e := k.Only()
	require.Equal(t, usage.Estimated, e.Provenance)
	require.Equal(t, string(gateway.CodeStopping), e.Call.Error)
	require.Contains(t, c.Body(), `"error_type":"shutting_down"`)
}
