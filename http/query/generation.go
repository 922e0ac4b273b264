package query

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	domainwallet "github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/generations"
)

// GetGeneration is the receipt of one call.
func (a *API) GetGeneration(ctx context.Context, r GetGenerationRequestObject) (GetGenerationResponseObject, error) {
	id, err := domain.ParseGenerationID(r.GenerationID)
	if err != nil {
		return nil, err
	}
	g, err := a.views.Generations.Generation(ctx, id, nil, position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	s, err := a.snapshot(ctx, 0)
	if err != nil {
		return nil, err
	}
	return GetGeneration200JSONResponse{
		Generation: shown(ctx, &g), Price: pinned(s, &g), Position: openapi.Count(g.Position), AsOf: g.AsOf,
	}, nil
}

// pinned is the price version that a call was made at, nil when the catalogue does not have it yet.
func pinned(s *catalog.Snapshot, g *generations.Generation) *PriceVersion {
	v, ok := s.Price(g.Endpoint, g.PriceVersion)
	if !ok {
		return nil
	}
	answer := priceVersion(v)
	return &answer
}

// ListGenerations lists calls.
func (a *API) ListGenerations(ctx context.Context, r ListGenerationsRequestObject) (ListGenerationsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	page, err := a.views.Generations.List(ctx, generations.Request{
		WalletID: r.Params.WalletID, KeyID: r.Params.KeyID, Model: chosen(r.Params.Model),
		From: chosen(r.Params.From), To: chosen(r.Params.To), Cursor: chosen(r.Params.Cursor), Limit: n,
		MinPosition: position(r.Params.MinPosition),
	})
	if err != nil {
		return nil, err
	}
	answer := ListGenerations200JSONResponse{
		Items: make([]Generation, len(page.Generations)), NextCursor: present(page.NextCursor),
		Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Generations {
		answer.Items[i] = shown(ctx, &page.Generations[i])
	}
	return answer, nil
}

func generation(g *generations.Generation) Generation {
	answer := Generation{
		ID: domain.GenerationID(g.ID), WalletID: g.WalletID, KeyID: g.KeyID, Model: g.Model, Endpoint: g.Endpoint,
		Vendor: present(g.Vendor), State: string(g.State), PriceVersion: g.PriceVersion, Currency: g.Currency,
		HoldAmount: g.HoldAmount, MaxPromptTokens: openapi.Count(g.MaxPromptTokens),
		MaxCompletionTokens: openapi.Count(g.MaxCompletionTokens), Charge: g.Charge, Debited: g.Debited,
		Uncollectible: g.Uncollectible,
		Provenance:    present(string(g.Provenance)), Late: g.Late,
		ReleaseReason: present(g.ReleaseReason), Call: call(&g.Call), PlacedAt: g.PlacedAt.UTC(),
		ExpiresAt: g.ExpiresAt.UTC(), EndedAt: moment(g.EndedAt), HoldPosition: openapi.Count(g.HoldPosition),
		EndPosition: present(openapi.Count(g.EndPosition)),
	}
	if g.State == generations.Charged {
		answer.VendorCost = &g.VendorCost
	}
	answer.Usage, answer.LineItems = quantities(g.Usage), lineItems(g.LineItems)
	if c := g.Correction; c != nil {
		answer.Correction = &GenerationCorrection{
			Number: openapi.Count(c.Number), Position: openapi.Count(c.Position), CorrectedAt: c.CorrectedAt, Evidence: c.Evidence, Reason: c.Reason,
			Insured: c.Insured, Original: GenerationOriginal{
				Charge: c.Original.Charge, Uncollectible: c.Original.Uncollectible, VendorCost: &c.Original.VendorCost,
				Usage: quantities(c.Original.Usage), Provenance: string(c.Original.Provenance), LineItems: lineItems(c.Original.LineItems),
			},
		}
	}
	return answer
}

func quantities(u usage.Usage) map[string]openapi.Count {
	out := make(map[string]openapi.Count, len(u))
	for class, n := range u {
		out[string(class)] = openapi.Count(n)
	}
	return out
}

func lineItems(items []usage.LineItem) []LineItem {
	out := make([]LineItem, len(items))
	for i, item := range items {
		out[i] = LineItem{Class: string(item.Class), Quantity: openapi.Count(item.Quantity), Price: item.Price, Amount: item.Amount}
	}
	return out
}

func call(c *domainwallet.Call) Call {
	shown := Call{
		Streamed: c.Streamed, Cancelled: c.Cancelled, Suspect: c.Suspect, SuspectReason: present(c.SuspectReason), Attempts: c.Attempts,
		FinishReason: present(c.FinishReason), NativeFinishReason: present(c.NativeFinishReason),
		ServiceTier: present(c.ServiceTier),
		UpstreamID:  present(c.UpstreamID), Error: present(c.Error), StartedAt: moment(c.StartedAt),
		FirstTokenMs: present(openapi.Count(c.FirstTokenMS)), DurationMs: present(openapi.Count(c.DurationMS)),
	}
	if own := c.OwnKey; own != nil {
		shown.OwnKey = &OwnKey{ID: own.ID, Rate: own.Rate, UpstreamCost: c.UpstreamCost}
	}
	return shown
}
