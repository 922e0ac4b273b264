package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// SetPriceGroup says whose prices a wallet pays: calls that are admitted after it are held and charged at them.
type SetPriceGroup struct {
	WalletID uuid.UUID `json:"wallet_id"`
	Group    string    `json:"price_group,omitempty"` // "" for the list's prices
}

// SetPriceGroup records the change.
func (a *App) SetPriceGroup(ctx context.Context, m Meta, c SetPriceGroup) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (SetPriceGroup) name() string { return "set_price_group" }

func (c SetPriceGroup) streams() []domain.StreamID {
	return []domain.StreamID{wallet.Stream(c.WalletID)}
}

func (c SetPriceGroup) decide(d *executor.Decision) (Done, error) {
	stream := wallet.Stream(c.WalletID)
	e, err := state[*wallet.State](d, stream).SetPriceGroup(wallet.SetPriceGroup{Group: c.Group})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(stream, e)
}
