package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// DisableKey stops a key until it is enabled again.
type DisableKey struct {
	KeyID  uuid.UUID `json:"key_id"`
	Reason string    `json:"reason"`
}

// DisableKey records the change.
func (a *App) DisableKey(ctx context.Context, m Meta, c DisableKey) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (DisableKey) name() string { return "disable_key" }

func (c DisableKey) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c DisableKey) decide(d *executor.Decision) (Done, error) {
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	e, err := s.Disable(apikey.Disable{Reason: c.Reason})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(apikey.Stream(c.KeyID), e)
}
