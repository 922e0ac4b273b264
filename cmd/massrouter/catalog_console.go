package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/http/openapi/client"
)

// console is the catalogue of a running service, through its console API.
type console struct {
	api *client.ClientWithResponses
	// parallel is how many requests are under way at most.
	parallel int
}

// patiently repeats what the service cannot do now: it may have been started a moment ago, or have much to do. A command is
// repeated with its key, so it happens once.
func patiently[T any](ctx context.Context, attempt func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, consolePatience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		value, err := attempt()
		if code := domain.CodeOf(err); code != domain.CodeUnavailable && code != domain.CodeOverloaded {
			return value, err
		}
		select {
		case <-ctx.Done():
			return value, err
		case <-time.After(pause):
		}
	}
}

const (
	consolePatience = 30 * time.Second
	firstPause      = 50 * time.Millisecond
	longestPause    = time.Second
)

// read is the catalogue with everything that the log has when it is asked for; the price history only of the given models.
func (s console) read(ctx context.Context, models []string) (catalogimport.Catalogue, error) {
	have, err := patiently(ctx, func() (catalogimport.Catalogue, error) { return s.readLists(ctx) })
	if err != nil {
		return have, err
	}
	return have, s.readPrices(ctx, have, models)
}

// readLists has everything but prices.
func (s console) readLists(ctx context.Context) (catalogimport.Catalogue, error) {
	have := catalogimport.Catalogue{
		Vendors: map[string]catalog.Vendor{}, Models: map[string]catalog.Model{}, Endpoints: map[string]catalog.Endpoint{},
		Prices: map[string][]catalog.PriceVersion{}, GroupPrices: map[string]catalog.GroupPrices{},
	}
	head, err := s.api.GetLedgerHeadWithResponse(ctx)
	if err != nil {
		return have, fmt.Errorf("ask for the end of the log: %w", err)
	}
	end, err := answer(head.JSON200, head.ApplicationProblemJSONDefault, head.Status())
	if err != nil {
		return have, err
	}
	vendors, err := s.api.ListVendorsWithResponse(ctx, &client.ListVendorsParams{MinPosition: &end.Position})
	if err != nil {
		return have, fmt.Errorf("ask for the vendors: %w", err)
	}
	vendorList, err := answer(vendors.JSON200, vendors.ApplicationProblemJSONDefault, vendors.Status())
	if err != nil {
		return have, err
	}
	for _, v := range vendorList.Items {
		have.Vendors[v.ID] = catalog.Vendor{
			ID: v.ID, Name: v.Name, BaseURL: v.BaseURL, Dialect: v.Dialect, CancelPolicy: v.CancelPolicy, MaxTokensField: v.MaxTokensField, Status: v.Status,
			Profile: v.Profile, Wire: v.Wire,
		}
	}
	all, err := s.api.ListModelsWithResponse(ctx, &client.ListModelsParams{MinPosition: &end.Position})
	if err != nil {
		return have, fmt.Errorf("ask for the models: %w", err)
	}
	list, err := answer(all.JSON200, all.ApplicationProblemJSONDefault, all.Status())
	if err != nil {
		return have, err
	}
	have.Position, have.AsOf = int64(vendorList.Position), list.AsOf
	for _, m := range list.Items {
		have.Models[m.ID] = domainModel(m)
		for _, e := range m.Endpoints {
			have.Endpoints[e.ID] = catalog.Endpoint{
				ID: e.ID, Model: m.ID, Vendor: e.Vendor, UpstreamModel: e.UpstreamModel, ContextLength: e.ContextLength,
				MaxCompletionTokens: e.MaxCompletionTokens, Status: e.Status, Terms: said(e.Terms),
			}
		}
	}
	return have, nil
}

// readPrices adds every price version of the models' endpoints.
func (s console) readPrices(ctx context.Context, have catalogimport.Catalogue, models []string) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.parallel)
	for _, id := range models {
		if _, ok := have.Models[id]; !ok {
			continue
		}
		group.Go(func() error {
			m, err := patiently(ctx, func() (*client.ModelAnswer, error) { return s.model(ctx, id, client.Position(have.Position)) })
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, e := range m.Model.Endpoints {
				if e.Prices == nil {
					return fmt.Errorf("the service did not say what %s has cost", e.ID)
				}
				for _, v := range *e.Prices {
					have.AddPrice(e.ID, domainPrice(v))
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// model is a model with its price history, no older than the lists.
func (s console) model(ctx context.Context, id string, position client.Position) (*client.ModelAnswer, error) {
	author, slug, _ := strings.Cut(id, "/")
	found, err := s.api.GetModelWithResponse(ctx, author, slug, &client.GetModelParams{MinPosition: &position})
	if err != nil {
		return nil, fmt.Errorf("ask for the prices of %s: %w", id, err)
	}
	return answer(found.JSON200, found.ApplicationProblemJSONDefault, found.Status())
}

func domainModel(m client.Model) catalog.Model {
	d := catalog.Model{
		ID: m.ID, Name: m.Name, ContextLength: m.ContextLength, MaxCompletionTokens: m.MaxCompletionTokens,
		InputModalities: m.InputModalities, OutputModalities: m.OutputModalities, SupportedParameters: m.SupportedParameters,
		ReleasedAt: m.ReleasedAt, Status: m.Status, Facts: said(m.Facts),
	}
	if m.Description != nil {
		d.Description = *m.Description
	}
	if m.Tokenizer != nil {
		d.Tokenizer = *m.Tokenizer
	}
	return d
}

// said is what a pointer points at, the zero value for nil.
func said[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}

// unlessZero points at a value, nil for the zero value.
func unlessZero[T any](value T) *T {
	if reflect.ValueOf(value).IsZero() {
		return nil
	}
	return &value
}

func domainPrice(v client.PriceVersion) catalog.PriceVersion {
	d := catalog.PriceVersion{ID: v.PriceVersion, Currency: v.Currency, Price: v.Price, EffectiveFrom: v.EffectiveFrom, Group: said(v.PriceGroup)}
	d.Cost = &v.Cost
	return d
}

// Publish sends a step as the command that an operator would send.
func (s console) Publish(ctx context.Context, key string, step catalogimport.Step) (catalogimport.Receipt, error) {
	return patiently(ctx, func() (catalogimport.Receipt, error) { return s.publishOnce(ctx, key, step) })
}

func (s console) publishOnce(ctx context.Context, key string, step catalogimport.Step) (catalogimport.Receipt, error) {
	switch {
	case step.Vendor != nil:
		v := *step.Vendor
		r, err := s.api.PublishVendorWithResponse(ctx, v.ID, &client.PublishVendorParams{IdempotencyKey: &key}, client.VendorSpec{
			Name: v.Name, BaseURL: v.BaseURL, Dialect: v.Dialect, CancelPolicy: v.CancelPolicy, MaxTokensField: v.MaxTokensField, Status: v.Status,
			Profile: v.Profile, Wire: v.Wire,
		})
		if err != nil {
			return catalogimport.Receipt{}, err
		}
		return received(answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status()))
	case step.Model != nil:
		return s.publishModel(ctx, key, *step.Model)
	case step.Endpoint != nil:
		e := *step.Endpoint
		author, slug, _ := strings.Cut(e.Model, "/")
		r, err := s.api.PublishEndpointWithResponse(ctx, author, slug, e.Vendor, &client.PublishEndpointParams{IdempotencyKey: &key}, client.EndpointSpec{
			UpstreamModel: e.UpstreamModel, ContextLength: e.ContextLength, MaxCompletionTokens: e.MaxCompletionTokens, Status: e.Status,
			Terms: unlessZero(e.Terms),
		})
		if err != nil {
			return catalogimport.Receipt{}, err
		}
		return received(answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status()))
	case step.Price != nil:
		return s.publishPrice(ctx, key, step)
	}
	return catalogimport.Receipt{}, errors.New("a step without anything to publish")
}

func (s console) publishModel(ctx context.Context, key string, m catalog.Model) (catalogimport.Receipt, error) {
	author, slug, _ := strings.Cut(m.ID, "/")
	spec := client.ModelSpec{
		Name: m.Name, Description: pointer(m.Description), ContextLength: m.ContextLength, MaxCompletionTokens: m.MaxCompletionTokens,
		InputModalities: append([]string{}, m.InputModalities...), OutputModalities: append([]string{}, m.OutputModalities...), Tokenizer: pointer(m.Tokenizer), ReleasedAt: m.ReleasedAt, Status: m.Status,
		Facts: unlessZero(m.Facts),
	}
	if len(m.SupportedParameters) > 0 {
		spec.SupportedParameters = &m.SupportedParameters
	}
	r, err := s.api.PublishModelWithResponse(ctx, author, slug, &client.PublishModelParams{IdempotencyKey: &key}, spec)
	if err != nil {
		return catalogimport.Receipt{}, err
	}
	return received(answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status()))
}

func (s console) publishPrice(ctx context.Context, key string, step catalogimport.Step) (catalogimport.Receipt, error) {
	author, slug, vendor, err := parseEndpoint(step.ID)
	if err != nil {
		return catalogimport.Receipt{}, err
	}
	r, err := s.api.PublishPriceWithResponse(ctx, author, slug, vendor, &client.PublishPriceParams{IdempotencyKey: &key}, client.PriceSpec{
		Currency: step.Price.Currency, Price: step.Price.Price, Cost: step.Price.Cost, EffectiveFrom: pointer(step.Price.EffectiveFrom),
		PriceGroup: pointer(step.Price.Group),
	})
	if err != nil {
		return catalogimport.Receipt{}, err
	}
	accepted, err := answer(r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
	if err != nil {
		return catalogimport.Receipt{}, err
	}
	return catalogimport.Receipt{Position: int64(accepted.Position), Replayed: accepted.Replayed}, nil
}

func received(r *client.Receipt, err error) (catalogimport.Receipt, error) {
	if err != nil {
		return catalogimport.Receipt{}, err
	}
	return catalogimport.Receipt{Position: int64(r.Position), Replayed: r.Replayed}, nil
}
