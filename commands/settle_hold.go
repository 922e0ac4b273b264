package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// SettleHold charges what a call used, at the price version that its hold pinned.
type SettleHold struct {
	HoldID   uuid.UUID `json:"hold_id"`
	WalletID uuid.UUID `json:"wallet_id"`
	Endpoint string    `json:"endpoint"`
	// ServiceTier is the one whose rates count: see catalog.Schedule.Served. The standard one when empty.
	ServiceTier string           `json:"service_tier,omitempty"`
	Usage       usage.Usage      `json:"usage,omitempty"`
	Provenance  usage.Provenance `json:"provenance"`
	Call        wallet.Call      `json:"call"`
}

// Charged is a settlement.
type Charged struct {
	Charge         money.Amount `json:"charge"`
	Debited        money.Amount `json:"debited"` // what the customer paid: the charge without the uncollectible part
	Uncollectible  money.Amount `json:"uncollectible,omitzero"`
	PromptCost     money.Amount `json:"prompt_cost"`
	CompletionCost money.Amount `json:"completion_cost"`
	VendorCost     money.Amount `json:"vendor_cost"`
	UpstreamCost   money.Amount `json:"upstream_cost,omitzero"` // what the vendor bills the customer whose own key it was called with
	Posted         money.Amount `json:"posted"`
	Held           money.Amount `json:"held"`
}

// SettleHold records the charge.
func (a *App) SettleHold(ctx context.Context, m Meta, c SettleHold) (Charged, Receipt, error) {
	return do(ctx, a, m, c)
}

func (SettleHold) name() string { return "settle_hold" }

func (c SettleHold) streams() []domain.StreamID {
	return []domain.StreamID{wallet.Stream(c.WalletID), catalog.EndpointStream(c.Endpoint)}
}

func (c SettleHold) decide(d *executor.Decision) (Charged, error) {
	stream := wallet.Stream(c.WalletID)
	w := state[*wallet.State](d, stream)
	endpoint := state[*catalog.EndpointState](d, catalog.EndpointStream(c.Endpoint))
	settle := wallet.SettleHold{
		HoldID: c.HoldID, Vendor: endpoint.Endpoint.Vendor, ServiceTier: c.ServiceTier, Usage: c.Usage, Provenance: c.Provenance, Call: c.Call,
	}
	if hold, ok := w.Find(c.HoldID); ok {
		var err error
		if settle.LineItems, settle.VendorCost, err = c.priced(hold, endpoint); err != nil {
			return Charged{}, err
		}
	}
	e, err := w.SettleHold(settle, d.Now())
	if err != nil {
		return Charged{}, err
	}
	return chargedOf(e), d.Append(stream, e)
}

// priced computes the line items and the vendor's bill, whoever gets it, at the pinned version, as of when the hold was placed.
func (c SettleHold) priced(hold wallet.Hold, endpoint *catalog.EndpointState) ([]usage.LineItem, money.Amount, error) {
	if hold.Endpoint != c.Endpoint {
		return nil, money.Amount{}, domain.Errorf(domain.CodeInvalid, "the hold was placed for another endpoint")
	}
	if err := c.Usage.Check(); err != nil {
		return nil, money.Amount{}, err
	}
	version, err := endpoint.Price(hold.PriceVersion)
	if err != nil {
		return nil, money.Amount{}, err
	}
	if _, known := version.Price.Served(c.ServiceTier, c.ServiceTier); !known || c.ServiceTier == catalog.AnyTier {
		return nil, money.Amount{}, domain.Errorf(domain.CodeInvalid, "the service tier has no price in the version that was pinned")
	}
	items := version.Price.For(c.ServiceTier).LineItems(c.Usage, hold.PlacedAt)
	bill := usage.Total(items)
	if version.Cost != nil {
		bill = usage.Total(version.Cost.For(c.ServiceTier).LineItems(c.Usage, hold.PlacedAt))
	}
	if hold.OwnKey != nil {
		items = version.Price.Part(hold.OwnKey.Rate).For(c.ServiceTier).LineItems(c.Usage, hold.PlacedAt)
	}
	return items, bill, nil
}

func chargedOf(e wallet.UsageCharged) Charged {
	out := Charged{
		Charge: e.Charge, Debited: e.Debited(), Uncollectible: e.Uncollectible, VendorCost: e.VendorCost, UpstreamCost: e.Call.UpstreamCost,
		Posted: e.Posted, Held: e.Held,
	}
	for _, item := range e.LineItems {
		switch item.Class.Side() {
		case usage.Prompt:
			out.PromptCost = out.PromptCost.Add(item.Amount)
		case usage.Completion:
			out.CompletionCost = out.CompletionCost.Add(item.Amount)
		case usage.Neither:
		}
	}
	return out
}
