package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// ReleaseHold ends a hold without a charge: nothing was produced.
type ReleaseHold struct {
	HoldID   uuid.UUID   `json:"hold_id"`
	WalletID uuid.UUID   `json:"wallet_id"`
	Reason   string      `json:"reason"` // a stable code
	Call     wallet.Call `json:"call"`
}

// ReleaseHold records the release.
func (a *App) ReleaseHold(ctx context.Context, m Meta, c ReleaseHold) (Balance, Receipt, error) {
	return do(ctx, a, m, c)
}

func (ReleaseHold) name() string { return "release_hold" }

func (c ReleaseHold) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c ReleaseHold) decide(d *executor.Decision) (Balance, error) {
	stream := wallet.Stream(c.WalletID)
	s := state[*wallet.State](d, stream)
	e, err := s.ReleaseHold(wallet.ReleaseHold{HoldID: c.HoldID, Reason: c.Reason, Call: c.Call})
	if err != nil {
		return Balance{}, err
	}
	return balanceOf(e.Balances), d.Append(stream, e)
}
