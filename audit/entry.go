package audit

import (
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// checkEntry checks what an event that moves money says by itself: its legs sum to zero and are exactly those that it
// calls for, and its amounts have the right sign.
func (e *inspected) checkEntry(event wallet.Posting) {
	_, entry := event.Posting()
	rest := money.Zero()
	for _, leg := range entry {
		rest = rest.Add(leg.Amount)
	}
	if !rest.IsZero() {
		e.add(EntryUnbalanced, "the legs of the entry sum to %s", rest)
	}
	self := money.Account("wallet:" + e.row.StreamID.Identity())
	switch event := event.(type) {
	case wallet.ToppedUp:
		e.sign(event.Amount.Sign() > 0, "a top-up of %s", event.Amount)
		e.checkLegs(entry, flow("cash:"+money.Account(event.PSP), self, event.Amount))
	case wallet.Granted:
		e.sign(event.Amount.Sign() > 0, "a grant of %s", event.Amount)
		e.checkLegs(entry, flow("promo", self, event.Amount))
	case wallet.Adjusted:
		e.sign(event.Amount.Sign() != 0, "an adjustment of %s", event.Amount)
		e.checkLegs(entry, flow("adjustment", self, event.Amount))
	case wallet.HoldPlaced:
		e.sign(event.Amount.Sign() >= 0, "a hold of %s", event.Amount)
		e.checkLegs(entry, flow(self, holdAccount(event.HoldID), event.Amount))
	case wallet.HoldReleased:
		e.checkLegs(entry, flow(holdAccount(event.HoldID), self, event.Amount))
	case wallet.HoldExpired:
		e.checkLegs(entry, flow(holdAccount(event.HoldID), self, event.Amount))
	case wallet.UsageCharged:
		e.checkCharge(&event)
		e.checkLegs(entry, chargeLegs(self, &event))
	}
}

func holdAccount(id [16]byte) money.Account { return money.Account("hold:" + name(id)) }

// flow are the legs of an amount that goes from one account to another.
func flow(from, to money.Account, amount money.Amount) []money.Leg {
	return []money.Leg{{Account: from, Amount: amount.Neg()}, {Account: to, Amount: amount}}
}

// chargeLegs: the hold dissolves, revenue gets the charge, the wallet gets back what the hold had too much or pays what
// it had too little, but for the uncollectible part; the vendor's bill stands against the cost of usage.
func chargeLegs(self money.Account, e *wallet.UsageCharged) []money.Leg {
	return []money.Leg{
		{Account: holdAccount(e.HoldID), Amount: e.HeldBefore.Neg()},
		{Account: self, Amount: e.HeldBefore.Add(e.Uncollectible).Sub(e.Charge)},
		{Account: "revenue:usage", Amount: e.Charge},
		{Account: "uncollectible", Amount: e.Uncollectible.Neg()},
		{Account: "cost:usage", Amount: e.VendorCost.Neg()},
		{Account: "vendor:" + money.Account(e.Vendor) + ":payable", Amount: e.VendorCost},
	}
}

// checkLegs wants each account once, with its amount, and nothing for an amount of zero.
func (e *inspected) checkLegs(entry money.Entry, want []money.Leg) {
	n := 0
	for _, leg := range want {
		if leg.Amount.IsZero() {
			continue
		}
		n++
		found := false
		for _, got := range entry {
			found = found || got.Account == leg.Account && got.Amount.Equal(leg.Amount)
		}
		if !found {
			e.add(EntryMismatch, "the entry has no leg of %s on %s", leg.Amount, leg.Account)
			return
		}
	}
	if n != len(entry) {
		e.add(EntryMismatch, "the entry has %d legs instead of %d", len(entry), n)
	}
}

// checkCharge checks what a charge says by itself: quantities, lines and their sum.
func (e *inspected) checkCharge(c *wallet.UsageCharged) {
	e.sign(c.Charge.Sign() >= 0 && c.Uncollectible.Sign() >= 0 && c.VendorCost.Sign() >= 0 && c.HeldBefore.Sign() >= 0,
		"a charge with a part below zero")
	for class, n := range c.Usage {
		if _, known := classIndex(class); !known || n < 0 {
			e.add(UsageInvalid, "%d units of class %q", n, string(class))
		}
	}
	switch c.Provenance {
	case usage.Reported, usage.LookedUp, usage.Estimated:
	default:
		e.add(UsageInvalid, "the usage's provenance is %q", string(c.Provenance))
	}
	for _, line := range c.LineItems {
		if !line.Price.Times(line.Quantity).Equal(line.Amount) {
			e.add(LineItemMismatch, "the line of class %s is %s: %d at %s are %s", line.Class, line.Amount,
				line.Quantity, line.Price, line.Price.Times(line.Quantity))
		}
	}
	if total := sum(c.LineItems); !total.Equal(c.Charge) {
		e.add(ChargeMismatch, "the charge is %s, its lines sum to %s", c.Charge, total)
	}
}

// sign reports an amount that has the wrong sign.
func (e *inspected) sign(ok bool, format string, args ...any) {
	if !ok {
		e.add(AmountInvalid, format, args...)
	}
}
