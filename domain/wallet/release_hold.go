package wallet

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// ReleaseHold ends a hold without a charge: nothing was produced. Where the vendor bills the call all the same, the platform
// bears that.
type ReleaseHold struct {
	HoldID      uuid.UUID
	Reason      string
	Vendor      string // who is owed VendorCost
	ServiceTier string // whose rates count; "" for the standard one
	Usage       usage.Usage
	VendorCost  money.Amount
	Call        Call
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
	if err := c.check(); err != nil {
		return HoldReleased{}, err
	}
	c.Call.OwnKey = h.OwnKey.clone()
	c.VendorCost, c.Call.UpstreamCost = h.OwnKey.share(c.VendorCost)
	after, entry, err := s.dissolve(c.HoldID, h,
		money.Leg{Account: money.CostUsage, Amount: c.VendorCost.Neg()},
		money.Leg{Account: money.VendorPayable(c.Vendor), Amount: c.VendorCost})
	if err != nil {
		return HoldReleased{}, err
	}
	return HoldReleased{
		HoldID: c.HoldID, KeyID: h.KeyID, Model: h.Model, Endpoint: h.Endpoint, Amount: h.Amount,
		Reason: c.Reason, Vendor: c.Vendor, ServiceTier: c.ServiceTier, Usage: bounded(c.Usage), VendorCost: c.VendorCost, Call: c.Call.clean(), Currency: s.Currency, Balances: after, Entry: entry,
	}, nil
}

func (c ReleaseHold) check() error {
	if err := c.Usage.Check(); err != nil {
		return err
	}
	if c.VendorCost.Sign() < 0 || c.VendorCost.Sign() > 0 && c.Vendor == "" {
		return domain.Errorf(domain.CodeAmountInvalid, "the vendor's cost is not negative, and owed to a vendor")
	}
	return c.VendorCost.Check()
}

// dissolve gives a hold's whole amount back. Further legs sum to zero.
func (s *State) dissolve(id uuid.UUID, h *Hold, more ...money.Leg) (Balances, money.Entry, error) {
	entry, err := money.NewEntry(append([]money.Leg{
		{Account: holdAccount(id), Amount: h.Amount.Neg()},
		{Account: s.Account(), Amount: h.Amount},
	}, more...)...)
	return s.balances(money.Zero(), h.Amount.Neg()), entry, err
}
