package wallet

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// ReleaseHold ends a hold without a charge: nothing was produced.
type ReleaseHold struct {
	HoldID uuid.UUID
	Reason string
	Call   Call
}

// ReleaseHold decides a ReleaseHold (W7).
func (s *State) ReleaseHold(c ReleaseHold) (HoldReleased, error) {
	h, err := s.open(c.HoldID)
	if err != nil {
		return HoldReleased{}, err
	}
	if err := domain.CheckTextSize("reason", c.Reason, 1, 100); err != nil {
		return HoldReleased{}, err
	}
	after, entry, err := s.dissolve(c.HoldID, h)
	if err != nil {
		return HoldReleased{}, err
	}
	return HoldReleased{
		HoldID: c.HoldID, KeyID: h.KeyID, Model: h.Model, Endpoint: h.Endpoint, Amount: h.Amount,
		Reason: c.Reason, Call: c.Call.clean(), Currency: s.Currency, Balances: after, Entry: entry,
	}, nil
}

// dissolve gives a hold's whole amount back.
func (s *State) dissolve(id uuid.UUID, h *Hold) (Balances, money.Entry, error) {
	entry, err := money.NewEntry(
		money.Leg{Account: holdAccount(id), Amount: h.Amount.Neg()},
		money.Leg{Account: s.Account(), Amount: h.Amount})
	return s.balances(money.Zero(), h.Amount.Neg()), entry, err
}
