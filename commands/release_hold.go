package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// ReleaseHold ends a hold without a charge: nothing was produced.
type ReleaseHold struct {
	HoldID   uuid.UUID `json:"hold_id"`
	WalletID uuid.UUID `json:"wallet_id"`
	Reason   string    `json:"reason"` // a stable code
	// What the vendor reports of a call that the customer does not pay: the platform bears its cost at the version that the hold
	// pinned. Endpoint is the hold's; nothing is borne without it.
	Endpoint    string      `json:"endpoint,omitempty"`
	ServiceTier string      `json:"service_tier,omitempty"` // see SettleHold
	Usage       usage.Usage `json:"usage,omitempty"`
	Call        wallet.Call `json:"call"`
}

// ReleaseHold records the release.
func (a *App) ReleaseHold(ctx context.Context, m Meta, c ReleaseHold) (Balance, Receipt, error) {
	return do(ctx, a, m, c)
}

func (ReleaseHold) name() string { return "release_hold" }

func (c ReleaseHold) streams() []domain.StreamID {
	if c.Endpoint == "" {
		return []domain.StreamID{wallet.Stream(c.WalletID)}
	}
	return []domain.StreamID{wallet.Stream(c.WalletID), catalog.EndpointStream(c.Endpoint)}
}

func (c ReleaseHold) decide(d *executor.Decision) (Balance, error) {
	stream := wallet.Stream(c.WalletID)
	s := state[*wallet.State](d, stream)
	release := wallet.ReleaseHold{HoldID: c.HoldID, Reason: c.Reason, Call: c.Call}
	if hold, ok := s.Find(c.HoldID); ok && c.Endpoint != "" {
		endpoint := state[*catalog.EndpointState](d, catalog.EndpointStream(c.Endpoint))
		_, cost, err := SettleHold{Endpoint: c.Endpoint, ServiceTier: c.ServiceTier, Usage: c.Usage}.priced(hold, endpoint)
		if err != nil {
			return Balance{}, err
		}
		release.Vendor, release.ServiceTier, release.Usage, release.VendorCost = endpoint.Endpoint.Vendor, c.ServiceTier, c.Usage, cost
	}
	e, err := s.ReleaseHold(release)
	if err != nil {
		return Balance{}, err
	}
	return balanceOf(e.Balances), d.Append(stream, e)
}
