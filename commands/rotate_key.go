package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// RotateKey replaces a key's secret.
type RotateKey struct {
	KeyID uuid.UUID     `json:"key_id"`
	Hash  apikey.Hash   `json:"hash"`
	Label string        `json:"label"`
	Grace time.Duration `json:"grace_ns"` // how long the old secret works on
}

// RotateKey records the change.
func (a *App) RotateKey(ctx context.Context, m Meta, c RotateKey) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (RotateKey) name() string { return "rotate_key" }

func (c RotateKey) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c RotateKey) decide(d *executor.Decision) (Done, error) {
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	e, err := s.Rotate(apikey.Rotate{Hash: c.Hash, Label: c.Label, Grace: c.Grace}, d.Now())
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(apikey.Stream(c.KeyID), e)
}
