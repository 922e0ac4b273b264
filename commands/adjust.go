package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Adjust corrects a balance by an operator's decision.
type Adjust struct {
	WalletID  uuid.UUID      `json:"wallet_id"`
	Amount    money.Amount   `json:"amount"` // signed
	Currency  money.Currency `json:"currency"`
	Reason    string         `json:"reason"`
	Reference string         `json:"reference"`
}

// Adjust records an adjustment.
func (a *App) Adjust(ctx context.Context, m Meta, c Adjust) (Balance, Receipt, error) {
	return do(ctx, a, m, c)
}

func (Adjust) name() string { return "adjust" }

func (c Adjust) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c Adjust) decide(d *executor.Decision) (Balance, error) {
	s := state[*wallet.State](d, wallet.Stream(c.WalletID))
	e, err := s.Adjust(wallet.Adjust{Amount: c.Amount, Currency: c.Currency, Reason: c.Reason, Reference: c.Reference})
	if err != nil {
		return Balance{}, err
	}
	return balanceOf(e.Balances), d.Append(wallet.Stream(c.WalletID), e)
}
