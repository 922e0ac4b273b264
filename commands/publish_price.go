package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// PublishPrice adds an immutable price version to an endpoint; a zero EffectiveFrom means now.
type PublishPrice struct {
	Endpoint string `json:"endpoint"`
	catalog.PriceVersion
}

// PriceAccepted says from when a price version counts.
type PriceAccepted struct {
	PriceVersion  uuid.UUID `json:"price_version"`
	EffectiveFrom time.Time `json:"effective_from"`
}

// PublishPrice records the price version.
func (a *App) PublishPrice(ctx context.Context, m Meta, c PublishPrice) (PriceAccepted, Receipt, error) {
	return do(ctx, a, m, c)
}

func (PublishPrice) name() string { return "publish_price" }

func (c PublishPrice) streams() []domain.StreamID {
	return []domain.StreamID{catalog.EndpointStream(c.Endpoint)}
}

func (c PublishPrice) decide(d *executor.Decision) (PriceAccepted, error) {
	e, err := state[*catalog.EndpointState](d, catalog.EndpointStream(c.Endpoint)).PublishPrice(c.PriceVersion, d.Now())
	if err != nil {
		return PriceAccepted{}, err
	}
	return PriceAccepted{PriceVersion: e.ID, EffectiveFrom: e.EffectiveFrom}, d.Append(catalog.EndpointStream(c.Endpoint), e)
}
