package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// ChargeRef names a charge: a read model knows where in the log it stands. What is corrected is the event that is found there.
type ChargeRef struct {
	GenerationID   uuid.UUID `json:"generation_id"`
	WalletID       uuid.UUID `json:"wallet_id"`
	HoldPosition   int64     `json:"hold_position"`
	ChargePosition int64     `json:"charge_position"`
}

// CorrectCharge replaces what a charge came to by what the true usage costs, at the price version of the charge.
type CorrectCharge struct {
	ChargeRef
	Usage      usage.Usage      `json:"usage,omitempty"`
	Provenance usage.Provenance `json:"provenance"` // looked_up or operator
	Evidence   string           `json:"evidence"`   // corrects a charge once
	Reason     string           `json:"reason"`

	was *charged
}

// Correction is a charge after a correction.
type Correction struct {
	Charge        money.Amount `json:"charge"`        // what the call costs, all in all
	Difference    money.Amount `json:"difference"`    // to what it came to before; signed
	Debited       money.Amount `json:"debited"`       // what the customer pays more; signed
	Uncollectible money.Amount `json:"uncollectible"` // of Charge
	VendorCost    money.Amount `json:"vendor_cost"`
	UpstreamCost  money.Amount `json:"upstream_cost,omitzero"` // what the vendor bills the customer whose own key it was called with
	Posted        money.Amount `json:"posted"`
	Held          money.Amount `json:"held"`
}

// CorrectCharge records a correction. Errors: charge_not_found, charge_final, evidence_used, usage_invalid and others of the wallet.
func (a *App) CorrectCharge(ctx context.Context, m Meta, c CorrectCharge) (Correction, Receipt, error) {
	var err error
	if c.was, err = a.charged(ctx, c.ChargeRef); err != nil {
		return Correction{}, Receipt{}, err
	}
	return do(ctx, a, m, c)
}

func (CorrectCharge) name() string { return "correct_charge" }

func (c CorrectCharge) streams() []domain.StreamID { return c.was.streams(c.ChargeRef) }

func (c CorrectCharge) decide(d *executor.Decision) (Correction, error) {
	endpoint := state[*catalog.EndpointState](d, catalog.EndpointStream(c.was.charge.Endpoint))
	s := state[*charge.State](d, charge.Stream(c.GenerationID))
	number, err := s.Next(c.was.charge, c.Evidence)
	if err != nil {
		return Correction{}, err
	}
	items, cost, err := c.priced(endpoint)
	if err != nil {
		return Correction{}, err
	}
	e, err := state[*wallet.State](d, wallet.Stream(c.WalletID)).CorrectCharge(wallet.CorrectCharge{
		Charge: c.was.charge, Position: c.ChargePosition, ChargedAt: c.was.chargedAt, PlacedAt: c.was.placedAt, Number: number,
		Before: s.Before(c.was.charge), Usage: c.Usage, Provenance: c.Provenance, Evidence: c.Evidence, Reason: c.Reason,
		LineItems: items, VendorCost: cost,
	})
	if err != nil {
		return Correction{}, err
	}
	if err := d.Append(wallet.Stream(c.WalletID), e); err != nil {
		return Correction{}, err
	}
	return correctionOf(e), d.Append(charge.Stream(c.GenerationID), s.Note(c.WalletID, e))
}

// priced is what the usage costs as the charge was priced.
func (c CorrectCharge) priced(endpoint *catalog.EndpointState) ([]usage.LineItem, money.Amount, error) {
	e := c.was.charge
	return SettleHold{Endpoint: e.Endpoint, ServiceTier: e.ServiceTier, Usage: c.Usage}.priced(
		wallet.Hold{Endpoint: e.Endpoint, PriceVersion: e.PriceVersion, OwnKey: e.Call.OwnKey, PlacedAt: c.was.placedAt}, endpoint)
}

func correctionOf(e wallet.ChargeCorrected) Correction {
	return Correction{
		Charge: e.After.Charge, Difference: e.Difference(), Debited: e.Debited(), Uncollectible: e.After.Uncollectible,
		VendorCost: e.After.VendorCost, UpstreamCost: e.After.UpstreamCost, Posted: e.Posted, Held: e.Held,
	}
}
