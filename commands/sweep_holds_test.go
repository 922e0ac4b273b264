package commands_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestSweepingFirstSuspectsThenExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	h := hold(w, k, 1000, 100)
	_, err := b.place(t.Context(), h)
	require.NoError(t, err)
	sweep := func() (commands.Swept, error) {
		swept, _, err := b.app.SweepHolds(t.Context(), meta(), commands.SweepHolds{WalletID: w, Limit: 10})
		return swept, err
	}
	_, err = sweep()
	requireCode(t, domain.CodeHoldActive, err)
	b.clock.step(2 * time.Minute)
	swept, err := sweep()
	require.NoError(t, err)
	require.Equal(t, commands.Swept{Suspected: 1}, swept)
	_, err = sweep()
	requireCode(t, domain.CodeHoldActive, err)

	_, _, err = b.app.ExtendHold(t.Context(), meta(), commands.ExtendHold{HoldID: h.HoldID, WalletID: w, TTL: time.Minute})
	require.NoError(t, err)
	b.clock.step(2 * time.Minute)
	_, err = sweep()
	require.NoError(t, err)
	b.clock.step(wallet.SuspectGrace + time.Second)
	swept, err = sweep()
	require.NoError(t, err)
	require.Equal(t, commands.Swept{Expired: 1}, swept)

	_, _, err = b.app.Adjust(t.Context(), meta(), commands.Adjust{WalletID: w, Amount: money.MustParse("-4.5"), Currency: money.USD, Reason: "moved"})
	require.NoError(t, err)
	charged, err := b.settle(t.Context(), h, usage.Usage{usage.Input: 1000})
	require.NoError(t, err, "the news came late, the charge still counts")
	requireAmount(t, "1", charged.Charge)
	requireAmount(t, "0.5", charged.Debited)
	requireAmount(t, "0.5", charged.Uncollectible)
	requireAmount(t, "0", charged.Posted)
}

func TestWhatWasNotDueIsDecidedAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0")
	w, k := b.customer(t, "5", apikey.Limits{})
	h := hold(w, k, 1000, 100)
	_, err := b.place(t.Context(), h)
	require.NoError(t, err)
	for _, ask := range []func(commands.Meta) error{
		func(m commands.Meta) error {
			_, _, err := b.app.SweepHolds(t.Context(), m, commands.SweepHolds{WalletID: w, Limit: 10})
			return err
		},
		func(m commands.Meta) error {
			_, _, err := b.app.ExpireHold(t.Context(), m, commands.ExpireHold{HoldID: h.HoldID, WalletID: w})
			return err
		},
	} {
		m := meta()
		requireCode(t, domain.CodeHoldActive, ask(m))
		b.clock.step(time.Hour)
		require.NoError(t, ask(m))
	}
}
