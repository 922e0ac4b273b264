package commands

import (
	"context"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// PublishEndpoint publishes a vendor's offer of a model whole, or replaces it.
type PublishEndpoint struct{ catalog.Endpoint }

// PublishEndpoint records the endpoint.
func (a *App) PublishEndpoint(ctx context.Context, m Meta, c PublishEndpoint) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (PublishEndpoint) name() string { return "publish_endpoint" }

func (c PublishEndpoint) streams() []domain.StreamID {
	return []domain.StreamID{catalog.EndpointStream(c.ID), catalog.VendorStream(c.Vendor), catalog.ModelStream(c.Model)}
}

func (c PublishEndpoint) decide(d *executor.Decision) (Done, error) {
	e, err := state[*catalog.EndpointState](d, catalog.EndpointStream(c.ID)).Publish(c.Endpoint,
		state[*catalog.VendorState](d, catalog.VendorStream(c.Vendor)),
		state[*catalog.ModelState](d, catalog.ModelStream(c.Model)))
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(catalog.EndpointStream(c.ID), e)
}
