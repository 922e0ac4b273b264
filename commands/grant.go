package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Grant gives promotional credit.
type Grant struct {
	WalletID  uuid.UUID      `json:"wallet_id"`
	Amount    money.Amount   `json:"amount"`
	Currency  money.Currency `json:"currency"`
	Reason    string         `json:"reason"`
	Reference string         `json:"reference"`
}

// Grant records a grant.
func (a *App) Grant(ctx context.Context, m Meta, c Grant) (Balance, Receipt, error) {
	return do(ctx, a, m, c)
}

func (Grant) name() string { return "grant" }

func (c Grant) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c Grant) decide(d *executor.Decision) (Balance, error) {
	s := state[*wallet.State](d, wallet.Stream(c.WalletID))
	e, err := s.Grant(wallet.Grant{Amount: c.Amount, Currency: c.Currency, Reason: c.Reason, Reference: c.Reference})
	if err != nil {
		return Balance{}, err
	}
	return balanceOf(e.Balances), d.Append(wallet.Stream(c.WalletID), e)
}
