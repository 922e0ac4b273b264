package audit

import (
	"strings"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// checkEntry checks what an event that moves money says by itself: its legs sum to zero and are exactly those that it
// calls for, and its amounts have the right sign.
func (e *inspected) checkEntry(event wallet.Posting) {
	entry := e.entry
	rest := money.Zero()
	for i := range entry {
		rest = rest.Add(entry[i].Amount)
	}
	if !rest.IsZero() {
		e.add(EntryUnbalanced, "the legs of the entry sum to %s", rest)
	}
	self := place{head: "wallet:", name: e.row.StreamID.Identity()}
	switch event := event.(type) {
	case wallet.ToppedUp:
		if event.Amount.Sign() <= 0 {
			e.add(AmountInvalid, "a top-up of %s", event.Amount)
		}
		e.checkFlow(entry, place{head: "cash:", name: event.PSP}, self, event.Amount)
	case wallet.Granted:
		if event.Amount.Sign() <= 0 {
			e.add(AmountInvalid, "a grant of %s", event.Amount)
		}
		e.checkFlow(entry, place{head: "promo"}, self, event.Amount)
	case wallet.Adjusted:
		if event.Amount.IsZero() {
			e.add(AmountInvalid, "an adjustment of %s", event.Amount)
		}
		e.checkFlow(entry, place{head: "adjustment"}, self, event.Amount)
	case wallet.HoldPlaced:
		if event.Amount.Sign() < 0 {
			e.add(AmountInvalid, "a hold of %s", event.Amount)
		}
		e.checkFlow(entry, self, place{hold: event.HoldID, isHold: true}, event.Amount)
	case wallet.HoldReleased:
		if event.VendorCost.Sign() < 0 {
			e.add(AmountInvalid, "a vendor's cost of %s", event.VendorCost)
		}
		e.checkLegs(entry, []wantedLeg{
			{place{hold: event.HoldID, isHold: true}, event.Amount.Neg()},
			{self, event.Amount},
			{place{head: "cost:usage"}, event.VendorCost.Neg()},
			{place{head: "vendor:", name: event.Vendor, tail: ":payable"}, event.VendorCost},
		})
	case wallet.HoldExpired:
		e.checkFlow(entry, place{hold: event.HoldID, isHold: true}, self, event.Amount)
	case wallet.UsageCharged:
		e.checkCharge(&event)
		legs := chargeLegs(self, &event)
		e.checkLegs(entry, legs[:])
	case wallet.ChargeCorrected:
		e.checkCorrection(&event)
		legs := correctionLegs(self, &event)
		e.checkLegs(entry, legs[:])
	}
}

// place is an account that a leg is wanted on, without its name being put together.
type place struct {
	head, name, tail string
	hold             [16]byte
	isHold           bool // the account of hold; the texts are empty
}

type wantedLeg struct {
	account place
	amount  money.Amount
}

const holdPrefix = "hold:"

// is says whether the place is an account.
func (p *place) is(account money.Account) bool {
	if p.isHold {
		return isHold(account, p.hold)
	}
	rest, ok := strings.CutPrefix(string(account), p.head)
	if !ok {
		return false
	}
	rest, ok = strings.CutSuffix(rest, p.tail)
	return ok && rest == p.name
}

func (p *place) String() string {
	if p.isHold {
		return holdPrefix + name(p.hold)
	}
	return p.head + p.name + p.tail
}

// isHold says whether an account is that of a hold.
func isHold(account money.Account, id [16]byte) bool {
	const size = len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
	text, ok := strings.CutPrefix(string(account), holdPrefix)
	if !ok || len(text) != size {
		return false
	}
	var b [size]byte
	at := 0
	for i, v := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b[at] = '-'
			at++
		}
		const digits = "0123456789abcdef"
		b[at], b[at+1] = digits[v>>4], digits[v&15]
		at += 2
	}
	return text == string(b[:])
}

// checkFlow wants the legs of an amount that goes from one account to another.
func (e *inspected) checkFlow(entry money.Entry, from, to place, amount money.Amount) {
	legs := [...]wantedLeg{{from, amount.Neg()}, {to, amount}}
	e.checkLegs(entry, legs[:])
}

// chargeLegs: the hold dissolves, revenue gets the charge, the wallet gets back what the hold had too much or pays what
// it had too little, but for the uncollectible part; the vendor's bill stands against the cost of usage.
func chargeLegs(self place, e *wallet.UsageCharged) [6]wantedLeg {
	return [6]wantedLeg{
		{place{hold: e.HoldID, isHold: true}, e.HeldBefore.Neg()},
		{self, e.HeldBefore.Add(e.Uncollectible).Sub(e.Charge)},
		{place{head: "revenue:usage"}, e.Charge},
		{place{head: "uncollectible"}, e.Uncollectible.Neg()},
		{place{head: "cost:usage"}, e.VendorCost.Neg()},
		{place{head: "vendor:", name: e.Vendor, tail: ":payable"}, e.VendorCost},
	}
}

// checkLegs wants each account once, with its amount, and nothing for an amount of zero.
func (e *inspected) checkLegs(entry money.Entry, want []wantedLeg) {
	n := 0
	for i := range want {
		leg := &want[i]
		if leg.amount.IsZero() {
			continue
		}
		n++
		found := false
		for k := range entry {
			found = found || entry[k].Amount.Equal(leg.amount) && leg.account.is(entry[k].Account)
		}
		if !found {
			e.add(EntryMismatch, "the entry has no leg of %s on %s", leg.amount, leg.account.String())
			return
		}
	}
	if n != len(entry) {
		e.add(EntryMismatch, "the entry has %d legs instead of %d", len(entry), n)
	}
}

// checkCharge checks what a charge says by itself: quantities, lines and their sum.
func (e *inspected) checkCharge(c *wallet.UsageCharged) {
	if c.Charge.Sign() < 0 || c.Uncollectible.Sign() < 0 || c.VendorCost.Sign() < 0 || c.HeldBefore.Sign() < 0 {
		e.add(AmountInvalid, "a charge with a part below zero")
	}
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
