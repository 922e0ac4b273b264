package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// SweepHolds does what the log's clock says about at most Limit overdue holds of one wallet. Refused with hold_active
// when none is due.
type SweepHolds struct {
	WalletID uuid.UUID `json:"wallet_id"`
	Limit    int       `json:"limit"`
}

// Swept counts what a sweep did.
type Swept struct {
	Suspected int `json:"suspected"`
	Expired   int `json:"expired"`
}

// SweepHolds records the steps.
func (a *App) SweepHolds(ctx context.Context, m Meta, c SweepHolds) (Swept, Receipt, error) {
	return do(ctx, a, m, c)
}

func (SweepHolds) name() string { return "sweep_holds" }

// The sweeper asks again later; that nothing was due is not worth keeping.
func (SweepHolds) forgets(domain.Code) bool { return true }

func (c SweepHolds) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c SweepHolds) decide(d *executor.Decision) (Swept, error) {
	s := state[*wallet.State](d, wallet.Stream(c.WalletID))
	due := s.Due(d.Now(), max(c.Limit, 1))
	if len(due) == 0 {
		return Swept{}, domain.Errorf(domain.CodeHoldActive, "no hold of this wallet is overdue")
	}
	var out Swept
	for _, id := range due {
		e, err := s.ExpireHold(id, d.Now())
		if err != nil {
			return Swept{}, err
		}
		if err := d.Append(wallet.Stream(c.WalletID), e); err != nil {
			return Swept{}, err
		}
		if _, suspected := e.(wallet.HoldSuspected); suspected {
			out.Suspected++
		} else {
			out.Expired++
		}
	}
	return out, nil
}
