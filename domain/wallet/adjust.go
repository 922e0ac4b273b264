package wallet

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Adjust corrects the balance; the amount is signed (W3).
type Adjust struct {
	Amount    money.Amount   `json:"amount"`
	Currency  money.Currency `json:"currency"`
	Reason    string         `json:"reason"`
	Reference string         `json:"reference"`
}

// Adjust decides an Adjust.
func (s *State) Adjust(c Adjust) (Adjusted, error) {
	if c.Amount.IsZero() {
		return Adjusted{}, domain.Errorf(domain.CodeAmountInvalid, "an adjustment is not zero")
	}
	if err := s.checkMovement(money.Max(c.Amount, c.Amount.Neg()), c.Currency, c.Reason, c.Reference); err != nil {
		return Adjusted{}, err
	}
	if missing := s.Available().Add(c.Amount); missing.Sign() < 0 {
		return Adjusted{}, domain.Errorf(domain.CodeInsufficientCredits, "the wallet has %s available", s.Available()).
			With("limit", string(LimitWallet)).With("required", c.Amount.Neg().String()).With("available", s.Available().String())
	}
	after, entry, err := s.credit(c.Amount, money.Adjustment)
	if err != nil {
		return Adjusted{}, err
	}
	return Adjusted{
		Amount: c.Amount, Reason: c.Reason, Reference: c.Reference,
		Currency: s.Currency, Balances: after, Entry: entry,
	}, nil
}
