package audit

import (
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
)

// endpoint is a vendor's offer with its prices.
type endpoint struct {
	published catalog.Endpoint
	books     map[string]*book // by price group; the list's under ""
	byID      map[[16]byte]*price
}

// book is the price versions of the list, or of one group.
type book struct {
	prices []*price // in the order of publication

	current      *price    // in force
	currentUntil time.Time // when another may be; zero: look again
}

// price is one version.
type price struct {
	group     string
	currency  money.Currency
	effective time.Time
	charge    *tariff
	cost      *tariff // nil: the same as charge
	schedule  catalog.Schedule
	parts     map[money.Price]*tariff // of the schedule, by rate
}

// catalog folds a publication.
func (v *verifier) catalog(s *Step, stream *Stream, event catalog.Event) {
	switch e := event.(type) {
	case catalog.VendorPublished, catalog.ModelPublished: // they decide no money
	case catalog.EndpointPublished:
		if stream.endpoint == nil {
			stream.endpoint = &endpoint{byID: map[[16]byte]*price{}, books: map[string]*book{}}
			v.state.endpoints[s.Row.StreamID.Identity()] = stream.endpoint
		} else {
			was := stream.endpoint.published
			v.want(was.Model == e.Model && was.Vendor == e.Vendor, s, CatalogOrder, "an endpoint keeps its model and vendor")
		}
		_, vendor := v.state.Streams[domain.NewStreamID("vendor", e.Vendor)]
		_, model := v.state.Streams[domain.NewStreamID("model", e.Model)]
		v.want(vendor && model, s, CatalogOrder, "the vendor or the model of the endpoint was not published")
		stream.endpoint.published = e.Endpoint
	case catalog.PricePublished:
		v.publishPrice(s, stream, &e)
	}
}

func (v *verifier) publishPrice(s *Step, stream *Stream, e *catalog.PricePublished) {
	if stream.endpoint == nil {
		v.report1(s.Row, CatalogOrder, "a price of an endpoint that was not published")
		return
	}
	_, used := stream.endpoint.byID[e.ID]
	v.want(!used, s, PriceReused, "the price version %s was published before", e.ID)
	v.want(!e.EffectiveFrom.Before(s.Row.RecordedAt), s, PriceBackdated, "takes effect at %s, before it was published", stamp(e.EffectiveFrom))
	p := &price{group: e.Group, currency: e.Currency, effective: e.EffectiveFrom, charge: newTariff(e.Price), schedule: e.Price}
	if e.Cost != nil {
		p.cost = newTariff(*e.Cost)
	}
	at := stream.endpoint
	b, ok := at.books[e.Group]
	if !ok {
		b = &book{}
		at.books[e.Group] = b
	}
	at.byID[e.ID] = p
	b.prices, b.current, b.currentUntil = append(b.prices, p), nil, time.Time{}
}

// endpoint finds a published endpoint; nil when there is none.
func (v *verifier) endpoint(id string) *endpoint { return v.state.endpoints[id] }

// inForceFor is the price that a wallet of a price group pays: the group's own, or the list's where it has none. nil when there is neither.
func (e *endpoint) inForceFor(group string, now time.Time) *price {
	if own := e.books[group]; own != nil && group != "" {
		if p := own.inForce(now); p != nil {
			return p
		}
	}
	if list := e.books[""]; list != nil {
		return list.inForce(now)
	}
	return nil
}

// inForce is the price that took effect last; of several at the same moment the one published last. nil when none has.
func (b *book) inForce(now time.Time) *price {
	if now.Before(b.currentUntil) {
		return b.current
	}
	b.current = nil
	b.currentUntil = now.Add(time.Second) // no need to look at every hold
	for _, p := range b.prices {
		switch {
		case p.effective.After(now):
			if p.effective.Before(b.currentUntil) {
				b.currentUntil = p.effective
			}
		case b.current == nil || !p.effective.Before(b.current.effective):
			b.current = p
		}
	}
	return b.current
}
