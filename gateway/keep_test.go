package gateway_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// keeping is a kit whose gateway keeps answers in a real database.
type keeping struct {
	*gatewaytest.Kit
	pool  *pgxpool.Pool
	store *answers.Store
}

func newKeeping(t *testing.T, options ...gatewaytest.Option) keeping {
	t.Helper()
	pool := pgtest.New(t)
	store := answers.New(pool)
	options = append(options, func(o *gateway.Options) { o.Answers = store })
	return keeping{Kit: gatewaytest.New(t, options...), pool: pool, store: store}
}

func (k keeping) do(g *gateway.Gateway, body string) (*gatewaytest.Client, error) {
	c, call := gatewaytest.NewClient(), k.Call(body)
	call.Token = "token-1"
	return c, g.Complete(context.Background(), call, c)
}

// crash runs a call on a goroutine that ends where the test says, as a process does that is killed.
func (k keeping) crash(g *gateway.Gateway, body string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = k.do(g, body)
	}()
	<-done
}

// later moves leases and expiries into the past.
func (k keeping) later(t *testing.T, by string) {
	t.Helper()
	_, err := k.pool.Exec(t.Context(), `UPDATE gateway.answers SET lease_until = lease_until - $1::interval, expires_at = expires_at - $1::interval`, by)
	require.NoError(t, err)
}

func TestTheSameKeyAndBodyGiveTheFirstAnswer(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := newKeeping(t)
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=20"), `"max_tokens":30`)
		if stream {
			body = streamed(body)
		}
		first, err := k.do(k.Gateway, body)
		require.NoError(t, err)
		require.False(t, first.Replayed())
		again, err := k.do(k.Gateway, body)
		require.NoError(t, err)
		require.True(t, again.Replayed())
		require.Equal(t, first.Body(), again.Body(), "the same bytes")
		require.Equal(t, first.Generation(), again.Generation())
		require.Equal(t, stream, again.Opened())
		require.Equal(t, int64(20), k.Only().Usage[usage.Output], "charged once")
		require.Equal(t, int64(1), k.Sim.Totals().Calls)
		require.Contains(t, first.Body(), `"cost":`+k.Only().Charge.String()+`,`)

		_, err = k.do(k.Gateway, strings.Replace(body, "30", "31", 1))
		require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	}
}

func TestKeepAliveCommentsAreNotKept(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, func(o *gateway.Options) { o.KeepAlive = time.Millisecond })
	body := streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3&first=30ms")))
	first, err := k.do(k.Gateway, body)
	require.NoError(t, err)
	require.Positive(t, first.Comments())
	again, err := k.do(k.Gateway, body)
	require.NoError(t, err)
	require.Zero(t, again.Comments())
	require.Equal(t, first.Data(), again.Data())
}

func TestManyAtOnceWithOneKey(t *testing.T) {
	t.Parallel()
	k := newKeeping(t)
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5&first=50ms"))
	var wg sync.WaitGroup
	var answered, waiting, other atomic.Int64
	for range 20 {
		wg.Go(func() {
			switch _, err := k.do(k.Gateway, body); domain.CodeOf(err) {
			case "":
				answered.Add(1)
			case domain.CodeInProgress:
				waiting.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(20), answered.Load()+waiting.Load())
	require.Zero(t, other.Load())
	require.Positive(t, answered.Load())
	require.Equal(t, int64(5), k.Only().Usage[usage.Output])
}

func TestAFailureFreesTheKey(t *testing.T) {
	t.Parallel()
	k := newKeeping(t)
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5&fault=502&times=1"))
	_, err := k.do(k.Gateway, body)
	require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err))
	c, err := k.do(k.Gateway, body)
	require.NoError(t, err)
	require.False(t, c.Replayed())
	h := k.Settled()
	require.Len(t, h.Released, 1)
	require.Len(t, h.Charged, 1)

	for _, refused := range []string{gatewaytest.Body("acme/unknown"), `{"model":`, gatewaytest.Body("acme/unknown", `"n":0`)} {
		call := k.Call(refused)
		call.Token = "token-2"
		for range 2 {
			require.NotEqual(t, domain.CodeInProgress, domain.CodeOf(k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())))
		}
	}
}

func TestACallerWithAKeyMayLeaveAndComeBack(t *testing.T) {
	t.Parallel()
	k := newKeeping(t)
	body := streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=30&between=500us"), `"max_tokens":40`))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, call := gatewaytest.NewClient(), k.Call(body)
	call.Token = "token-1"
	c.OnWrite = func(string) error {
		cancel()
		return nil
	}
	require.NoError(t, k.Gateway.Complete(ctx, call, c))
	require.NotContains(t, c.Body(), "[DONE]")
	again, err := k.do(k.Gateway, body)
	require.NoError(t, err)
	require.True(t, again.Replayed())
	require.Contains(t, again.Body(), "[DONE]")
	e := k.Only()
	require.Equal(t, int64(30), e.Usage[usage.Output], "read to its end although cancelling would have stopped the bill")
	require.True(t, e.Call.Cancelled)
}

func TestALargeAnswerIsNotKept(t *testing.T) {
	t.Parallel()
	k := newKeeping(t)
	body := streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=20000"), `"max_tokens":20000`))
	c, err := k.do(k.Gateway, body)
	require.NoError(t, err)
	require.Greater(t, len(c.Body()), answers.MaxBody)
	_, err = k.do(k.Gateway, body)
	require.Equal(t, answers.CodeTooLarge, domain.CodeOf(err))
	require.Equal(t, int64(20000), k.Only().Usage[usage.Output])
}

// dying ends the goroutine at one of the steps, before or after it.
type dying struct {
	*answers.Store
	before, after string
}

func (d dying) Keep(ctx context.Context, c answers.Claim, secret string, a answers.Answer) error {
	if d.before == "keep" {
		runtime.Goexit()
	}
	err := d.Store.Keep(ctx, c, secret, a)
	if d.after == "keep" {
		runtime.Goexit()
	}
	return err
}

func (d dying) Settled(ctx context.Context, c answers.Claim) error {
	if d.before == "settled" {
		runtime.Goexit()
	}
	return d.Store.Settled(ctx, c)
}

func TestACrashBeforeTheAnswerIsKept(t *testing.T) {
	t.Parallel()
	k := newKeeping(t)
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"))
	k.Options.Answers = dying{Store: k.store, before: "keep"}
	k.crash(k.NewGateway(), body)
	require.Len(t, k.History().State.Holds, 1, "the hold will expire")
	_, err := k.do(k.Gateway, body)
	require.Equal(t, domain.CodeInProgress, domain.CodeOf(err), "until the lease ends")
	k.later(t, "6 minutes")
	c, err := k.do(k.Gateway, body)
	require.NoError(t, err)
	require.False(t, c.Replayed())
	h := k.History()
	require.Len(t, h.Charged, 1)
	require.NotEqual(t, h.Placed[0].HoldID, h.Charged[0].HoldID, "a new generation")
}

// TestACrashBetweenAnswerAndCharge: the retry gets the answer, and its charge is recorded exactly once.
func TestACrashBetweenAnswerAndCharge(t *testing.T) {
	t.Parallel()
	for _, at := range []dying{{after: "keep"}, {before: "settled"}} {
		for _, stream := range []bool{false, true} {
			k := newKeeping(t)
			body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"))
			if stream {
				body = streamed(body)
			}
			at.Store = k.store
			k.Options.Answers = at
			k.crash(k.NewGateway(), body)
			c, err := k.do(k.Gateway, body)
			require.NoError(t, err)
			require.True(t, c.Replayed())
			e := k.Only()
			require.Equal(t, int64(5), e.Usage[usage.Output])
			require.Equal(t, domain.GenerationID(e.HoldID), c.Generation())
			require.Contains(t, c.Body(), `"cost":`+e.Charge.String()+`,`)
			_, err = k.do(k.Gateway, body)
			require.NoError(t, err)
			k.Only()
			require.NotContains(t, k.Log.String(), "alert", "the very same command was sent again")
		}
	}
}

// TestACrashThatNobodyComesBackFrom: the charge of a kept answer is sent by whoever sweeps.
func TestACrashThatNobodyComesBackFrom(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, brief)
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"))
	k.Options.Answers = dying{Store: k.store, after: "keep"}
	k.crash(k.NewGateway(), body)
	require.Empty(t, k.History().Charged)
	k.later(t, "6 minutes")
	k.Background(k.Gateway)
	require.Eventually(t, func() bool { return len(k.History().Charged) == 1 }, time.Minute, time.Millisecond)
	k.Only()
	require.Eventually(t, func() bool {
		list, err := k.store.Unsettled(t.Context(), 10)
		return err == nil && len(list) == 0
	}, time.Minute, time.Millisecond)
}

func TestALongCallRenewsItsLease(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, func(o *gateway.Options) { o.Lease = 100 * time.Millisecond })
	lease := func() (until time.Time) {
		if err := k.pool.QueryRow(context.Background(), `SELECT lease_until FROM gateway.answers`).Scan(&until); err != nil {
			t.Error(err)
		}
		return until
	}
	c, call := gatewaytest.NewClient(), k.Call(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3"))))
	call.Token = "token-1"
	renewed := 0
	c.OnWrite = func(string) error {
		if c.Body() != "" {
			return nil
		}
		last := lease()
		require.Eventually(t, func() bool { // the caller reads slowly
			if now := lease(); now.After(last) {
				last = now
				renewed++
			}
			return renewed >= 2
		}, 20*time.Second, time.Millisecond)
		return nil
	}
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	require.Equal(t, 2, renewed)
	require.Equal(t, int64(3), k.Only().Usage[usage.Output])
}

func TestWithoutTheDatabaseAKeyIsNotHonoured(t *testing.T) {
	t.Parallel()
	k := newKeeping(t)
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"))
	k.pool.Close()
	_, err := k.do(k.Gateway, body)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	require.Empty(t, k.History().Placed)
	_, err = k.Do(body)
	require.NoError(t, err, "without a key nothing is kept")

	k.Options.Answers = nil
	_, err = k.do(k.NewGateway(), body)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}

// TestTheLedgerIsAwayWhileAnAnswerIsKept: the settlement goes to the journal, and the answer is given again meanwhile.
func TestTheLedgerIsAwayWhileAnAnswerIsKept(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, brief)
	k.Options.Ledger = admitted{Ledger: k.App, then: k.Away}
	g := k.NewGateway()
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"))
	first, err := k.do(g, body)
	require.NoError(t, err)
	again, err := k.do(g, body)
	require.NoError(t, err)
	require.Equal(t, first.Body(), again.Body())
	require.Equal(t, 1, g.Unsent(), "the same settlement stands in the journal once")
	k.Back()
	k.Background(g)
	require.Eventually(t, func() bool { return g.Unsent() == 0 }, time.Minute, time.Millisecond)
	require.Contains(t, first.Body(), `"cost":`+k.Only().Charge.String()+`,`)
}

// TestAPriceThatTheCatalogueDoesNotShowYet: the charge is sent first, since only the ledger knows the cost.
func TestAPriceThatTheCatalogueDoesNotShowYet(t *testing.T) {
	t.Parallel()
	k := newKeeping(t)
	model := k.Model(gatewaytest.Canceller, "tokens=5")
	_, _, err := k.App.PublishPrice(t.Context(), gatewaytest.Meta(), commands.PublishPrice{Endpoint: model + "@acme", PriceVersion: fee("0.25")})
	require.NoError(t, err)
	first, err := k.do(k.Gateway, gatewaytest.Body(model))
	require.NoError(t, err)
	require.Contains(t, first.Body(), `"cost":0.25,`)
	again, err := k.do(k.Gateway, gatewaytest.Body(model))
	require.NoError(t, err)
	require.Equal(t, first.Body(), again.Body())
	require.Equal(t, "0.25", k.Only().Charge.String())
}
