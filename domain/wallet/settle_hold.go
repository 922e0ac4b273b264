package wallet

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// SettleHold charges what a call used.
type SettleHold struct {
	HoldID      uuid.UUID
	Vendor      string
	ServiceTier string // whose rates count; "" for the standard one
	Usage       usage.Usage
	Provenance  usage.Provenance
	LineItems   []usage.LineItem // at the hold's pinned price version
	VendorCost  money.Amount     // what the vendor bills: the platform, or the customer whose own key it was called with
	Call        Call
}

// SettleHold decides a SettleHold (W7 to W10).
func (s *State) SettleHold(c SettleHold, now time.Time) (UsageCharged, error) {
	if err := s.opened(); err != nil {
		return UsageCharged{}, err
	}
	h, reserved, err := s.settleable(c.HoldID, now)
	if err != nil {
		return UsageCharged{}, err
	}
	if err := c.check(); err != nil {
		return UsageCharged{}, err
	}
	c.Call.OwnKey = h.OwnKey.clone()
	c.VendorCost, c.Call.UpstreamCost = h.OwnKey.share(c.VendorCost)
	charge := usage.Total(c.LineItems)
	if err := charge.Check(); err != nil {
		return UsageCharged{}, err
	}
	over := money.Max(charge.Sub(reserved), money.Zero())
	uncollectible := money.Max(over.Sub(s.Available()), money.Zero())
	entry, err := s.chargeEntry(c, reserved, charge, uncollectible)
	if err != nil {
		return UsageCharged{}, err
	}
	return UsageCharged{
		HoldID: c.HoldID, KeyID: h.KeyID, MemberID: h.MemberID, Model: h.Model, Endpoint: h.Endpoint, Vendor: c.Vendor,
		PriceVersion: h.PriceVersion, PriceGroup: h.PriceGroup, ServiceTier: c.ServiceTier, Usage: c.Usage.Clone(), Provenance: c.Provenance, LineItems: slices.Concat([]usage.LineItem{}, c.LineItems),
		Charge: charge, Uncollectible: uncollectible, VendorCost: c.VendorCost, HeldBefore: reserved, Late: !h.ExpiredAt.IsZero(),
		Call: c.Call.clean(), Currency: s.Currency,
		Balances: s.balances(uncollectible.Sub(charge), reserved.Neg()), Entry: entry,
	}, nil
}

// settleable finds the hold of a settlement and what is still reserved for it: nothing once it has expired (W10).
func (s *State) settleable(id uuid.UUID, now time.Time) (*Hold, money.Amount, error) {
	if late, ok := s.Expired[id]; ok && now.Sub(late.ExpiredAt) <= LateSettlement {
		return late, money.Zero(), nil
	}
	h, err := s.open(id)
	if err != nil {
		return nil, money.Amount{}, err
	}
	return h, h.Amount, nil
}

const maxVendor = 50 // bytes of a vendor's id

func (c SettleHold) check() error {
	if err := c.Usage.Check(); err != nil {
		return err
	}
	if err := c.Provenance.Check(); err != nil {
		return err
	}
	if err := domain.CheckTextSize("vendor", c.Vendor, 1, maxVendor); err != nil {
		return err
	}
	for _, item := range c.LineItems {
		if err := item.Check(); err != nil {
			return err
		}
	}
	if c.VendorCost.Sign() < 0 {
		return domain.Errorf(domain.CodeAmountInvalid, "a vendor's cost is not negative")
	}
	return c.VendorCost.Check()
}

// chargeEntry has all legs of a settlement: the hold dissolves, the wallet gets the rest back or pays the overrun,
// revenue gets the whole charge, and what we owe the vendor stands against the cost of usage.
func (s *State) chargeEntry(c SettleHold, reserved, charge, uncollectible money.Amount) (money.Entry, error) {
	return money.NewEntry(
		money.Leg{Account: holdAccount(c.HoldID), Amount: reserved.Neg()},
		money.Leg{Account: s.Account(), Amount: reserved.Sub(charge).Add(uncollectible)},
		money.Leg{Account: money.Uncollectible, Amount: uncollectible.Neg()},
		money.Leg{Account: money.RevenueUsage, Amount: charge},
		money.Leg{Account: money.CostUsage, Amount: c.VendorCost.Neg()},
		money.Leg{Account: money.VendorPayable(c.Vendor), Amount: c.VendorCost})
}
