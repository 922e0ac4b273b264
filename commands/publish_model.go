package commands

import (
	"context"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// PublishModel publishes a model whole, or replaces it.
type PublishModel struct{ catalog.Model }

// PublishModel records the model.
func (a *App) PublishModel(ctx context.Context, m Meta, c PublishModel) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (PublishModel) name() string { return "publish_model" }

func (c PublishModel) streams() []domain.StreamID {
	return []domain.StreamID{catalog.ModelStream(c.ID)}
}

func (c PublishModel) decide(d *executor.Decision) (Done, error) {
	e, err := state[*catalog.ModelState](d, catalog.ModelStream(c.ID)).Publish(c.Model)
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(catalog.ModelStream(c.ID), e)
}
