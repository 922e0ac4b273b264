package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
)

// corrected is a forgery of a log with corrections.
func corrected(t *testing.T) (*forgery, ledgertest.Corrected) {
	t.Helper()
	clock := ledgertest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	l := ledgertest.New(t, store, clock)
	story := l.TellCorrections(t.Context(), l.Tell(t.Context()))
	events, err := store.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	return &forgery{t: t, events: events}, story
}

func TestCorrectionsAreRecomputed(t *testing.T) {
	t.Parallel()
	f, story := corrected(t)
	var state *audit.State
	report := verify(t, f.events, audit.Options{Observers: []audit.Observer{watcher(func(s *audit.Step) error { state = s.State; return nil })}})
	require.Empty(t, report.Findings)
	require.Len(t, state.Charges, 5)
	up := state.Charges[story.Up.GenerationID]
	require.Equal(t, []string{"lookup", "invoice 7"}, up.Evidence)
	require.Equal(t, "0.001725", up.Charged.String())
	require.Equal(t, "0.0024", up.Bill.Charge.String())
	require.Equal(t, charge.Accept, state.Charges[story.Accepted.GenerationID].Decision)
	require.True(t, state.Charges[story.Empty.GenerationID].Bill.Charge.IsZero())
	debt := state.Charges[story.Debt.GenerationID]
	require.Equal(t, []string{"0.000045", "0"}, []string{debt.Bill.Paid().String(), debt.Bill.Uncollectible.String()})
	require.Empty(t, state.Charges[story.Open.GenerationID].Decision)
	for size := range f.events { // a log that is not whole says nothing else
		if size > len(f.events)-20 {
			require.Empty(t, verify(t, f.events[:size], audit.Options{}).Findings, "%d events", size)
		}
	}
}

func TestForgedCorrections(t *testing.T) {
	t.Parallel()
	const moved, noted, reviewed = "wallet.charge_corrected.v1", "charge.corrected.v1", "charge.reviewed.v1"
	part := func(body map[string]any, name string) map[string]any {
		p, ok := body[name].(map[string]any)
		require.True(t, ok)
		return p
	}
	for name, change := range map[string]func(*forgery, ledgertest.Corrected){
		"a charge that was reported": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth("wallet.usage_charged.v1", 0)
			var body struct {
				HoldID string `json:"hold_id"`
			}
			require.NoError(f.t, json.Unmarshal(f.events[i].Body, &body))
			at := f.nth(moved, 4)
			f.set(at, "hold_id", body.HoldID)
			f.expect(at, audit.CorrectionUncalled)
			f.expect(at+1, audit.CorrectionMismatch)
		},
		"another key": func(f *forgery, s ledgertest.Corrected) {
			i := f.nth(moved, 0)
			f.set(i, "key_id", s.Debtor.Key.String())
			f.expect(i, audit.CorrectionMismatch)
		},
		"another moment of the charge": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 0)
			f.set(i, "charged_at", "2020-01-01T00:00:00Z")
			f.expect(i, audit.CorrectionMismatch)
		},
		"evidence that was used": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 1)
			f.set(i, "evidence", "lookup")
			f.expect(i, audit.CorrectionMismatch)
			f.expect(i+1, audit.CorrectionMismatch)
		},
		"no evidence": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 1)
			f.set(i, "evidence", "")
			f.expect(i, audit.CorrectionMismatch)
			f.expect(i+1, audit.CorrectionMismatch)
		},
		"another past": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 0)
			f.edit(i, func(body map[string]any) { part(body, "before")["vendor_cost"] = "0" })
			f.expect(i, audit.CorrectionMismatch, audit.EntryMismatch)
		},
		"another usage": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 1)
			f.edit(i, func(body map[string]any) { part(part(body, "after"), "usage")["output"] = 91 })
			f.expect(i, audit.LineItemMismatch, audit.VendorCost)
			f.expect(i+1, audit.CorrectionMismatch)
		},
		"lines that cost less": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 1)
			f.edit(i, func(body map[string]any) { body["line_items"] = body["line_items"].([]any)[1:] })
			f.expect(i, audit.ChargeMismatch, audit.LineItemMismatch)
		},
		"insured when it was not": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 0)
			f.set(i, "insured", true)
			f.expect(i, audit.CorrectionMismatch)
		},
		"a leg": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 2)
			f.edit(i, func(body map[string]any) { leg(body, "revenue:", "-9") })
			f.expect(i, audit.EntryUnbalanced, audit.EntryMismatch, audit.TrialBalance)
		},
		"a provenance of charges": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 0)
			f.set(i, "provenance", "reported")
			f.expect(i, audit.UsageInvalid)
		},
		"a note of another sum": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(noted, 0)
			f.edit(i, func(body map[string]any) { part(body, "bill")["charge"] = "7" })
			f.expect(i, audit.CorrectionMismatch)
		},
		"a note without a correction": func(f *forgery, _ ledgertest.Corrected) {
			f.expect(f.clone(f.nth(noted, 0)), audit.CorrectionMismatch)
		},
		"a note of no charge": func(f *forgery, s ledgertest.Corrected) {
			i := f.nth(noted, 0)
			f.set(i, "wallet_id", s.Debtor.Wallet.String())
			f.expect(i, audit.CorrectionUncalled)
			f.expect(f.nth(moved, 1), audit.CorrectionUncalled)
		},
		"a note in another stream": func(f *forgery, s ledgertest.Corrected) {
			i := f.nth(reviewed, 0)
			f.set(i, "generation_id", s.Open.GenerationID.String())
			f.expect(i, audit.StreamForeign, audit.CorrectionUncalled)
		},
		"accepted twice": func(f *forgery, _ ledgertest.Corrected) { f.expect(f.clone(f.nth(reviewed, 0)), audit.ReviewUncalled) },
		"a decision that there is none": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(reviewed, 0)
			f.set(i, "decision", "forgotten")
			f.expect(i, audit.ReviewUncalled)
		},
		"a decision to correct that corrects nothing": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(reviewed, 0)
			f.set(i, "decision", "corrected")
			f.expect(i, audit.ReviewUncalled)
		},
		"more uncollectible than there is": func(f *forgery, _ ledgertest.Corrected) {
			i := f.nth(moved, 3)
			f.edit(i, func(body map[string]any) { part(body, "after")["uncollectible"] = "0.0001" })
			f.expect(i, audit.UncollectibleDiff, audit.EntryMismatch)
			f.expect(i+1, audit.CorrectionMismatch)
			f.expect(f.nth(moved, 4), audit.CorrectionMismatch)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, story := corrected(t)
			f.t = t
			change(f, story)
			f.check()
		})
	}
}
