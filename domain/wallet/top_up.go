package wallet

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// TopUp credits money that came in from outside (W3).
type TopUp struct {
	Amount    money.Amount   `json:"amount"`
	Currency  money.Currency `json:"currency"`
	PSP       string         `json:"psp"`
	Reason    string         `json:"reason"`
	Reference string         `json:"reference"`
}

// TopUp decides a TopUp.
func (s *State) TopUp(c TopUp) (ToppedUp, error) {
	if err := s.checkMovement(c.Amount, c.Currency, c.Reason, c.Reference); err != nil {
		return ToppedUp{}, err
	}
	if err := domain.CheckTextSize("psp", c.PSP, 1, 40); err != nil {
		return ToppedUp{}, err
	}
	after, entry, err := s.credit(c.Amount, money.Cash(c.PSP))
	if err != nil {
		return ToppedUp{}, err
	}
	return ToppedUp{
		Amount: c.Amount, PSP: c.PSP, Reason: c.Reason, Reference: c.Reference,
		Currency: s.Currency, Balances: after, Entry: entry,
	}, nil
}
