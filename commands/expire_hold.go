package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// ExpireHold does what the log's clock says about one overdue hold: it becomes suspect first, and expires when nothing
// became known of its call. Refused with hold_active while neither is due.
type ExpireHold struct {
	HoldID   uuid.UUID `json:"hold_id"`
	WalletID uuid.UUID `json:"wallet_id"`
}

// Expired says what became of the hold: the event's name.
type Expired struct {
	Event string `json:"event"`
}

// ExpireHold records the step.
func (a *App) ExpireHold(ctx context.Context, m Meta, c ExpireHold) (Expired, Receipt, error) {
	return do(ctx, a, m, c)
}

func (ExpireHold) name() string { return "expire_hold" }

// The sweeper asks again later; that something was not due yet is not worth keeping.
func (ExpireHold) forgets(domain.Code) bool { return true }

func (c ExpireHold) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c ExpireHold) decide(d *executor.Decision) (Expired, error) {
	s := state[*wallet.State](d, wallet.Stream(c.WalletID))
	e, err := s.ExpireHold(c.HoldID, d.Now())
	if err != nil {
		return Expired{}, err
	}
	return Expired{Event: e.EventType()}, d.Append(wallet.Stream(c.WalletID), e)
}
