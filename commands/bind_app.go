package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
)

// BindApp says which app the calls of a key count for: one of the same wallet, or none.
type BindApp struct {
	KeyID uuid.UUID `json:"key_id"`
	AppID uuid.UUID `json:"app_id,omitzero"` // nil frees the key
}

// BindApp records the binding.
func (a *App) BindApp(ctx context.Context, m Meta, c BindApp) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (BindApp) name() string { return "bind_app" }

func (c BindApp) streams() []domain.StreamID {
	if c.AppID == uuid.Nil {
		return []domain.StreamID{apikey.Stream(c.KeyID)}
	}
	return []domain.StreamID{apikey.Stream(c.KeyID), app.Stream(c.AppID)}
}

func (c BindApp) decide(d *executor.Decision) (Done, error) {
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	e, err := s.BindApp(apikey.BindApp{AppID: c.AppID})
	if err != nil {
		return Done{}, err
	}
	if c.AppID != uuid.Nil {
		if err := state[*app.State](d, app.Stream(c.AppID)).Binds(s.WalletID); err != nil {
			return Done{}, err
		}
	}
	return Done{}, d.Append(apikey.Stream(c.KeyID), e)
}
