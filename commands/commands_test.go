package commands_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestACallFromHoldToCharge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	version := b.publish(t, "0.000001", "0.000002", "0.01")
	w, k := b.customer(t, "5", apikey.Limits{})
	h := hold(w, k, 1000, 500)
	held, err := b.place(t.Context(), h)
	require.NoError(t, err)
	requireAmount(t, "0.012", held.Amount)
	requireAmount(t, "4.988", held.Available)
	require.Equal(t, version, held.PriceVersion)

	charged, err := b.settle(t.Context(), h, usage.Usage{usage.Input: 800, usage.Output: 100, usage.Reasoning: 50, usage.Request: 1})
	require.NoError(t, err)
	requireAmount(t, "0.0111", charged.Charge)
	requireAmount(t, "0.0111", charged.Debited)
	requireAmount(t, "0.0008", charged.PromptCost)
	requireAmount(t, "0.0003", charged.CompletionCost)
	requireAmount(t, "4.9889", charged.Posted)
	requireAmount(t, "0", charged.Held)
}

func TestTheReplayOfASettlementIsItsFirstOutcome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000001", "0.000002", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	h := hold(w, k, 1000, 500)
	_, err := b.place(t.Context(), h)
	require.NoError(t, err)
	u := usage.Usage{usage.Input: 800, usage.Output: 100}
	first, err := b.settle(t.Context(), h, u)
	require.NoError(t, err)
	again, err := b.settle(t.Context(), h, u)
	require.NoError(t, err)
	requireSameJSON(t, first, again)
	_, err = b.settle(t.Context(), h, usage.Usage{usage.Input: 801})
	requireCode(t, domain.CodeIdempotencyConflict, err)
	_, _, err = b.app.ReleaseHold(t.Context(), meta(), commands.ReleaseHold{HoldID: h.HoldID, WalletID: w, Reason: "late"})
	requireCode(t, domain.CodeHoldNotFound, err)
}

func TestThePinnedPriceDecides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000001", "0.000002", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	h := hold(w, k, 1000, 500)
	_, err := b.place(t.Context(), h)
	require.NoError(t, err)
	b.clock.step(time.Second)
	b.price(t, "1", "1", "0")
	charged, err := b.settle(t.Context(), h, usage.Usage{usage.Input: 1000})
	require.NoError(t, err)
	requireAmount(t, "0.001", charged.Charge)
	_, err = b.place(t.Context(), hold(w, k, 1000, 500))
	requireCode(t, domain.CodeInsufficientCredits, err)
}

func TestARevokedKeySpendsNoMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000001", "0.000002", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	running := hold(w, k, 10, 10)
	_, err := b.place(t.Context(), running)
	require.NoError(t, err)
	_, _, err = b.app.DisableKey(t.Context(), meta(), commands.DisableKey{KeyID: k, Reason: "leaked"})
	require.NoError(t, err)
	_, err = b.place(t.Context(), hold(w, k, 10, 10))
	requireCode(t, domain.CodeKeyDisabled, err)
	_, _, err = b.app.EnableKey(t.Context(), meta(), commands.EnableKey{KeyID: k})
	require.NoError(t, err)
	_, _, err = b.app.RevokeKey(t.Context(), meta(), commands.RevokeKey{KeyID: k, Reason: "leaked"})
	require.NoError(t, err)
	_, err = b.place(t.Context(), hold(w, k, 10, 10))
	requireCode(t, domain.CodeKeyRevoked, err)
	_, err = b.settle(t.Context(), running, usage.Usage{usage.Input: 10})
	require.NoError(t, err, "what was admitted is still settled")
}

func TestAnEndpointWithoutAPriceIsNotCalled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000001", "0.000002", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	_, _, err := b.app.PublishEndpoint(t.Context(), meta(), commands.PublishEndpoint{Endpoint: catalog.Endpoint{
		ID: "acme/large@acme", Model: model, Vendor: "acme", UpstreamModel: "large", ContextLength: 100_000,
		MaxCompletionTokens: 10_000, Status: catalog.Disabled,
	}})
	require.NoError(t, err)
	_, err = b.place(t.Context(), hold(w, k, 10, 10))
	requireCode(t, domain.CodeEndpointNotFound, err)
}

// A wallet with exactly $1.00 and 200 concurrent calls of exactly $0.05, over two processes on one log.
func TestARaceNeverOverspends(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0", "0", "0.05")
	w, k := b.customer(t, "1", apikey.Limits{})
	apps := []bundle{b, {app: run(t, b.store.Reopen(memory.Options{Clock: b.clock.read}))}}
	var charged, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			h, at := hold(w, k, 100, 100), apps[i%2]
			if _, err := at.place(context.Background(), h); err != nil {
				if domain.CodeOf(err) == domain.CodeInsufficientCredits {
					refused.Add(1)
				}
				return
			}
			if _, err := at.settle(context.Background(), h, usage.Usage{usage.Input: 5, usage.Output: 5, usage.Request: 1}); err == nil {
				charged.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 20, charged.Load())
	require.EqualValues(t, 180, refused.Load())
	require.True(t, b.fold(t, w).Available().IsZero())
}

// fold replays a wallet from the log.
func (b bundle) fold(t *testing.T, id uuid.UUID) *wallet.State {
	t.Helper()
	s := wallet.New()
	events, err := eventstore.ReadDense(t.Context(), b.store, 0, 1_000_000)
	require.NoError(t, err)
	for _, e := range events {
		if e.StreamID != wallet.Stream(id) {
			continue
		}
		event, err := b.registry.Decode(e.Type, e.Body)
		require.NoError(t, err)
		s.Apply(event, e.RecordedAt)
	}
	return s
}

func TestReady(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.app.Ready(t.Context()))
	head, err := b.store.Head(t.Context())
	require.NoError(t, err)
	require.Zero(t, head.Position, "a probe leaves nothing in the log")
}

func TestACommandNeedsAnID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.app.OpenWallet(t.Context(), commands.Meta{}, commands.OpenWallet{WalletID: uuid.New(), Currency: money.USD})
	requireCode(t, domain.CodeInvalid, err)
}

func TestRotationAndLimitsOfAKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000001", "0.000002", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	_, _, err := b.app.RotateKey(t.Context(), meta(), commands.RotateKey{
		KeyID: k, Hash: apikey.HashSecret("new"), Label: "sk-mr-v1-new…1111", Grace: time.Hour,
	})
	require.NoError(t, err)
	_, _, err = b.app.UpdateKey(t.Context(), meta(), commands.UpdateKey{
		KeyID: k, Limits: apikey.Limits{Name: "renamed", ExpiresAt: b.clock.read().Add(time.Hour)},
	})
	require.NoError(t, err)
	_, err = b.place(t.Context(), hold(w, k, 10, 10))
	require.NoError(t, err)
	b.clock.step(2 * time.Hour)
	_, err = b.place(t.Context(), hold(w, k, 10, 10))
	requireCode(t, domain.CodeKeyExpired, err)
}

func TestGrantAndExpireOneHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0")
	w, k := b.customer(t, "1", apikey.Limits{})
	balance, _, err := b.app.Grant(t.Context(), meta(), commands.Grant{WalletID: w, Amount: money.MustParse("2.5"), Currency: money.USD, Reason: "welcome"})
	require.NoError(t, err)
	requireAmount(t, "3.5", balance.Posted)
	h := hold(w, k, 1000, 10)
	_, err = b.place(t.Context(), h)
	require.NoError(t, err)
	b.clock.step(time.Hour)
	for _, want := range []string{"wallet.hold_suspected.v1", "wallet.hold_expired.v1"} {
		done, _, err := b.app.ExpireHold(t.Context(), meta(), commands.ExpireHold{HoldID: h.HoldID, WalletID: w})
		require.NoError(t, err)
		require.Equal(t, want, done.Event)
		b.clock.step(time.Hour)
	}
	require.True(t, b.fold(t, w).Held.IsZero())
}
