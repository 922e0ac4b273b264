package catalog

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// maxPriceAhead bounds how far ahead a price can be scheduled, which catches mistyped years.
const maxPriceAhead = 10 * 366 * 24 * time.Hour

// PublishPrice adds a price version; a zero EffectiveFrom means now.
type PublishPrice struct{ PriceVersion }

// PublishPrice decides a PublishPrice (C3, C4, C8). Errors: endpoint_not_found, price_conflict (the id is used),
// invalid_request, amount_invalid.
func (s *EndpointState) PublishPrice(v PriceVersion, now time.Time) (PricePublished, error) {
	if !s.Published {
		return PricePublished{}, domain.Errorf(domain.CodeEndpointNotFound, "the endpoint is not published")
	}
	if v.ID == uuid.Nil {
		return PricePublished{}, domain.Errorf(domain.CodeInvalid, "a price version needs an id")
	}
	if _, err := s.Price(v.ID); err == nil {
		return PricePublished{}, domain.Errorf(domain.CodePriceConflict, "a price version is immutable and its id is used once")
	}
	if v.Group != "" {
		if err := CheckPriceGroup(v.Group); err != nil {
			return PricePublished{}, err
		}
	}
	if _, err := money.ParseCurrency(string(v.Currency)); err != nil {
		return PricePublished{}, err
	}
	if err := v.checkSchedules(); err != nil {
		return PricePublished{}, err
	}
	if v.EffectiveFrom = domain.Moment(v.EffectiveFrom); v.EffectiveFrom.IsZero() {
		v.EffectiveFrom = domain.Moment(now)
	}
	if v.EffectiveFrom.Before(domain.Moment(now)) {
		return PricePublished{}, domain.Errorf(domain.CodeInvalid, "a price takes effect now or later: what was charged is not re-priced")
	}
	if v.EffectiveFrom.Sub(now) > maxPriceAhead {
		return PricePublished{}, domain.Errorf(domain.CodeInvalid, "a price takes effect within ten years")
	}
	return PricePublished{EndpointID: s.Endpoint.ID, PriceVersion: v.clone()}, nil
}

func (v PriceVersion) checkSchedules() error {
	if err := v.Price.Check(); err != nil {
		return err
	}
	if v.Cost == nil {
		return nil
	}
	return v.Cost.Check()
}

// clone parts the version from the caller's maps: a published price never changes.
func (v PriceVersion) clone() PriceVersion {
	v.Price = v.Price.clone()
	if v.Cost != nil {
		cost := v.Cost.clone()
		v.Cost = &cost
	}
	return v
}
