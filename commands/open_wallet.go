package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// OpenWallet starts a wallet.
type OpenWallet struct {
	WalletID uuid.UUID      `json:"wallet_id"`
	Owner    string         `json:"owner"`
	Currency money.Currency `json:"currency"`
}

// OpenWallet records a wallet's opening.
func (a *App) OpenWallet(ctx context.Context, m Meta, c OpenWallet) (Balance, Receipt, error) {
	return do(ctx, a, m, c)
}

func (OpenWallet) name() string { return "open_wallet" }

func (c OpenWallet) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c OpenWallet) decide(d *executor.Decision) (Balance, error) {
	s := state[*wallet.State](d, wallet.Stream(c.WalletID))
	e, err := s.Open(wallet.Open(c))
	if err != nil {
		return Balance{}, err
	}
	return Balance{}, d.Append(wallet.Stream(c.WalletID), e)
}
