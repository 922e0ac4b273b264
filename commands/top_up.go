package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// TopUp credits money that came in from outside.
type TopUp struct {
	WalletID  uuid.UUID      `json:"wallet_id"`
	Amount    money.Amount   `json:"amount"`
	Currency  money.Currency `json:"currency"`
	PSP       string         `json:"psp"` // who holds the cash; "operator" by hand
	Reason    string         `json:"reason"`
	Reference string         `json:"reference"`
}

// TopUp records a top-up.
func (a *App) TopUp(ctx context.Context, m Meta, c TopUp) (Balance, Receipt, error) {
	return do(ctx, a, m, c)
}

func (TopUp) name() string { return "top_up" }

func (c TopUp) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c TopUp) decide(d *executor.Decision) (Balance, error) {
	s := state[*wallet.State](d, wallet.Stream(c.WalletID))
	e, err := s.TopUp(wallet.TopUp{Amount: c.Amount, Currency: c.Currency, PSP: c.PSP, Reason: c.Reason, Reference: c.Reference})
	if err != nil {
		return Balance{}, err
	}
	return balanceOf(e.Balances), d.Append(wallet.Stream(c.WalletID), e)
}
