package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// ChangeKey replaces what it names of a key, and leaves all else as it is. The key is one of the wallet, and calls models.
type ChangeKey struct {
	KeyID    uuid.UUID     `json:"key_id"`
	WalletID uuid.UUID     `json:"wallet_id"`
	Change   apikey.Change `json:"change"`
}

// ChangeKey records the change; it records nothing when everything is so already.
func (a *App) ChangeKey(ctx context.Context, m Meta, c ChangeKey) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (ChangeKey) name() string { return "change_key" }

func (c ChangeKey) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c ChangeKey) decide(d *executor.Decision) (Done, error) {
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	if !s.Issued || s.WalletID != c.WalletID || s.Scope != apikey.Inference {
		return Done{}, domain.Errorf(domain.CodeKeyNotFound, "no such key")
	}
	events, err := s.Change(c.Change, d.Now())
	if err != nil {
		return Done{}, err
	}
	for _, e := range events {
		if err := d.Append(apikey.Stream(c.KeyID), e); err != nil {
			return Done{}, err
		}
	}
	return Done{}, nil
}
