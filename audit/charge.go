package audit

import (
	"slices"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// charged checks a charge against the hold's pinned price and the wallet's balance before it, and adds it to the key's
// spend.
func (v *verifier) charged(s *Step, e *wallet.UsageCharged, availableBefore money.Amount) {
	for _, spend := range v.spends(s.Wallet, e.KeyID, e.MemberID) {
		spend.charge(s.Row.RecordedAt, e.Charge.Sub(e.Uncollectible), e.Call.UpstreamCost)
		spend.Position = s.Row.Position
	}
	if !s.Wallet.drift.unknown {
		v.checkUncollectible(s, e, availableBefore)
	}
	h := s.Hold
	if h == nil {
		return
	}
	v.keyed(s, &e.Call)
	if at := v.endpoint(e.Endpoint); at != nil {
		if at.published.Vendor != e.Vendor {
			v.report1(s.Row, EndpointMismatch, "the endpoint %s is of the vendor %s, not %s",
				e.Endpoint, at.published.Vendor, e.Vendor)
		}
	}
	if h.price == nil {
		return // its hold was reported
	}
	amounts, prompt := quantities(e.Usage)
	tariff := h.price.chargeFor(h.Placed.OwnKey).of(e.ServiceTier)
	if asked := h.Placed.ServiceTier; tariff == nil || e.ServiceTier != "" && asked != e.ServiceTier && asked != catalog.AnyTier {
		v.report1(s.Row, TierUnpriced, "is billed at the service tier %q, which has no price or was not asked for", e.ServiceTier)
		return
	}
	rates := tariff.at(prompt, h.PlacedAt)
	v.lines = rates.lines(v.lines[:0], amounts)
	lines := v.lines
	if !slices.EqualFunc(lines, e.LineItems, sameLine) {
		v.report1(s.Row, LineItemMismatch, "the lines are %s; the usage at the price version %s gives %s",
			show(e.LineItems), e.PriceVersion, show(lines))
	}
	bill := sum(lines)
	if h.price.cost != nil || h.Placed.OwnKey != nil {
		bill = h.price.bill(e.ServiceTier, e.Usage, h.PlacedAt)
	}
	v.billed(s, h.Placed.OwnKey, bill, e.VendorCost, e.Call.UpstreamCost)
}

// borne checks what the platform bears of a call that the customer does not pay, at the hold's pinned price.
func (v *verifier) borne(s *Step, e *wallet.HoldReleased) {
	h := s.Hold
	if h != nil {
		v.keyed(s, &e.Call)
	}
	if h == nil || h.price == nil || e.Vendor == "" && len(e.Usage) == 0 && e.VendorCost.IsZero() && e.Call.UpstreamCost.IsZero() {
		return // its hold was reported, or nobody bills the call
	}
	if at := v.endpoint(e.Endpoint); at != nil && at.published.Vendor != e.Vendor {
		v.report1(s.Row, EndpointMismatch, "the endpoint %s is of the vendor %s, not %s", e.Endpoint, at.published.Vendor, e.Vendor)
	}
	v.billed(s, h.Placed.OwnKey, h.price.bill(e.ServiceTier, e.Usage, h.PlacedAt), e.VendorCost, e.Call.UpstreamCost)
}

// checkUncollectible: a charge above what is reserved takes the rest from what is available; only what is not there
// either is uncollectible.
func (v *verifier) checkUncollectible(s *Step, e *wallet.UsageCharged, availableBefore money.Amount) {
	missing := money.Zero()
	if e.HeldBefore.LessThan(e.Charge) {
		missing = money.Max(e.Charge.Sub(e.HeldBefore).Sub(availableBefore), missing)
	}
	if !missing.Equal(e.Uncollectible) {
		v.report1(s.Row, UncollectibleDiff, "%s are uncollectible; a charge of %s with %s reserved and %s available leaves %s",
			e.Uncollectible, e.Charge, e.HeldBefore, availableBefore, missing)
	}
}

// lines appends the lines of a charge: one a class with a quantity, and none for a request that is free.
func (r *rates) lines(lines []usage.LineItem, q [classes]int64) []usage.LineItem {
	for i, class := range classNames() {
		if q[i] != 0 && (i != request || !r[i].IsZero()) {
			lines = append(lines, usage.LineItem{Class: class, Quantity: q[i], Price: r[i], Amount: r[i].Times(q[i])})
		}
	}
	return lines
}

// sum is what the lines come to.
func (r *rates) sum(q [classes]int64) money.Amount {
	total := money.Zero()
	for i, n := range q {
		if n != 0 {
			total = total.Add(r[i].Times(n))
		}
	}
	return total
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
