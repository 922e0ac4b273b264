package catalogimport

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
)

// DeriveOptions say which prices of a group are made, and how.
type DeriveOptions struct {
	Group     string
	Factor    money.Price // of the list's rates
	Now       time.Time
	From      time.Time // when changed prices take effect; zero: at once
	Vendors   []string  // none: all
	Endpoints []string  // none: all
}

// Derivation is what makes the prices of a group those of the list, multiplied.
type Derivation struct {
	Steps     []Step // in the order of endpoints, those of one endpoint in the order of time
	Unchanged int    // endpoints whose prices are as they should be
	Unpriced  []string
	Refused   []Kept
}

// Derive plans the versions that make the group's price of each endpoint, at every moment from now on, that of the list times the factor.
// What the vendor bills stays what the list says. It changes nothing the second time, until a price of the list has changed.
func Derive(have Catalogue, o DeriveOptions) (Derivation, error) {
	if o.Now = domain.Moment(o.Now); o.From.IsZero() {
		o.From = o.Now
	}
	if o.From = domain.Moment(o.From); o.From.Before(o.Now) {
		return Derivation{}, fmt.Errorf("a price cannot take effect at %s: that is past", o.From.Format(time.RFC3339))
	}
	if err := o.known(have); err != nil {
		return Derivation{}, err
	}
	d := Derivation{}
	for _, id := range slices.Sorted(maps.Keys(have.Endpoints)) {
		if o.selected(have.Endpoints[id]) {
			d.endpoint(have, id, o)
		}
	}
	return d, nil
}

func (o DeriveOptions) known(have Catalogue) error {
	for _, id := range o.Vendors {
		if _, ok := have.Vendors[id]; !ok {
			return fmt.Errorf("the catalogue has no vendor %q", id)
		}
	}
	for _, id := range o.Endpoints {
		if _, ok := have.Endpoints[id]; !ok {
			return fmt.Errorf("the catalogue has no endpoint %q", id)
		}
	}
	return nil
}

func (o DeriveOptions) selected(e catalog.Endpoint) bool {
	return (len(o.Vendors) == 0 || slices.Contains(o.Vendors, e.Vendor)) && (len(o.Endpoints) == 0 || slices.Contains(o.Endpoints, e.ID))
}

func (d *Derivation) endpoint(have Catalogue, id string, o DeriveOptions) {
	list, own := have.Prices[id], slices.Clone(have.GroupPrices[id][o.Group])
	if len(list) == 0 {
		d.Unpriced = append(d.Unpriced, id)
		return
	}
	var steps []Step
	for _, when := range moments(nil, slices.Concat(list, own), o.From) {
		base, priced := catalog.InForce(list, when)
		if !priced {
			continue
		}
		price, err := base.Price.Derived(o.Factor)
		if err != nil {
			d.Refused = append(d.Refused, Kept{Endpoint: id, Why: err.Error()})
			return
		}
		cost := base.CostSchedule()
		was, there := catalog.InForce(own, when)
		if there && was.Currency == base.Currency && sameSchedule(was.Price, price) && sameSchedule(was.CostSchedule(), cost) {
			continue
		}
		v := catalog.PriceVersion{Currency: base.Currency, Price: price, Cost: &cost, EffectiveFrom: when, Group: o.Group}
		own = append(own, v)
		if when.Equal(o.Now) {
			v.EffectiveFrom = time.Time{} // whenever that is when it arrives
		}
		now := was.Price
		if !there {
			now = base.Price // what the group's wallets pay until then
		}
		steps = append(steps, Step{
			Kind: KindPrice, ID: id, New: !there, Price: &v, was: []any{len(have.GroupPrices[id][o.Group]), was},
			Changes: priceChanges(now, price, true),
		})
	}
	if len(steps) == 0 {
		d.Unchanged++
	}
	d.Steps = append(d.Steps, steps...)
}
