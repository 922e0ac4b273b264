package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// SetRateLimits replaces the rate limits of a wallet, which all of its calls share.
type SetRateLimits struct {
	WalletID uuid.UUID         `json:"wallet_id"`
	Rates    wallet.RateLimits `json:"rate_limits,omitzero"`
}

// SetRateLimits records the limits.
func (a *App) SetRateLimits(ctx context.Context, m Meta, c SetRateLimits) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (SetRateLimits) name() string { return "set_rate_limits" }

func (c SetRateLimits) streams() []domain.StreamID {
	return []domain.StreamID{wallet.Stream(c.WalletID)}
}

func (c SetRateLimits) decide(d *executor.Decision) (Done, error) {
	stream := wallet.Stream(c.WalletID)
	e, err := state[*wallet.State](d, stream).SetRateLimits(wallet.SetRateLimits{Rates: c.Rates})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(stream, e)
}
