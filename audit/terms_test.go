package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
)

// ofStream are the indexes of the events of a type in the stream of another event.
func (f *forgery) ofStream(i int, eventType string) (found []int) {
	for j := range f.events {
		if f.events[j].StreamID == f.events[i].StreamID && f.events[j].Type == eventType {
			found = append(found, j)
		}
	}
	return found
}

func (f *forgery) body(i int) map[string]any {
	f.t.Helper()
	body := map[string]any{}
	require.NoError(f.t, json.Unmarshal(f.events[i].Body, &body))
	return body
}

// settled is the index of the charge of a hold.
func (f *forgery) settled(hold int) int {
	f.t.Helper()
	for _, i := range f.ofStream(hold, "wallet.usage_charged.v1") {
		if f.body(i)["hold_id"] == f.body(hold)["hold_id"] {
			return i
		}
	}
	require.Fail(f.t, "the hold was not charged")
	return 0
}

// TestForgedPriceGroups changes the story of ledgertest's customer of price groups. Its holds: at the list's price, in a group without a
// price, three and one more at prices of the group, in a group without a price again, and at the list's.
func TestForgedPriceGroups(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *forgery, sets, holds []int){
		"another group than the one that paid": func(f *forgery, sets, holds []int) {
			f.set(sets[0], "price_group", "others")
			f.expect(holds[2], audit.PriceNotInForce)
			f.expect(holds[3], audit.PriceNotInForce)
			f.expect(holds[4], audit.PriceNotInForce)
			f.expect(holds[5], audit.PriceNotInForce)
		},
		"a group that is never left": func(f *forgery, sets, holds []int) {
			f.set(sets[1], "price_group", "partners")
			f.expect(sets[1], audit.PriceGroup)
			f.expect(holds[6], audit.PriceNotInForce)
		},
		"a hold that names another group": func(f *forgery, _, holds []int) {
			f.set(holds[3], "price_group", "others")
			f.expect(holds[3], audit.PriceGroup)
			f.expect(f.settled(holds[3]), audit.HoldMismatch)
		},
		"a hold that names no group": func(f *forgery, _, holds []int) {
			f.edit(holds[3], func(body map[string]any) { delete(body, "price_group") })
			f.expect(holds[3], audit.PriceGroup)
			f.expect(f.settled(holds[3]), audit.HoldMismatch)
		},
		"a charge that names another group": func(f *forgery, _, holds []int) {
			i := f.settled(holds[4])
			f.set(i, "price_group", "others")
			f.expect(i, audit.HoldMismatch)
		},
		"the price of the group for a wallet of none": func(f *forgery, _, holds []int) {
			last, own := holds[len(holds)-1], f.body(holds[5])
			f.edit(last, func(body map[string]any) {
				body["price_version"], body["price_group"] = own["price_version"], own["price_group"]
				body["amount"] = own["amount"]
			})
			i := f.settled(last)
			f.edit(i, func(body map[string]any) {
				body["price_version"], body["price_group"] = own["price_version"], own["price_group"]
			})
			f.expect(last, audit.PriceNotInForce, audit.EntryMismatch)
			f.expect(i, audit.LineItemMismatch, audit.HoldMismatch)
		},
		"the price of a group was published for another": func(f *forgery, _, holds []int) {
			i := 0
			for f.events[i].Type != "catalog.price_published.v1" || f.body(i)["price_version"] != f.body(holds[5])["price_version"] {
				i++
			}
			f.set(i, "price_group", "others")
			f.expect(holds[5], audit.PriceNotInForce, audit.PriceGroup)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forge(t)
			sets := f.ofStream(f.nth("wallet.price_group_set.v1", 0), "wallet.price_group_set.v1")
			holds := f.ofStream(sets[0], "wallet.hold_placed.v1")
			require.Len(t, sets, 3)
			require.Len(t, holds, 8)
			change(f, sets, holds)
			f.check()
		})
	}
}

// TestForgedMembers changes the story of ledgertest's customer whose two keys are those of one member: two calls that are charged, one that
// is released, and one when the second key has no member any more.
func TestForgedMembers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *forgery, set int, holds []int){
		"caps that the keys together pass": func(f *forgery, set int, holds []int) {
			f.edit(set, func(body map[string]any) { body["caps"] = map[string]any{"day": "0.004"} })
			f.expect(holds[1], audit.KeyCapExceeded)
			f.expect(holds[2], audit.KeyCapExceeded)
		},
		"a hold for another member": func(f *forgery, _ int, holds []int) {
			f.set(holds[1], "member_id", "019ced10-4d5e-7f66-87d8-0e1f2a3b4c06")
			f.expect(holds[1], audit.HoldMismatch)
			f.expect(f.settled(holds[1]), audit.HoldMismatch)
		},
		"a hold for nobody": func(f *forgery, _ int, holds []int) {
			f.edit(holds[0], func(body map[string]any) { delete(body, "member_id") })
			f.expect(holds[0], audit.HoldMismatch)
			f.expect(f.settled(holds[0]), audit.HoldMismatch)
		},
		"a charge for another member": func(f *forgery, _ int, holds []int) {
			i := f.settled(holds[0])
			f.set(i, "member_id", "019ced10-4d5e-7f66-87d8-0e1f2a3b4c06")
			f.expect(i, audit.HoldMismatch)
		},
		"a hold for the member that the key had": func(f *forgery, set int, holds []int) {
			f.set(holds[3], "member_id", f.body(set)["member_id"])
			f.expect(holds[3], audit.HoldMismatch)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forge(t)
			set := f.nth("wallet.member_limits_set.v1", 0)
			holds := f.ofStream(set, "wallet.hold_placed.v1")
			require.Len(t, holds, 4)
			change(f, set, holds)
			f.check()
		})
	}
}
