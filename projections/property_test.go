package projections_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/keys"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/statement"
)

// TestNamesAreAContract: names and versions key checkpoints, so a change of this list is a rebuild.
func TestNamesAreAContract(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range projections.All() {
		names = append(names, p.Name()+" v"+strconv.Itoa(p.Version())+": "+strings.Join(p.Tables(), ", "))
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "projections.golden"))
	require.NoError(t, err)
	require.Equal(t, string(golden), strings.Join(names, "\n")+"\n")
}

// TestReadModelsAreTheFoldedDomain: whatever happens to wallets and keys, the read models that follow the log, in batches as they
// come, say what the domain's own folds say; and replays in other batches give the same rows.
func TestReadModelsAreTheFoldedDomain(t *testing.T) {
	t.Parallel()
	kit := pt.New(t, pgtest.New(t))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error)
	follower := kit.Runner(runner.Options{BatchSize: 16, Gap: -1}, projections.All()...)
	go func() { done <- follower.Run(ctx) }()
	var last uint64 = 1000
	next := func() uuid.UUID { last++; return pt.ID(last) }
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t, kit, next)
		steps := h.steps()
		for range rapid.IntRange(20, 60).Draw(t, "steps") {
			steps[rapid.IntRange(0, len(steps)-1).Draw(t, "step")]()
		}
		h.head = kit.Head(t.Context(), t)
		h.checkBalance()
		h.checkStatement()
		h.checkKeys()
		h.checkGenerations()
	})
	stop()
	require.NoError(t, <-done)
	kit.Rebuilt(t.Context(), t, 17, projections.All()...)
	kit.Rebuilt(t.Context(), t, 1000, projections.All()...)
}

func (h *history) checkBalance() {
	w, err := balance.NewQuery(h.kit.Pool).Wallet(h.Context(), h.id, h.head)
	require.NoError(h, err)
	require.Equal(h, []string{h.wallet.Posted.String(), h.wallet.Held.String(), h.wallet.Available().String(), h.credited.String(), h.charged.String()},
		[]string{w.Posted.String(), w.Held.String(), w.Available.String(), w.CreditedTotal.String(), w.ChargedTotal.String()})
	require.Equal(h, int64(len(h.wallet.Holds)), w.OpenHolds)
	require.True(h, w.Posted.Equal(w.CreditedTotal.Sub(w.ChargedTotal)))
}

func (h *history) checkStatement() {
	q := statement.NewQuery(h.kit.Pool)
	var got []statement.Movement
	r := statement.Request{WalletID: h.id, Limit: rapid.IntRange(1, 40).Draw(h.T, "limit"), MinPosition: h.head}
	for first := true; first || r.Cursor != ""; first = false {
		p, err := q.List(h.Context(), r)
		require.NoError(h, err)
		got, r.Cursor = append(got, p.Movements...), p.NextCursor
	}
	slices.Reverse(got)
	require.Equal(h, text(h, h.movements), text(h, got))
	balance := money.Zero()
	for _, m := range got {
		require.True(h, balance.Equal(m.BalanceBefore))
		balance = balance.Add(m.Amount)
		require.True(h, balance.Equal(m.BalanceAfter))
	}
	require.True(h, balance.Equal(h.wallet.Posted))
	if len(h.movements) > 0 { // any interval of time is what a plain look at each row gives
		from := h.movements[rapid.IntRange(0, len(h.movements)-1).Draw(h.T, "from")].RecordedAt
		to := from.Add(time.Duration(rapid.Int64Range(1, int64(100*time.Hour)).Draw(h.T, "to")))
		p, err := q.List(h.Context(), statement.Request{WalletID: h.id, From: from, To: to, Limit: 1000})
		require.NoError(h, err)
		slices.Reverse(p.Movements)
		inside := slices.DeleteFunc(slices.Clone(h.movements), func(m statement.Movement) bool {
			return m.RecordedAt.Before(from) || !m.RecordedAt.Before(to)
		})
		require.Equal(h, text(h, inside), text(h, append([]statement.Movement{}, p.Movements...)))
	}
}

func (h *history) checkKeys() {
	q := keys.NewQuery(h.kit.Pool)
	for _, want := range h.keys {
		got, err := q.Key(h.Context(), want.ID, h.head)
		require.NoError(h, err)
		require.Equal(h, text(h, []any{want.WalletID, want.Hash, want.Label, want.OldHash, want.OldHashUntil, want.Limits, want.Disabled, want.DisabledReason, want.Revoked}),
			text(h, []any{got.WalletID, got.Hash, got.Label, got.OldHash, got.OldHashUntil, got.Limits, got.Disabled, got.DisabledReason, got.Revoked}))
		for _, later := range []time.Duration{0, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 31 * 24 * time.Hour} {
			at := h.kit.Now.Add(later)
			spent := got.Spend.At(at)
			require.Equal(h, text(h, h.wallet.SpentBy(want.ID, at)),
				text(h, wallet.Spent{Day: spent.Day, Week: spent.Week, Month: spent.Month, Total: spent.Total, Held: spent.Held}), "%s later", later)
		}
	}
}

func (h *history) checkGenerations() {
	q := generations.NewQuery(h.kit.Pool)
	var want, got []generations.Generation
	for _, id := range slices.Backward(h.holds) {
		want = append(want, *h.calls[id])
	}
	r := generations.Request{WalletID: &h.id, Limit: rapid.IntRange(1, 40).Draw(h.T, "limit"), MinPosition: h.head}
	for first := true; first || r.Cursor != ""; first = false {
		p, err := q.List(h.Context(), r)
		require.NoError(h, err)
		got, r.Cursor = append(got, p.Generations...), p.NextCursor
	}
	for i := range got {
		got[i].At.Position, got[i].At.AsOf = 0, time.Time{}
	}
	require.Equal(h, text(h, want), text(h, got))
	open := 0
	for _, g := range got {
		hold, isOpen := h.wallet.Holds[g.ID]
		require.Equal(h, isOpen, g.State == generations.Running || g.State == generations.Suspect)
		if isOpen {
			open++
			require.Equal(h, !hold.SuspectSince.IsZero(), g.State == generations.Suspect)
			require.True(h, hold.ExpiresAt.Equal(g.ExpiresAt))
		}
	}
	require.Len(h, h.wallet.Holds, open)
}

// text compares by what is written: equal amounts have equal text.
func text(t require.TestingT, v any) string {
	body, err := json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	return string(body)
}
