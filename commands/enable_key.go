package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// EnableKey lets a disabled key work again.
type EnableKey struct {
	KeyID uuid.UUID `json:"key_id"`
}

// EnableKey records the change.
func (a *App) EnableKey(ctx context.Context, m Meta, c EnableKey) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (EnableKey) name() string { return "enable_key" }

func (c EnableKey) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c EnableKey) decide(d *executor.Decision) (Done, error) {
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	e, err := s.Enable()
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(apikey.Stream(c.KeyID), e)
}
