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
	prices    []*price // in the order of publication
	byID      map[[16]byte]*price

	current      *price    // in force
	currentUntil time.Time // when another may be; zero: look again
}

// price is one version.
type price struct {
	currency  money.Currency
	effective time.Time
	charge    *tariff
	cost      *tariff // nil: the same as charge
}

// catalog folds a publication.
func (v *verifier) catalog(s *Step, stream *Stream, event catalog.Event) {
	switch e := event.(type) {
	case catalog.VendorPublished, catalog.ModelPublished: // they decide no money
	case catalog.EndpointPublished:
		if stream.endpoint == nil {
			stream.endpoint = &endpoint{byID: map[[16]byte]*price{}}
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
	p := &price{currency: e.Currency, effective: e.EffectiveFrom, charge: newTariff(e.Price)}
	if e.Cost != nil {
		p.cost = newTariff(*e.Cost)
	}
	at := stream.endpoint
	at.prices, at.byID[e.ID], at.current, at.currentUntil = append(at.prices, p), p, nil, time.Time{}
}

// endpoint finds a published endpoint; nil when there is none.
func (v *verifier) endpoint(id string) *endpoint { return v.state.endpoints[id] }

// inForce is the price that took effect last; of several at the same moment the one published last. nil when none has.
func (e *endpoint) inForce(now time.Time) *price {
	if now.Before(e.currentUntil) {
		return e.current
	}
	e.current = nil
	e.currentUntil = now.Add(time.Second) // no need to look at every hold
	for _, p := range e.prices {
		switch {
		case p.effective.After(now):
			if p.effective.Before(e.currentUntil) {
				e.currentUntil = p.effective
			}
		case e.current == nil || !p.effective.Before(e.current.effective):
			e.current = p
		}
	}
	return e.current
}
