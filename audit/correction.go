package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Charge is a charge that may be corrected: its usage was estimated, or is suspect.
type Charge struct {
	ID                                   [16]byte // of the hold
	Wallet                               *Wallet
	KeyID, MemberID, PriceVersion, AppID [16]byte
	Model, Endpoint, Vendor, ServiceTier string
	AppURL, Finish                       string
	Currency                             money.Currency
	Suspect                              bool
	Reason                               string // the check that failed
	Provenance                           usage.Provenance
	PlacedAt, ChargedAt                  time.Time
	OwnKey                               *wallet.OwnKey // of the hold
	Position                             int64          // of the charge
	Charged                              money.Amount   // at first
	Bill                                 wallet.Bill    // by now
	Evidence                             []string       // of the corrections, in order
	Decision                             charge.Decision
	DecidedBy, DecidedWhy                string
	DecidedAt                            time.Time
	Updated                              int64 // position of the last event that is about its review

	price *price
	noted bool     // the last correction was noted in the charge's own stream
	by    [16]byte // the command of the last correction
}

// remember keeps a charge that may be corrected.
func (v *verifier) remember(s *Step, e *wallet.UsageCharged) {
	if s.Hold == nil || e.Provenance != usage.Estimated && !e.Call.Suspect {
		return
	}
	v.state.Charges[e.HoldID] = &Charge{
		ID: e.HoldID, Wallet: s.Wallet, KeyID: e.KeyID, MemberID: e.MemberID, PriceVersion: e.PriceVersion, AppID: e.Call.AppID, Model: e.Model, Endpoint: e.Endpoint,
		Vendor: e.Vendor, ServiceTier: e.ServiceTier, AppURL: e.Call.AppURL, Finish: e.Call.FinishReason, Currency: e.Currency,
		Suspect: e.Call.Suspect, Reason: e.Call.SuspectReason, Provenance: e.Provenance, OwnKey: s.Hold.Placed.OwnKey, PlacedAt: s.Hold.PlacedAt, ChargedAt: s.Row.RecordedAt,
		Position: s.Row.Position, Charged: e.Charge, Bill: e.Bill(), Updated: s.Row.Position, price: s.Hold.price, noted: true,
	}
}

// corrected checks a correction against the charge, the price that the charge was made at and the wallet's balance before it, and changes
// what the key spent.
func (v *verifier) corrected(s *Step, e *wallet.ChargeCorrected, availableBefore money.Amount) {
	for _, spend := range v.spends(s.Wallet, e.KeyID, e.MemberID) {
		spend.correct(e.ChargedAt, e.Debited(), e.After.UpstreamCost.Sub(e.Before.UpstreamCost))
		spend.Position = s.Row.Position
	}
	c := v.state.Charges[e.HoldID]
	if c == nil || c.Wallet != s.Wallet {
		v.report1(s.Row, CorrectionUncalled, "corrects the charge of %s, which is none of this wallet that was estimated or suspect", e.HoldID)
		return
	}
	s.Charge = c
	v.want(c.noted, s, CorrectionUncalled, "the correction before was not noted")
	v.want(c.KeyID == e.KeyID && c.MemberID == e.MemberID && c.Model == e.Model && c.Endpoint == e.Endpoint && c.Vendor == e.Vendor && c.PriceVersion == e.PriceVersion &&
		c.ServiceTier == e.ServiceTier && c.AppID == e.AppID && c.AppURL == e.AppURL && c.PlacedAt.Equal(e.PlacedAt) && c.ChargedAt.Equal(e.ChargedAt) &&
		c.Position == e.ChargePosition, s, CorrectionMismatch, "names another key, model, endpoint, price, app or time than the charge at position %d", c.Position)
	v.want(e.OwnKey.Same(c.OwnKey), s, OwnKey, "is made with another key of the customer's, or at another part of the price, than the charge at position %d", c.Position)
	v.want(e.Number == int64(len(c.Evidence))+1 && !slices.Contains(c.Evidence, e.Evidence), s, CorrectionMismatch,
		"is correction %d by %q; there were %d, each by evidence of its own", e.Number, e.Evidence, len(c.Evidence))
	v.want(sameBill(e.Before, c.Bill), s, CorrectionMismatch, "says that the call came to another usage or sum before than it did")
	v.repriced(s, c, e)
	if !s.Wallet.drift.unknown {
		missing := money.Max(c.Bill.Uncollectible.Add(e.Difference()), money.Zero())
		if e.Difference().Sign() >= 0 {
			missing = c.Bill.Uncollectible.Add(money.Max(e.Difference().Sub(availableBefore), money.Zero()))
		}
		v.want(missing.Equal(e.After.Uncollectible), s, UncollectibleDiff, "%s are uncollectible; a difference of %s with %s available leaves %s",
			e.After.Uncollectible, e.Difference(), availableBefore, missing)
	}
	c.Bill, c.Evidence, c.noted, c.by = e.After, append(c.Evidence, e.Evidence), false, s.Row.CommandID
	c.decide(s, charge.Correct, e.Reason)
}

func (c *Charge) decide(s *Step, d charge.Decision, why string) {
	c.Decision, c.DecidedBy, c.DecidedWhy, c.DecidedAt, c.Updated = d, strings.Clone(s.Row.Actor), why, s.Row.RecordedAt, s.Row.Position
}

// repriced checks the lines of a correction, what they come to, and the vendor's bill.
func (v *verifier) repriced(s *Step, c *Charge, e *wallet.ChargeCorrected) {
	if c.price == nil {
		return // its hold was reported
	}
	tariff := c.price.chargeFor(c.OwnKey).of(e.ServiceTier)
	if tariff == nil {
		return // so was its charge
	}
	amounts, prompt := quantities(e.After.Usage)
	empty := amounts[output]+amounts[reasoning]+amounts[audioOutput]+amounts[imageOutput] == 0 && (c.Finish == "" || c.Finish == "error")
	v.want(empty == e.Insured, s, CorrectionMismatch, "insured is %t, the usage and the end %q of the call say otherwise", e.Insured, c.Finish)
	v.lines = v.lines[:0]
	if !empty {
		v.lines = tariff.at(prompt, c.PlacedAt).lines(v.lines, amounts)
	}
	if !slices.EqualFunc(v.lines, e.LineItems, sameLine) {
		v.report1(s.Row, LineItemMismatch, "the lines are %s; the usage at the price version %s gives %s", show(e.LineItems), e.PriceVersion, show(v.lines))
	}
	v.billed(s, c.OwnKey, c.price.bill(e.ServiceTier, e.After.Usage, c.PlacedAt), e.After.VendorCost, e.After.UpstreamCost)
}

// sameBill compares by value: classes of zero are the same as none.
func sameBill(a, b wallet.Bill) bool {
	one, _ := quantities(a.Usage)
	two, _ := quantities(b.Usage)
	return one == two && a.Charge.Equal(b.Charge) && a.Uncollectible.Equal(b.Uncollectible) && a.VendorCost.Equal(b.VendorCost) && a.UpstreamCost.Equal(b.UpstreamCost)
}

// charge folds an event of a charge's own stream.
func (v *verifier) charge(s *Step, event charge.Event) {
	switch e := event.(type) {
	case charge.Corrected:
		c := v.reviewed(s, e.GenerationID, e.WalletID)
		if c == nil {
			return
		}
		v.want(!c.noted && c.by == s.Row.CommandID && e.Number == int64(len(c.Evidence)) && e.Evidence == c.Evidence[len(c.Evidence)-1] && sameBill(e.Bill, c.Bill),
			s, CorrectionMismatch, "notes another correction than the wallet has")
		c.noted = true
	case charge.Reviewed:
		c := v.reviewed(s, e.GenerationID, e.WalletID)
		if c == nil {
			return
		}
		v.want(c.Suspect, s, ReviewUncalled, "a review of a charge that is not suspect")
		switch e.Decision {
		case charge.Accept:
			v.want(c.Decision == "", s, ReviewUncalled, "accepts a charge that was accepted or corrected")
		case charge.Correct:
			v.want(c.by == s.Row.CommandID, s, ReviewUncalled, "a decision to correct without a correction")
		default:
			v.report1(s.Row, ReviewUncalled, "the decision is %q", string(e.Decision))
		}
		c.decide(s, e.Decision, e.Reason)
	}
}

// reviewed finds the charge of an event.
func (v *verifier) reviewed(s *Step, id, walletID [16]byte) *Charge {
	c := v.state.Charges[id]
	if c == nil || c.Wallet.ID != walletID {
		v.report1(s.Row, CorrectionUncalled, "there is no charge of %s on the wallet %s that was estimated or suspect", name(id), name(walletID))
		return nil
	}
	s.Charge = c
	return c
}

// unnoted reports corrections at the end of the log that their charges' streams do not have.
func (v *verifier) unnoted() {
	for _, c := range v.state.Charges {
		if !c.noted && c.Updated < v.state.Position { // at the very end, it may come yet
			v.findings.Addf(c.Updated, CorrectionUncalled, "charge-"+name(c.ID), "the last correction was not noted")
		}
	}
}

// checkCorrection checks what a correction says by itself.
func (e *inspected) checkCorrection(c *wallet.ChargeCorrected) {
	for _, b := range []wallet.Bill{c.Before, c.After} {
		if b.Charge.Sign() < 0 || b.Uncollectible.Sign() < 0 || b.VendorCost.Sign() < 0 || b.UpstreamCost.Sign() < 0 || b.Paid().Sign() < 0 {
			e.add(AmountInvalid, "a correction with a part below zero")
		}
		for class, n := range b.Usage {
			if _, known := classIndex(class); !known || n < 0 {
				e.add(UsageInvalid, "%d units of class %q", n, string(class))
			}
		}
	}
	if c.Provenance != usage.LookedUp && c.Provenance != usage.Operator {
		e.add(UsageInvalid, "the usage's provenance is %q", string(c.Provenance))
	}
	if c.Evidence == "" {
		e.add(CorrectionMismatch, "there is no evidence")
	}
	if total := sum(c.LineItems); !total.Equal(c.After.Charge) {
		e.add(ChargeMismatch, "the charge is %s, its lines sum to %s", c.After.Charge, total)
	}
}

// correctionLegs are those of a charge, for the difference.
func correctionLegs(self place, e *wallet.ChargeCorrected) [5]wantedLeg {
	cost := e.After.VendorCost.Sub(e.Before.VendorCost)
	return [5]wantedLeg{
		{self, e.Debited().Neg()},
		{place{head: "revenue:usage"}, e.Difference()},
		{place{head: "uncollectible"}, e.Before.Uncollectible.Sub(e.After.Uncollectible)},
		{place{head: "cost:usage"}, cost.Neg()},
		{place{head: "vendor:", name: e.Vendor, tail: ":payable"}, cost},
	}
}
