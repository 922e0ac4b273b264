package catalog

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Derived is the schedule with every rate multiplied by a factor: below 1 a discount, above 1 a markup. Each rate is rounded half-even to
// 12 decimals, once, so that what it becomes is a price like any other. Errors: invalid_request, also for a rate that would become free
// by rounding; amount_out_of_range.
func (s Schedule) Derived(factor money.Price) (Schedule, error) {
	percent, err := money.ParsePrice(factor.Times(hundred).String())
	if err != nil {
		return Schedule{}, err
	}
	out := s.clone()
	if err := out.Base.multiply(percent); err != nil {
		return Schedule{}, err
	}
	for _, o := range out.Overrides {
		if err := o.Rates.multiply(percent); err != nil {
			return Schedule{}, err
		}
	}
	return out, out.Check()
}

const hundred = 100 // per cent of the whole

func (r Rates) multiply(percent money.Price) error {
	for class, rate := range r {
		amount, err := money.Percent(rate.Times(1), percent)
		if err != nil {
			return err
		}
		price, err := money.ParsePrice(amount.String())
		if err != nil {
			return err
		}
		if price.IsZero() && !rate.IsZero() && !percent.IsZero() {
			return domain.Errorf(domain.CodeInvalid, "the price of class %s would be rounded to nothing", class)
		}
		r[class] = price
	}
	return nil
}
