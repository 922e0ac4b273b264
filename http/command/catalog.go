package command

import (
	"context"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
)

// PublishVendor publishes or replaces a vendor.
func (a *API) PublishVendor(ctx context.Context, r PublishVendorRequestObject) (PublishVendorResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.PublishVendor(ctx, m, commands.PublishVendor{Vendor: catalog.Vendor{
		ID: r.Vendor, Name: r.Body.Name, BaseURL: r.Body.BaseURL, Dialect: r.Body.Dialect,
		CancelPolicy: r.Body.CancelPolicy, MaxTokensField: r.Body.MaxTokensField, Status: r.Body.Status,
		Profile: r.Body.Profile, Wire: r.Body.Wire,
	}})
	if err != nil {
		return nil, err
	}
	return PublishVendor200JSONResponse(receipt(done)), nil
}

// PublishModel publishes or replaces a model.
func (a *API) PublishModel(ctx context.Context, r PublishModelRequestObject) (PublishModelResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if r.Body.InputModalities == nil || r.Body.OutputModalities == nil {
		return nil, domain.Errorf(domain.CodeInvalid, "input_modalities and output_modalities are lists; an empty one says that they are not known")
	}
	_, done, err := a.app.PublishModel(ctx, m, commands.PublishModel{Model: catalog.Model{
		ID: r.Author + "/" + r.Slug, Name: r.Body.Name, Description: chosen(r.Body.Description),
		ContextLength: r.Body.ContextLength, MaxCompletionTokens: r.Body.MaxCompletionTokens,
		InputModalities: r.Body.InputModalities, OutputModalities: r.Body.OutputModalities,
		SupportedParameters: chosen(r.Body.SupportedParameters), Tokenizer: chosen(r.Body.Tokenizer),
		ReleasedAt: r.Body.ReleasedAt, Status: r.Body.Status, Facts: chosen(r.Body.Facts),
	}})
	if err != nil {
		return nil, err
	}
	return PublishModel200JSONResponse(receipt(done)), nil
}

// PublishEndpoint publishes or replaces a vendor's offer of a model.
func (a *API) PublishEndpoint(ctx context.Context, r PublishEndpointRequestObject) (PublishEndpointResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	model := r.Author + "/" + r.Slug
	_, done, err := a.app.PublishEndpoint(ctx, m, commands.PublishEndpoint{Endpoint: catalog.Endpoint{
		ID: model + "@" + r.Vendor, Model: model, Vendor: r.Vendor, UpstreamModel: r.Body.UpstreamModel,
		ContextLength: r.Body.ContextLength, MaxCompletionTokens: r.Body.MaxCompletionTokens, Status: r.Body.Status,
		Terms: chosen(r.Body.Terms),
	}})
	if err != nil {
		return nil, err
	}
	return PublishEndpoint200JSONResponse(receipt(done)), nil
}

// PublishPrice adds a price version. An id that the caller left out follows from the command's.
func (a *API) PublishPrice(ctx context.Context, r PublishPriceRequestObject) (PublishPriceResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	c := commands.PublishPrice{Endpoint: r.Author + "/" + r.Slug + "@" + r.Vendor, PriceVersion: catalog.PriceVersion{
		ID: domain.DeriveID(m.CommandID, "price"), Currency: r.Body.Currency, Price: r.Body.Price, Cost: r.Body.Cost,
		EffectiveFrom: chosen(r.Body.EffectiveFrom), Group: chosen(r.Body.PriceGroup),
	}}
	if r.Body.PriceVersion != nil {
		c.ID = *r.Body.PriceVersion
	}
	price, done, err := a.app.PublishPrice(ctx, m, c)
	if err != nil {
		return nil, err
	}
	return PublishPrice201JSONResponse{
		Endpoint: c.Endpoint, PriceVersion: price.PriceVersion, EffectiveFrom: price.EffectiveFrom.UTC(),
		Position: openapi.Count(done.Position), RecordedAt: done.RecordedAt.UTC(), Replayed: done.Replayed,
	}, nil
}
