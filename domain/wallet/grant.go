package wallet

import "github.com/massrouter/massrouter/domain/money"

// Grant credits promotional money (W3).
type Grant struct {
	Amount    money.Amount   `json:"amount"`
	Currency  money.Currency `json:"currency"`
	Reason    string         `json:"reason"`
	Reference string         `json:"reference"`
}

// Grant decides a Grant.
func (s *State) Grant(c Grant) (Granted, error) {
	if err := s.checkMovement(c.Amount, c.Currency, c.Reason, c.Reference); err != nil {
		return Granted{}, err
	}
	after, entry, err := s.credit(c.Amount, money.Promo)
	if err != nil {
		return Granted{}, err
	}
	return Granted{
		Amount: c.Amount, Reason: c.Reason, Reference: c.Reference,
		Currency: s.Currency, Balances: after, Entry: entry,
	}, nil
}
