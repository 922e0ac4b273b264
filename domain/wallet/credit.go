package wallet

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// checkMovement refuses what no credit or adjustment may be (W1, W3); amount is without its sign.
func (s *State) checkMovement(amount money.Amount, currency money.Currency, reason, reference string) error {
	if err := s.opened(); err != nil {
		return err
	}
	if currency != s.Currency {
		return domain.Errorf(domain.CodeCurrencyMismatch, "the wallet's currency is %s", s.Currency)
	}
	if amount.Sign() <= 0 {
		return domain.Errorf(domain.CodeAmountInvalid, "the amount is above zero")
	}
	if err := amount.Check(); err != nil {
		return err
	}
	if err := domain.CheckTextSize("reason", reason, 1, 500); err != nil {
		return err
	}
	return domain.CheckTextSize("reference", reference, 0, 200)
}

// credit moves a signed amount from a house account to the wallet.
func (s *State) credit(amount money.Amount, from money.Account) (Balances, money.Entry, error) {
	after := s.balances(amount, money.Zero())
	if err := after.Posted.Check(); err != nil {
		return Balances{}, nil, err
	}
	entry, err := money.NewEntry(money.Leg{Account: from, Amount: amount.Neg()}, money.Leg{Account: s.Account(), Amount: amount})
	return after, entry, err
}
