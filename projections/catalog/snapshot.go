package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// Snapshot is the catalogue at one moment, complete and never changed after it was made: share it freely.
type Snapshot struct {
	Vendors     map[string]catalog.Vendor
	Models      map[string]catalog.Model
	ModelOrder  []string // model ids in the order of their first publication
	Endpoints   map[string]catalog.Endpoint
	ByModel     map[string][]string               // endpoint ids of a model, in the order of their first publication
	Prices      map[string][]catalog.PriceVersion // of the list: by endpoint id, in the order of publication
	GroupPrices map[string]catalog.GroupPrices    // by endpoint id
	PublishedAt map[string]time.Time              // by model id: its first publication
	Last        int64                             // position of the last publication
	checkpoint.At
}

func empty() *Snapshot {
	return &Snapshot{
		Vendors: map[string]catalog.Vendor{}, Models: map[string]catalog.Model{}, Endpoints: map[string]catalog.Endpoint{},
		ByModel: map[string][]string{}, Prices: map[string][]catalog.PriceVersion{}, GroupPrices: map[string]catalog.GroupPrices{}, PublishedAt: map[string]time.Time{},
	}
}

// publication is one row of the view.
type publication struct {
	position   int64
	recordedAt time.Time
	kind, id   string
	body       []byte
}

// with is a new snapshot that has the news too. Slices are clipped before they grow, so nothing is shared.
func (s *Snapshot) with(news []publication) (*Snapshot, error) {
	c := *s
	if len(news) == 0 {
		return &c, nil
	}
	c.Vendors, c.Models, c.Endpoints = maps.Clone(s.Vendors), maps.Clone(s.Models), maps.Clone(s.Endpoints)
	c.ByModel, c.Prices, c.PublishedAt = maps.Clone(s.ByModel), maps.Clone(s.Prices), maps.Clone(s.PublishedAt)
	c.GroupPrices = maps.Clone(s.GroupPrices)
	for _, p := range news {
		if err := c.add(p); err != nil {
			return nil, fmt.Errorf("publication at position %d: %w", p.position, err)
		}
		c.Last = p.position
	}
	return &c, nil
}

func (s *Snapshot) add(p publication) error {
	switch p.kind {
	case catalog.KindVendor:
		v := catalog.Vendor{}
		if err := decode(p.body, &v); err != nil {
			return err
		}
		s.Vendors[p.id] = v
	case catalog.KindModel:
		m := catalog.Model{}
		if err := decode(p.body, &m); err != nil {
			return err
		}
		if _, known := s.Models[p.id]; !known {
			s.ModelOrder = append(slices.Clip(s.ModelOrder), p.id)
			s.PublishedAt[p.id] = p.recordedAt.UTC()
		}
		s.Models[p.id] = m
	case catalog.KindEndpoint:
		e := catalog.Endpoint{}
		if err := decode(p.body, &e); err != nil {
			return err
		}
		if _, known := s.Endpoints[p.id]; !known {
			s.ByModel[e.Model] = append(slices.Clip(s.ByModel[e.Model]), p.id)
		}
		s.Endpoints[p.id] = e
	case kindPrice:
		v := catalog.PriceVersion{}
		if err := decode(p.body, &v); err != nil {
			return err
		}
		if v.Group == "" {
			s.Prices[p.id] = append(slices.Clip(s.Prices[p.id]), v)
			return nil
		}
		groups := maps.Clone(s.GroupPrices[p.id])
		if groups == nil {
			groups = catalog.GroupPrices{}
		}
		groups[v.Group] = append(slices.Clip(groups[v.Group]), v)
		s.GroupPrices[p.id] = groups
	default:
		return fmt.Errorf("unknown kind %q", p.kind)
	}
	return nil
}

// PriceInForce is what a customer of a price group, "" for none, pays at an endpoint; false when nothing is in force.
func (s *Snapshot) PriceInForce(endpoint, group string, now time.Time) (catalog.PriceVersion, bool) {
	return catalog.InForceFor(s.Prices[endpoint], s.GroupPrices[endpoint], group, now)
}

// Price is a version of an endpoint's price by its id, of the list or of any group.
func (s *Snapshot) Price(endpoint string, id uuid.UUID) (catalog.PriceVersion, bool) {
	return catalog.FindPrice(s.Prices[endpoint], s.GroupPrices[endpoint], id)
}

func decode(body []byte, to any) error {
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("decode publication: %w", err)
	}
	return nil
}
