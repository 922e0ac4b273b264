package wallet

import (
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// CorrectCharge says what a call that was charged used in truth.
type CorrectCharge struct {
	Charge     UsageCharged // as the log has it
	Position   int64        // of the charge in the log
	ChargedAt  time.Time
	PlacedAt   time.Time // of the hold
	Number     int64     // of the charge's corrections, from 1
	Before     Bill      // the charge's, or that of the correction before
	Usage      usage.Usage
	Provenance usage.Provenance
	Evidence   string
	Reason     string
	LineItems  []usage.LineItem // at the charge's price version and service tier, as of PlacedAt
	VendorCost money.Amount     // likewise: what the vendor bills, the platform or the customer
}

// CorrectCharge decides a CorrectCharge (W15, W16). Whether the evidence was used before is not the wallet's to know.
func (s *State) CorrectCharge(c CorrectCharge) (ChargeCorrected, error) {
	if err := s.opened(); err != nil {
		return ChargeCorrected{}, err
	}
	if err := c.check(); err != nil {
		return ChargeCorrected{}, err
	}
	insured := Insured(c.Usage, c.Charge.Call.FinishReason)
	items := slices.Concat([]usage.LineItem{}, c.LineItems)
	if insured {
		items = []usage.LineItem{}
	}
	now := Bill{Usage: c.Usage.Clone(), Charge: usage.Total(items)}
	now.VendorCost, now.UpstreamCost = c.Charge.Call.OwnKey.share(c.VendorCost)
	after, err := s.corrected(c.Before, now)
	if err != nil {
		return ChargeCorrected{}, err
	}
	e := ChargeCorrected{
		HoldID: c.Charge.HoldID, KeyID: c.Charge.KeyID, MemberID: c.Charge.MemberID, Model: c.Charge.Model, Endpoint: c.Charge.Endpoint, Vendor: c.Charge.Vendor,
		PriceVersion: c.Charge.PriceVersion, ServiceTier: c.Charge.ServiceTier, OwnKey: c.Charge.Call.OwnKey.clone(),
		PlacedAt: domain.Moment(c.PlacedAt), ChargedAt: domain.Moment(c.ChargedAt), ChargePosition: c.Position,
		Number: c.Number, Before: c.Before, After: after, LineItems: items, Insured: insured,
		Provenance: c.Provenance, Evidence: c.Evidence, Reason: c.Reason, AppID: c.Charge.Call.AppID, AppURL: c.Charge.Call.AppURL, Currency: s.Currency,
	}
	e.Balances = s.balances(e.Debited().Neg(), money.Zero())
	if err := e.Posted.Check(); err != nil {
		return ChargeCorrected{}, err
	}
	e.Entry, err = s.correctionEntry(&e)
	return e, err
}

// Insured says whether the customer is insured against a call: nothing came out of it, and it did not end as one that
// was meant to bring nothing.
func Insured(u usage.Usage, finish string) bool {
	return u.Completion() == 0 && (finish == "" || finish == finishFailed)
}

const finishFailed = "error" // chat.Failed

// corrected splits the new charge into what is paid and what is not (W16).
func (s *State) corrected(before, after Bill) (Bill, error) {
	if err := after.Charge.Check(); err != nil {
		return Bill{}, err
	}
	more := after.Charge.Sub(before.Charge)
	if more.Sign() >= 0 {
		after.Uncollectible = before.Uncollectible.Add(money.Max(more.Sub(s.Available()), money.Zero()))
	} else {
		after.Uncollectible = money.Max(before.Uncollectible.Add(more), money.Zero())
	}
	return after, after.Uncollectible.Check()
}

const (
	maxEvidence = 200 // bytes
	maxReason   = 500 // bytes
)

func (c CorrectCharge) check() error {
	if err := c.Usage.Check(); err != nil {
		return err
	}
	if c.Provenance != usage.LookedUp && c.Provenance != usage.Operator {
		return domain.Errorf(domain.CodeUsageInvalid, "a correction is looked_up or by an operator")
	}
	if err := domain.CheckTextSize("evidence", c.Evidence, 1, maxEvidence); err != nil {
		return err
	}
	if err := domain.CheckTextSize("reason", c.Reason, 1, maxReason); err != nil {
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

// correctionEntry has all legs of the difference, as a charge has those of the whole.
func (s *State) correctionEntry(e *ChargeCorrected) (money.Entry, error) {
	cost := e.After.VendorCost.Sub(e.Before.VendorCost)
	return money.NewEntry(
		money.Leg{Account: s.Account(), Amount: e.Debited().Neg()},
		money.Leg{Account: money.Uncollectible, Amount: e.Before.Uncollectible.Sub(e.After.Uncollectible)},
		money.Leg{Account: money.RevenueUsage, Amount: e.Difference()},
		money.Leg{Account: money.CostUsage, Amount: cost.Neg()},
		money.Leg{Account: money.VendorPayable(e.Vendor), Amount: cost})
}
