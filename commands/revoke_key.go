package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// RevokeKey ends a key for good.
type RevokeKey struct {
	KeyID  uuid.UUID `json:"key_id"`
	Reason string    `json:"reason"`
}

// RevokeKey records the change.
func (a *App) RevokeKey(ctx context.Context, m Meta, c RevokeKey) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (RevokeKey) name() string { return "revoke_key" }

func (c RevokeKey) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c RevokeKey) decide(d *executor.Decision) (Done, error) {
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	e, err := s.Revoke(apikey.Revoke{Reason: c.Reason})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(apikey.Stream(c.KeyID), e)
}
