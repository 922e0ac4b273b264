package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
)

// ownKeys is a log with calls of a customer's own key, and where they begin in it: the holds, charges and releases of the story before are not theirs.
func ownKeys(t *testing.T) (f *forgery, charges, releases int) {
	t.Helper()
	clock := ledgertest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	l := ledgertest.New(t, store, clock)
	l.Tell(t.Context())
	before, err := store.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	for i := range before {
		switch before[i].Type {
		case charged:
			charges++
		case released:
			releases++
		}
	}
	l.TellOwnKeys(t.Context())
	events, err := store.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	return &forgery{t: t, events: events}, charges, releases
}

const (
	placed   = "wallet.hold_placed.v1"
	charged  = "wallet.usage_charged.v1"
	released = "wallet.hold_released.v1"
	moved    = "wallet.charge_corrected.v1"
)

func TestCallsWithOwnKeysAreRecomputed(t *testing.T) {
	t.Parallel()
	f, _, _ := ownKeys(t)
	report := verify(t, f.events, audit.Options{})
	require.Empty(t, report.Findings)
	require.NotContains(t, string(f.events[len(f.events)-1].Body), "own_key", "the last call is made with the platform's key")
}

// price rewrites a charge so that it says, and moves, what the whole price or a part of it comes to: every sum in the event is right.
func price(body map[string]any, rate string) {
	lines := [][3]any{{"input", int64(901), "0.000001"}, {"output", int64(17), "0.000004"}}
	total, items := money.Zero(), []any{}
	for _, line := range lines {
		each := money.MustPrice(line[2].(string)).Part(money.MustPrice(rate))
		amount := each.Times(line[1].(int64))
		total = total.Add(amount)
		items = append(items, map[string]any{"class": line[0], "quantity": line[1], "price": each.String(), "amount": amount.String()})
	}
	was, posted := money.MustParse(body["charge"].(string)), money.MustParse(body["posted_after"].(string))
	body["line_items"], body["charge"], body["posted_after"] = items, total.String(), posted.Add(was).Sub(total).String()
	leg(body, "revenue:", total.String())
	leg(body, "wallet:", money.MustParse(body["hold_amount"].(string)).Sub(total).String())
}

func TestForgedOwnKeys(t *testing.T) {
	t.Parallel()
	call := func(body map[string]any) map[string]any { return body["call"].(map[string]any) }
	for name, change := range map[string]func(f *forgery, charges, releases int){
		"charged in full": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			f.edit(i, func(body map[string]any) { price(body, "1") })
			f.expect(i, audit.LineItemMismatch)
			f.expect(f.after(i), audit.BalanceMismatch)
		},
		"a call of the platform's claimed as one of the customer's": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges+2)
			f.edit(i, func(body map[string]any) {
				call(body)["own_key"] = map[string]any{"id": "019ced11-5e6f-7077-98e9-1f2a3b4c5d07", "rate": "0.05"}
				call(body)["upstream_cost"], body["vendor_cost"] = body["vendor_cost"], "0"
				price(body, "0.05")
				entry := []any{}
				for _, l := range body["entry"].([]any) {
					if account := l.(map[string]any)["account"]; account != "cost:usage" && account != "vendor:acme:payable" {
						entry = append(entry, l)
					}
				}
				body["entry"] = entry
			})
			f.expect(i, audit.OwnKey, audit.LineItemMismatch, audit.VendorCost, audit.VendorCost)
		},
		"a call that was made with a key of the platform's": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			f.edit(i, func(body map[string]any) { call(body)["credential"] = "acme/1" })
			f.expect(i, audit.OwnKey)
		},
		"a call that was made with a key of the customer's": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges+2)
			f.edit(i, func(body map[string]any) { call(body)["credential"] = wallet.OwnCredential([16]byte{1}, 1) })
			f.expect(i, audit.OwnKey)
		},
		"another key of the customer's": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			f.edit(i, func(body map[string]any) { call(body)["credential"] = wallet.OwnCredential([16]byte{1}, 1) })
			f.expect(i, audit.OwnKey)
		},
		"another part": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			f.edit(i, func(body map[string]any) {
				call(body)["own_key"].(map[string]any)["rate"] = "0.5"
				price(body, "0.5")
			})
			f.expect(i, audit.OwnKey, audit.LineItemMismatch)
			f.expect(f.after(i), audit.BalanceMismatch)
		},
		"another part from the hold on": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			hold := 0
			for j := range f.events[:i] {
				if f.events[j].Type == placed {
					hold = j
				}
			}
			f.edit(hold, func(body map[string]any) { body["own_key"].(map[string]any)["rate"] = "0.1" })
			f.edit(i, func(body map[string]any) { call(body)["own_key"].(map[string]any)["rate"] = "0.1" })
			f.expect(hold, audit.HoldAmount)
			f.expect(i, audit.LineItemMismatch)
		},
		"more than the price": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			hold := 0
			for j := range f.events[:i] {
				if f.events[j].Type == placed {
					hold = j
				}
			}
			f.edit(hold, func(body map[string]any) { body["own_key"].(map[string]any)["rate"] = "2" })
			f.expect(hold, audit.OwnKey, audit.HoldAmount)
			f.expect(i, audit.OwnKey, audit.LineItemMismatch)
		},
		"what the vendor bills the customer": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			f.edit(i, func(body map[string]any) { call(body)["upstream_cost"] = "0.0009" })
			f.expect(i, audit.VendorCost)
		},
		"a bill of the customer's that the platform pays": func(f *forgery, charges, _ int) {
			i := f.nth(charged, charges)
			f.edit(i, func(body map[string]any) {
				cost := call(body)["upstream_cost"].(string)
				delete(call(body), "upstream_cost")
				body["vendor_cost"] = cost
				body["entry"] = append(body["entry"].([]any), map[string]any{"account": "cost:usage", "amount": "-" + cost},
					map[string]any{"account": "vendor:acme:payable", "amount": cost})
			})
			f.expect(i, audit.VendorCost, audit.VendorCost)
		},
		"a release with another key": func(f *forgery, _, releases int) {
			i := f.nth(released, releases)
			f.edit(i, func(body map[string]any) { delete(call(body), "own_key") })
			f.expect(i, audit.OwnKey)
		},
		"the bill of a release": func(f *forgery, _, releases int) {
			i := f.nth(released, releases)
			f.edit(i, func(body map[string]any) { call(body)["upstream_cost"] = "7" })
			f.expect(i, audit.VendorCost)
		},
		"a bill of a call that nobody bills": func(f *forgery, _, releases int) {
			i := f.nth(released, releases+1)
			f.edit(i, func(body map[string]any) { call(body)["upstream_cost"] = "7" })
			f.expect(i, audit.EndpointMismatch, audit.VendorCost)
		},
		"a correction with the platform's key": func(f *forgery, _, _ int) {
			i := f.nth(moved, 0)
			f.edit(i, func(body map[string]any) { delete(body, "own_key") })
			f.expect(i, audit.OwnKey)
		},
		"a correction of what the vendor bills": func(f *forgery, _, _ int) {
			i := f.nth(moved, 0)
			f.edit(i, func(body map[string]any) { body["after"].(map[string]any)["upstream_cost"] = "1" })
			f.expect(i, audit.VendorCost)
			f.expect(i+1, audit.CorrectionMismatch)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, charges, releases := ownKeys(t)
			f.t = t
			change(f, charges, releases)
			f.check()
		})
	}
}
