package audit

import (
	"slices"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// charged checks a charge against the hold's pinned price and the wallet's balance before it, and adds it to the key's
// spend.
func (v *verifier) charged(s *Step, e *wallet.UsageCharged, availableBefore money.Amount) {
	spend := v.spend(e.KeyID)
	spend.charge(s.Row.RecordedAt, e.Charge.Sub(e.Uncollectible))
	spend.Position = s.Row.Position
	if !s.Wallet.drift.unknown {
		v.checkUncollectible(s, e, availableBefore)
	}
	h := s.Hold
	if h == nil {
		return
	}
	if at := v.endpoint(e.Endpoint); at != nil {
		v.want(at.published.Vendor == e.Vendor, s, EndpointMismatch, "the endpoint %s is of the vendor %s, not %s",
			e.Endpoint, at.published.Vendor, e.Vendor)
	}
	if h.price == nil {
		return // its hold was reported
	}
	amounts, prompt := quantities(e.Usage)
	rates := h.price.charge.at(prompt, h.PlacedAt)
	lines := rates.lines(amounts)
	if !slices.EqualFunc(lines, e.LineItems, sameLine) {
		v.report1(s.Row, LineItemMismatch, "the lines are %s; the usage at the price version %s gives %s",
			show(e.LineItems), e.PriceVersion, show(lines))
	}
	if h.price.cost != nil {
		lines = h.price.cost.at(prompt, h.PlacedAt).lines(amounts)
	}
	cost := sum(lines)
	v.want(cost.Equal(e.VendorCost), s, VendorCost, "the vendor's cost is %s, the usage at the price version gives %s", e.VendorCost, cost)
}

// checkUncollectible: a charge above what is reserved takes the rest from what is available; only what is not there
// either is uncollectible.
func (v *verifier) checkUncollectible(s *Step, e *wallet.UsageCharged, availableBefore money.Amount) {
	missing := money.Zero()
	if e.HeldBefore.LessThan(e.Charge) {
		missing = money.Max(e.Charge.Sub(e.HeldBefore).Sub(availableBefore), missing)
	}
	v.want(missing.Equal(e.Uncollectible), s, UncollectibleDiff, "%s are uncollectible; a charge of %s with %s reserved and %s available leaves %s",
		e.Uncollectible, e.Charge, e.HeldBefore, availableBefore, missing)
}

// lines are the lines of a charge: one a class with a quantity, and none for a request that is free.
func (r *rates) lines(q [classes]int64) []usage.LineItem {
	var lines []usage.LineItem
	for i, class := range [classes]usage.Class{
		usage.Input, usage.CacheRead, usage.CacheWrite, usage.CacheWrite1h, usage.Output, usage.Reasoning, usage.Request,
	} {
		if q[i] != 0 && (i != request || !r[i].IsZero()) {
			lines = append(lines, usage.LineItem{Class: class, Quantity: q[i], Price: r[i], Amount: r[i].Times(q[i])})
		}
	}
	return lines
}

func sum(lines []usage.LineItem) money.Amount {
	total := money.Zero()
	for _, line := range lines {
		total = total.Add(line.Amount)
	}
	return total
}

func sameLine(a, b usage.LineItem) bool {
	return a.Class == b.Class && a.Quantity == b.Quantity && a.Price.Cmp(b.Price) == 0 && a.Amount.Equal(b.Amount)
}

func show(lines []usage.LineItem) string {
	text, err := usage.AppendJSON(nil, lines)
	if err != nil {
		return "out of range"
	}
	return string(text)
}
