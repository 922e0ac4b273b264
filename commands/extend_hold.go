package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// ExtendHold renews the hold of a call that still runs, to TTL from now by the log's clock.
type ExtendHold struct {
	HoldID   uuid.UUID     `json:"hold_id"`
	WalletID uuid.UUID     `json:"wallet_id"`
	TTL      time.Duration `json:"ttl_ns"`
}

// Extended is a renewed hold.
type Extended struct {
	ExpiresAt time.Time `json:"expires_at"`
}

// ExtendHold records the extension.
func (a *App) ExtendHold(ctx context.Context, m Meta, c ExtendHold) (Extended, Receipt, error) {
	return do(ctx, a, m, c)
}

func (ExtendHold) name() string { return "extend_hold" }

func (c ExtendHold) streams() []domain.StreamID { return []domain.StreamID{wallet.Stream(c.WalletID)} }

func (c ExtendHold) decide(d *executor.Decision) (Extended, error) {
	stream := wallet.Stream(c.WalletID)
	s := state[*wallet.State](d, stream)
	e, err := s.ExtendHold(wallet.ExtendHold{HoldID: c.HoldID, ExpiresAt: d.Now().Add(c.TTL)}, d.Now())
	if err != nil {
		return Extended{}, err
	}
	return Extended{ExpiresAt: e.ExpiresAt}, d.Append(stream, e)
}
