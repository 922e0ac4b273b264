package commands_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// doubtful places a hold and charges it with an estimate, and says where the log has both.
func (b bundle) doubtful(tb testing.TB, h commands.PlaceHold, u usage.Usage, call wallet.Call) commands.ChargeRef {
	tb.Helper()
	_, placed, err := b.app.PlaceHold(tb.Context(), commands.Meta{CommandID: h.HoldID, Actor: "key:test"}, h)
	require.NoError(tb, err)
	_, settled, err := b.app.SettleHold(tb.Context(), commands.Meta{CommandID: domain.DeriveID(h.HoldID, "settle"), Actor: "key:test"}, commands.SettleHold{
		HoldID: h.HoldID, WalletID: h.WalletID, Endpoint: h.Endpoint, Usage: u, Provenance: usage.Estimated, Call: call,
	})
	require.NoError(tb, err)
	return commands.ChargeRef{GenerationID: h.HoldID, WalletID: h.WalletID, HoldPosition: placed.Position, ChargePosition: settled.Position}
}

func truth(ref commands.ChargeRef, u usage.Usage, evidence string) commands.CorrectCharge {
	return commands.CorrectCharge{ChargeRef: ref, Usage: u, Provenance: usage.LookedUp, Evidence: evidence, Reason: "usage was missing"}
}

func TestACorrectionIsPricedAsItsCharge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0.5")
	w, k := b.customer(t, "50", apikey.Limits{})
	ref := b.doubtful(t, hold(w, k, 1000, 100), usage.Usage{usage.Input: 100, usage.Output: 10, usage.Request: 1}, wallet.Call{FinishReason: "stop"})
	b.price(t, "1", "1", "1") // of today; the charge was made yesterday
	done, receipt, err := b.app.CorrectCharge(t.Context(), meta(), truth(ref, usage.Usage{usage.Input: 200, usage.Output: 30, usage.Request: 1}, "lookup"))
	require.NoError(t, err)
	requireAmount(t, "1", done.Charge) // 0.2 + 0.3 + 0.5
	requireAmount(t, "0.3", done.Difference)
	requireAmount(t, "49", done.Posted)
	rows, err := b.store.Read(t.Context(), receipt.Position-2, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"wallet.charge_corrected.v1", "charge.corrected.v1"}, []string{rows[0].Type, rows[1].Type})
	require.Equal(t, charge.Stream(ref.GenerationID), rows[1].StreamID)

	_, _, err = b.app.CorrectCharge(t.Context(), meta(), truth(ref, usage.Usage{usage.Input: 1}, "lookup"))
	requireCode(t, domain.CodeEvidenceUsed, err)
	nothing, _, err := b.app.CorrectCharge(t.Context(), meta(), truth(ref, usage.Usage{}, "credit note"))
	require.NoError(t, err)
	requireAmount(t, "0", nothing.Charge)
	requireAmount(t, "50", nothing.Posted)
}

func TestWhatCannotBeCorrected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0.5")
	w, k := b.customer(t, "50", apikey.Limits{})
	other, _ := b.customer(t, "50", apikey.Limits{})
	used := usage.Usage{usage.Input: 100, usage.Output: 10, usage.Request: 1}
	h := hold(w, k, 1000, 100)
	ref := b.doubtful(t, h, used, wallet.Call{})
	for name, change := range map[string]func(*commands.ChargeRef){
		"another generation":    func(r *commands.ChargeRef) { r.GenerationID = uuid.New() },
		"another wallet":        func(r *commands.ChargeRef) { r.WalletID = other },
		"no hold":               func(r *commands.ChargeRef) { r.HoldPosition = 0 },
		"hold and charge alike": func(r *commands.ChargeRef) { r.ChargePosition = r.HoldPosition },
		"charge as hold":        func(r *commands.ChargeRef) { r.HoldPosition = r.ChargePosition },
		"beyond the log":        func(r *commands.ChargeRef) { r.ChargePosition += 1000 },
		"another event":         func(r *commands.ChargeRef) { r.ChargePosition = 1 },
	} {
		wrong := ref
		change(&wrong)
		_, _, err := b.app.CorrectCharge(t.Context(), meta(), truth(wrong, used, "lookup"))
		require.Equal(t, domain.CodeChargeNotFound, domain.CodeOf(err), name)
	}
	told := hold(w, k, 1000, 100)
	_, placed, err := b.app.PlaceHold(t.Context(), commands.Meta{CommandID: told.HoldID}, told)
	require.NoError(t, err)
	_, settled, err := b.app.SettleHold(t.Context(), meta(), commands.SettleHold{
		HoldID: told.HoldID, WalletID: w, Endpoint: told.Endpoint, Usage: used, Provenance: usage.Reported,
	})
	require.NoError(t, err)
	reported := commands.ChargeRef{GenerationID: told.HoldID, WalletID: w, HoldPosition: placed.Position, ChargePosition: settled.Position}
	_, _, err = b.app.CorrectCharge(t.Context(), meta(), truth(reported, used, "lookup"))
	requireCode(t, domain.CodeChargeFinal, err)
	_, _, err = b.app.ReviewCharge(t.Context(), meta(), commands.ReviewCharge{ChargeRef: reported, Decision: charge.Accept, Reason: "fine"})
	requireCode(t, domain.CodeChargeFinal, err)
}

// TestEvidenceCorrectsOnce: whoever asks, and however many at once, one piece of evidence moves money once.
func TestEvidenceCorrectsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0.5")
	w, k := b.customer(t, "50", apikey.Limits{})
	ref := b.doubtful(t, hold(w, k, 1000, 100), usage.Usage{usage.Output: 10}, wallet.Call{})
	var all sync.WaitGroup
	var once atomic.Int64
	for range 20 {
		all.Go(func() {
			_, _, err := b.app.CorrectCharge(t.Context(), meta(), truth(ref, usage.Usage{usage.Output: 70}, "lookup"))
			if err == nil {
				once.Add(1)
			} else if domain.CodeOf(err) != domain.CodeEvidenceUsed {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, once.Load())
	again := commands.Meta{CommandID: uuid.New(), Actor: "operator:test"}
	first, _, err := b.app.CorrectCharge(t.Context(), again, truth(ref, usage.Usage{usage.Output: 80}, "invoice"))
	require.NoError(t, err)
	requireAmount(t, "49.2", first.Posted)
	second, receipt, err := b.app.CorrectCharge(t.Context(), again, truth(ref, usage.Usage{usage.Output: 80}, "invoice"))
	require.NoError(t, err)
	require.True(t, receipt.Replayed)
	requireSameJSON(t, first, second)
}

func TestReviewsAreDecisions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0.5")
	w, k := b.customer(t, "50", apikey.Limits{})
	suspect := wallet.Call{Suspect: true, SuspectReason: "usage_missing", FinishReason: "stop"}
	ref := b.doubtful(t, hold(w, k, 1000, 100), usage.Usage{usage.Output: 10}, suspect)
	review := func(c commands.ReviewCharge) (commands.Reviewed, error) {
		c.ChargeRef = ref
		done, _, err := b.app.ReviewCharge(t.Context(), meta(), c)
		return done, err
	}
	_, err := review(commands.ReviewCharge{Decision: charge.Accept, Reason: "fine", Evidence: "none needed"})
	requireCode(t, domain.CodeInvalid, err)
	done, err := review(commands.ReviewCharge{Decision: charge.Accept, Reason: "as invoiced"})
	require.NoError(t, err)
	require.Nil(t, done.Correction)
	_, err = review(commands.ReviewCharge{Decision: charge.Accept, Reason: "again"})
	requireCode(t, domain.CodeChargeReviewed, err)
	done, err = review(commands.ReviewCharge{Decision: charge.Correct, Reason: "the invoice says more", Usage: usage.Usage{usage.Output: 20}, Evidence: "invoice 7"})
	require.NoError(t, err)
	requireAmount(t, "0.1", done.Correction.Difference)
	requireAmount(t, "49.8", done.Correction.Posted)
	_, err = review(commands.ReviewCharge{Decision: charge.Correct, Reason: "the same invoice", Usage: usage.Usage{usage.Output: 30}, Evidence: "invoice 7"})
	requireCode(t, domain.CodeEvidenceUsed, err)
}

// TestChargeAndCorrectionsAreTheTruth: whatever was estimated, and however often it is corrected, what was taken is in the end what the
// last truth costs, as far as the wallet had it.
func TestChargeAndCorrectionsAreTheTruth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000123456789", "0.010000000001", "0.5")
	w, k := b.customer(t, "100000", apikey.Limits{})
	rapid.Check(t, func(r *rapid.T) {
		draw := func(label string) usage.Usage {
			return usage.Usage{
				usage.Input: rapid.Int64Range(0, 5000).Draw(r, label), usage.Output: rapid.Int64Range(0, 300).Draw(r, label),
				usage.CacheRead: rapid.Int64Range(0, 9).Draw(r, label), usage.Request: 1,
			}
		}
		first := draw("estimate")
		ref := b.doubtful(t, hold(w, k, 5000, 300), first, wallet.Call{Suspect: true, FinishReason: rapid.SampledFrom([]string{"stop", "", "error"}).Draw(r, "finish")})
		rows, err := b.store.Read(t.Context(), ref.ChargePosition-1, 1)
		require.NoError(r, err)
		data, err := b.registry.Decode(rows[0].Type, rows[0].Body)
		require.NoError(r, err)
		charged, ok := data.(wallet.UsageCharged)
		require.True(r, ok)
		before, last := charged.Charge, charged.Posted
		for _, evidence := range []string{"lookup", "invoice", "ticket"}[:rapid.IntRange(1, 3).Draw(r, "corrections")] {
			u := draw(evidence)
			done, _, err := b.app.CorrectCharge(t.Context(), meta(), truth(ref, u, evidence))
			require.NoError(r, err)
			cost := money.MustPrice("0.000123456789").Times(u[usage.Input] + u[usage.CacheRead]).
				Add(money.MustPrice("0.010000000001").Times(u[usage.Output])).Add(money.MustParse("0.5"))
			if finish := charged.Call.FinishReason; u[usage.Output] == 0 && finish != "stop" {
				cost = money.Zero()
			}
			require.Equal(r, cost.String(), done.Charge.String())
			require.Equal(r, cost.Sub(before).String(), done.Difference.String())
			require.Equal(r, last.Sub(done.Difference).String(), done.Posted.String())
			before, last = done.Charge, done.Posted
		}
	})
}
