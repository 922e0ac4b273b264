package catalog

import "github.com/massrouter/massrouter/domain/money"

// Part is the schedule of which every rate is the same part: what a call with a key of the customer's costs. See money.Price.Part.
func (s Schedule) Part(rate money.Price) Schedule {
	part := Schedule{Base: s.Base.part(rate)}
	if len(s.Overrides) > 0 {
		part.Overrides = make([]Override, len(s.Overrides))
	}
	for i, o := range s.Overrides {
		o.Rates = o.Rates.part(rate)
		part.Overrides[i] = o
	}
	return part
}

func (r Rates) part(rate money.Price) Rates {
	part := make(Rates, len(r))
	for class, price := range r {
		part[class] = price.Part(rate)
	}
	return part
}
