package query

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain"
	domaincatalog "github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// catalogAge is how old a snapshot of the catalogue may be, and how often one that waits for a position looks again.
const catalogAge = 20 * time.Millisecond

// snapshot is the catalogue, at a position or after it. Errors: ledger_unavailable.
func (a *API) snapshot(ctx context.Context, least int64) (*catalog.Snapshot, error) {
	tick := time.NewTicker(catalogAge)
	defer tick.Stop()
	waited, cancel := context.WithTimeout(ctx, checkpoint.MaxWait)
	defer cancel()
	for {
		s, err := a.catalog.Get(waited)
		if err != nil {
			return nil, err
		}
		if s.Position >= least {
			return s, nil
		}
		select {
		case <-tick.C:
		case <-waited.Done():
			return nil, domain.Errorf(domain.CodeUnavailable, "the catalogue's view has not reached position %d yet", least)
		}
	}
}

// snapshotAsOf is the catalogue as of a moment, or as it is, and the time at which its prices are looked up: that which was asked
// for, that of the event at an asked position, or now.
func (a *API) snapshotAsOf(ctx context.Context, given *openapi.AsOf, minPosition *openapi.Count) (*catalog.Snapshot, time.Time, error) {
	at, err := a.moment(ctx, given, minPosition)
	if err != nil {
		return nil, time.Time{}, err
	}
	if at.Position == 0 {
		s, err := a.snapshot(ctx, position(minPosition))
		return s, a.now(), err
	}
	s, err := a.views.Catalog.SnapshotAsOf(ctx, at)
	if given.Time.IsZero() {
		return s, at.AsOf, err
	}
	return s, given.Time, err
}

// ListVendors lists all vendors by id.
func (a *API) ListVendors(ctx context.Context, r ListVendorsRequestObject) (ListVendorsResponseObject, error) {
	s, _, err := a.snapshotAsOf(ctx, r.Params.AsOf, r.Params.MinPosition)
	if err != nil {
		return nil, err
	}
	answer := ListVendors200JSONResponse{Items: make([]Vendor, 0, len(s.Vendors)), Position: openapi.Count(s.Position), AsOf: s.AsOf}
	for _, v := range slices.SortedFunc(maps.Values(s.Vendors), byID) {
		answer.Items = append(answer.Items, Vendor{
			ID: v.ID, Name: v.Name, BaseURL: v.BaseURL, Dialect: v.Dialect, CancelPolicy: v.CancelPolicy,
			MaxTokensField: v.MaxTokensField, Status: v.Status, Profile: v.Profile, Wire: v.Wire,
		})
	}
	return answer, nil
}

func byID(a, b domaincatalog.Vendor) int { return cmp.Compare(a.ID, b.ID) }

// ListModels lists all models in the order of their first publication.
func (a *API) ListModels(ctx context.Context, r ListModelsRequestObject) (ListModelsResponseObject, error) {
	s, now, err := a.snapshotAsOf(ctx, r.Params.AsOf, r.Params.MinPosition)
	if err != nil {
		return nil, err
	}
	answer := ListModels200JSONResponse{Items: make([]Model, 0, len(s.ModelOrder)), Position: openapi.Count(s.Position), AsOf: s.AsOf}
	for _, id := range s.ModelOrder {
		answer.Items = append(answer.Items, model(s, id, chosen(r.Params.PriceGroup), now, false))
	}
	return answer, nil
}

// GetModel shows a model with every price version of its endpoints.
func (a *API) GetModel(ctx context.Context, r GetModelRequestObject) (GetModelResponseObject, error) {
	s, now, err := a.snapshotAsOf(ctx, r.Params.AsOf, r.Params.MinPosition)
	if err != nil {
		return nil, err
	}
	id := r.Author + "/" + r.Slug
	if _, ok := s.Models[id]; !ok {
		return nil, domain.Errorf(domain.CodeModelNotFound, "no such model")
	}
	return GetModel200JSONResponse{Model: model(s, id, chosen(r.Params.PriceGroup), now, true), Position: openapi.Count(s.Position), AsOf: s.AsOf}, nil
}

func model(s *catalog.Snapshot, id, group string, now time.Time, history bool) Model {
	m := s.Models[id]
	answer := Model{
		ID: m.ID, Name: m.Name, Description: present(m.Description), ContextLength: m.ContextLength,
		MaxCompletionTokens: m.MaxCompletionTokens, InputModalities: list(m.InputModalities), OutputModalities: list(m.OutputModalities),
		SupportedParameters: list(m.SupportedParameters), Tokenizer: present(m.Tokenizer),
		ReleasedAt: m.ReleasedAt.UTC(), Status: m.Status, Facts: said(m.Facts), Endpoints: make([]Endpoint, 0, len(s.ByModel[id])),
	}
	for _, endpoint := range s.ByModel[id] {
		answer.Endpoints = append(answer.Endpoints, endpointOf(s, endpoint, group, now, history))
	}
	return answer
}

func endpointOf(s *catalog.Snapshot, id, group string, now time.Time, history bool) Endpoint {
	e := s.Endpoints[id]
	answer := Endpoint{
		ID: e.ID, Vendor: e.Vendor, UpstreamModel: e.UpstreamModel, ContextLength: e.ContextLength,
		MaxCompletionTokens: e.MaxCompletionTokens, Status: e.Status, Terms: said(e.Terms),
	}
	if v, ok := s.PriceInForce(id, group, now); ok {
		inForce := priceVersion(v)
		answer.PriceInForce = &inForce
	}
	if history {
		versions := make([]PriceVersion, 0, len(s.Prices[id]))
		for _, v := range s.Prices[id] {
			versions = append(versions, priceVersion(v))
		}
		for _, group := range slices.Sorted(maps.Keys(s.GroupPrices[id])) {
			for _, v := range s.GroupPrices[id][group] {
				versions = append(versions, priceVersion(v))
			}
		}
		answer.Prices = &versions
	}
	return answer
}

// said is a group of facts, nil when nobody said anything.
func said[T domaincatalog.Facts | domaincatalog.Terms](value T) *T {
	if reflect.ValueOf(value).IsZero() {
		return nil
	}
	return &value
}

func priceVersion(v domaincatalog.PriceVersion) PriceVersion {
	return PriceVersion{
		PriceVersion: v.ID, Currency: v.Currency, Price: v.Price, Cost: v.CostSchedule(), EffectiveFrom: v.EffectiveFrom.UTC(),
		PriceGroup: present(v.Group),
	}
}
