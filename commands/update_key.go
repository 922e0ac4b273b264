package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// UpdateKey replaces a key's name, caps, models, expiry and rate limits. Its member stays.
type UpdateKey struct {
	KeyID  uuid.UUID     `json:"key_id"`
	Limits apikey.Limits `json:"limits"`
}

// UpdateKey records the change.
func (a *App) UpdateKey(ctx context.Context, m Meta, c UpdateKey) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (UpdateKey) name() string { return "update_key" }

func (c UpdateKey) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c UpdateKey) decide(d *executor.Decision) (Done, error) {
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	e, err := s.Update(apikey.Update{Limits: c.Limits}, d.Now())
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(apikey.Stream(c.KeyID), e)
}
