package catalog

import (
	"time"

	"github.com/massrouter/massrouter/domain"
)

// Event is one of this package's events.
//
//sumtype:decl
type Event interface {
	domain.Event
	catalog()
}

// VendorPublished replaces a vendor whole.
type VendorPublished struct{ Vendor }

// ModelPublished replaces a model whole.
type ModelPublished struct{ Model }

// EndpointPublished replaces an endpoint whole.
type EndpointPublished struct{ Endpoint }

// PricePublished adds an immutable price version to an endpoint.
type PricePublished struct {
	EndpointID string `json:"endpoint"` // the endpoint that has this price
	PriceVersion
}

// EventType is the stored name.
func (VendorPublished) EventType() string { return "catalog.vendor_published.v1" }

// EventType is the stored name.
func (ModelPublished) EventType() string { return "catalog.model_published.v1" }

// EventType is the stored name.
func (EndpointPublished) EventType() string { return "catalog.endpoint_published.v1" }

// EventType is the stored name.
func (PricePublished) EventType() string { return "catalog.price_published.v1" }

func (VendorPublished) catalog()   {}
func (ModelPublished) catalog()    {}
func (EndpointPublished) catalog() {}
func (PricePublished) catalog()    {}

// Events lists every event version of this package for the registry.
func Events() []domain.EventSpec {
	return []domain.EventSpec{
		domain.Spec[VendorPublished]("A vendor was published or replaced."),
		domain.Spec[ModelPublished]("A model was published or replaced."),
		domain.Spec[EndpointPublished]("A vendor's offer of a model was published or replaced."),
		domain.Spec[PricePublished]("An immutable price version was added to an endpoint."),
	}
}

// Apply folds one event.
func (s *VendorState) Apply(event domain.Event, _ time.Time) {
	if e, ok := event.(VendorPublished); ok {
		s.Published, s.Vendor = true, e.Vendor
	}
}

// Apply folds one event.
func (s *ModelState) Apply(event domain.Event, _ time.Time) {
	if e, ok := event.(ModelPublished); ok {
		s.Published, s.Model = true, e.Model
	}
}

// Apply folds one event.
func (s *EndpointState) Apply(event domain.Event, _ time.Time) {
	e, ok := event.(Event)
	if !ok {
		return
	}
	switch e := e.(type) {
	case EndpointPublished:
		s.Published, s.Endpoint = true, e.Endpoint
	case PricePublished:
		if e.Group == "" {
			s.Prices = append(s.Prices, e.PriceVersion)
			return
		}
		if s.GroupPrices == nil {
			s.GroupPrices = GroupPrices{}
		}
		s.GroupPrices[e.Group] = append(s.GroupPrices[e.Group], e.PriceVersion)
	case VendorPublished, ModelPublished:
	}
}
