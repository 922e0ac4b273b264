package audit

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// chargeFor is what a call is charged by: the whole price, or a part of it where the vendor was called with the customer's own key.
func (p *price) chargeFor(own *wallet.OwnKey) *tariff {
	if own == nil {
		return p.charge
	}
	part, ok := p.parts[own.Rate]
	if !ok {
		if p.parts == nil {
			p.parts = map[money.Price]*tariff{}
		}
		part = newTariff(p.schedule.Part(own.Rate))
		p.parts[own.Rate] = part
	}
	return part
}

// bill is what the vendor asks for a usage at a service tier. A vendor whose costs know no such tier bills all alike.
func (p *price) bill(tier string, used usage.Usage, placed time.Time) money.Amount {
	t := p.cost
	if t == nil {
		t = p.charge
	}
	if billed := t.of(tier); billed != nil {
		t = billed
	}
	amounts, prompt := quantities(used)
	return t.at(prompt, placed).sum(amounts)
}

// billed checks who is asked for the vendor's bill: the customer for a call with the customer's own key, else the platform.
func (v *verifier) billed(s *Step, own *wallet.OwnKey, bill, platform, customer money.Amount) {
	wantPlatform, wantCustomer := bill, money.Zero()
	if own != nil {
		wantPlatform, wantCustomer = wantCustomer, wantPlatform
	}
	v.want(platform.Equal(wantPlatform), s, VendorCost, "the vendor's cost is %s, the usage at the price version gives %s", platform, wantPlatform)
	v.want(customer.Equal(wantCustomer), s, VendorCost, "the vendor bills the customer %s, the usage at the price version gives %s", customer, wantCustomer)
}

// keyed checks that the end of a hold was made with the key of the customer's that the hold names, at the same part of the price, or with none.
func (v *verifier) keyed(s *Step, call *wallet.Call) {
	own := s.Hold.Placed.OwnKey
	v.want(call.OwnKey.Same(own), s, OwnKey, "is made with another key of the customer's, or at another part of the price, than its hold")
	if call.Credential == "" {
		return // no vendor was called
	}
	id, customers := wallet.OwnKeyOf(call.Credential)
	v.want(customers == (own != nil) && (own == nil || id == own.ID), s, OwnKey,
		"the vendor was called with the key %q, which is not the one that is charged for", call.Credential)
}
