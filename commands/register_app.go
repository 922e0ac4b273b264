package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/wallet"
)

// RegisterApp adds an app to a wallet; the wallet's owner is the app's.
type RegisterApp struct {
	AppID    uuid.UUID   `json:"app_id"`
	WalletID uuid.UUID   `json:"wallet_id"`
	Details  app.Details `json:"details"`
}

// RegisterApp records an app.
func (a *App) RegisterApp(ctx context.Context, m Meta, c RegisterApp) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (RegisterApp) name() string { return "register_app" }

func (c RegisterApp) streams() []domain.StreamID {
	return []domain.StreamID{app.Stream(c.AppID), wallet.Stream(c.WalletID)}
}

func (c RegisterApp) decide(d *executor.Decision) (Done, error) {
	w := state[*wallet.State](d, wallet.Stream(c.WalletID))
	if !w.Opened {
		return Done{}, domain.Errorf(domain.CodeWalletNotFound, "no such wallet")
	}
	s := state[*app.State](d, app.Stream(c.AppID))
	e, err := s.Register(app.Register{AppID: c.AppID, WalletID: c.WalletID, Owner: w.Owner, Details: c.Details})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(app.Stream(c.AppID), e)
}
