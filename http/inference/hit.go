package inference

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/generations"
)

// Hits finds answers that were given again from the cache; see hits.Recorder for the errors. Safe for concurrent use.
type Hits interface {
	Find(ctx context.Context, id, wallet uuid.UUID) (hits.Hit, error)
}

// hit is the hit that an id names; nil when it names none.
func (a *API) hit(ctx context.Context, id, wallet uuid.UUID) (*hits.Hit, error) {
	if a.Hits == nil {
		return nil, nil //nolint:nilnil // there is none, and nothing wrong
	}
	h, err := a.Hits.Find(ctx, id, wallet)
	switch {
	case domain.CodeOf(err) == domain.CodeNotFound:
		return nil, nil //nolint:nilnil // there is none, and nothing wrong
	case err != nil:
		return nil, err
	}
	return &h, nil
}

// hitOf is what OpenRouter's /generation has of an answer that was given again: what was asked is that of the call which was charged for it, and
// nothing was used.
func hitOf(h *hits.Hit, paid *generations.Generation, s *catalog.Snapshot) generationData {
	g := *paid
	g.Usage, g.LineItems, g.Charge, g.Debited = nil, nil, money.Zero(), money.Zero()
	g.Call.Streamed, g.Call.Cancelled = h.Streamed, false
	g.Call.DurationMS, g.Call.FirstTokenMS, g.Call.UpstreamID, g.Call.Attempts = 0, 0, "", 0
	data := metadataOf(&g, s)
	source, took, ok := data.ID, h.Duration.Milliseconds(), http.StatusOK
	data.ID, data.ResponseCacheSourceID = domain.GenerationID(h.ID), &source
	data.Latency, data.CreatedAt = &took, h.At.UTC().Format(time.RFC3339Nano)
	data.ProviderResponses = []providerResponse{{EndpointID: g.Endpoint, ModelPermaslug: g.Model, ProviderName: vendorName(&g, s), Status: &ok}}
	return data
}
