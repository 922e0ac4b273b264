package wallet

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Open starts a wallet (W1).
type Open struct {
	WalletID uuid.UUID      `json:"wallet_id"`
	Owner    string         `json:"owner"`
	Currency money.Currency `json:"currency"`
}

// Open decides an Open.
func (s *State) Open(c Open) (Opened, error) {
	if s.Opened {
		return Opened{}, domain.Errorf(domain.CodeWalletExists, "this wallet is open already")
	}
	if c.WalletID == uuid.Nil {
		return Opened{}, domain.Errorf(domain.CodeInvalid, "a wallet needs an id")
	}
	if _, err := money.ParseCurrency(string(c.Currency)); err != nil {
		return Opened{}, err
	}
	if err := domain.CheckTextSize("owner", c.Owner, 0, 200); err != nil {
		return Opened{}, err
	}
	return Opened(c), nil
}
