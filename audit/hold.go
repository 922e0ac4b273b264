package audit

import (
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// holdEvent finds the hold that an event is about and checks it against what the hold is. It sets the step's hold.
func (v *verifier) holdEvent(s *Step, w *Wallet, event wallet.Event) {
	switch e := event.(type) {
	case wallet.HoldPlaced:
		v.place(s, w, &e)
	case wallet.HoldExtended:
		if v.find(s, w, e.HoldID, false) {
			v.extend(s, e.ExpiresAt)
		}
	case wallet.HoldSuspected:
		if v.find(s, w, e.HoldID, false) {
			h := s.Hold
			if !h.SuspectSince.IsZero() || !s.Row.RecordedAt.After(h.ExpiresAt) {
				v.report1(s.Row, HoldClock,
					"suspected while it is not past its expiry at %s, or again", stamp(h.ExpiresAt))
			}
			h.SuspectSince = s.Row.RecordedAt
		}
	case wallet.UsageCharged:
		if v.find(s, w, e.HoldID, true) {
			v.checkEnd(s, e.KeyID, e.HeldBefore, e.Model == s.Hold.Placed.Model && e.Endpoint == s.Hold.Placed.Endpoint &&
				e.PriceVersion == s.Hold.Placed.PriceVersion && e.PriceGroup == s.Hold.Placed.PriceGroup && e.MemberID == s.Hold.Placed.MemberID && e.Late == !s.Hold.ExpiredAt.IsZero())
			v.end(s)
		}
	case wallet.HoldReleased:
		if v.find(s, w, e.HoldID, false) {
			v.checkEnd(s, e.KeyID, e.Amount, e.Model == s.Hold.Placed.Model && e.Endpoint == s.Hold.Placed.Endpoint)
			v.end(s)
		}
	case wallet.HoldExpired:
		if v.find(s, w, e.HoldID, false) {
			h := s.Hold
			v.checkEnd(s, e.KeyID, e.Amount, true)
			if h.SuspectSince.IsZero() || s.Row.RecordedAt.Sub(h.SuspectSince) <= wallet.SuspectGrace {
				v.report1(s.Row, HoldClock,
					"expired before it was suspect for %s", wallet.SuspectGrace)
			}
			v.expire(s)
		}
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet, wallet.ChargeCorrected: // of no hold
	}
}

// find looks for the hold of an event: open, or expired where a late settlement may come. All others were never placed,
// or have ended: a hold ends once.
func (v *verifier) find(s *Step, w *Wallet, id [16]byte, late bool) bool {
	h, ok := v.state.Holds[id]
	if !ok || h.Wallet != w || !h.ExpiredAt.IsZero() && !late {
		v.report1(s.Row, HoldNotOpen, "the hold %s was never placed on this wallet, or has ended already", name(id))
		return false
	}
	s.Hold = h
	return true
}

func (v *verifier) place(s *Step, w *Wallet, e *wallet.HoldPlaced) {
	at := s.Row.RecordedAt
	if _, used := v.state.Holds[e.HoldID]; used {
		v.report1(s.Row, HoldReused, "the hold %s was placed before", e.HoldID)
	}
	if e.HoldID != s.Row.CommandID {
		v.report1(s.Row, HoldID, "the hold %s was placed by the command %s", e.HoldID, s.Row.CommandID)
	}
	if !inTerm(e.ExpiresAt, at) {
		v.report1(s.Row, HoldClock, "placed until %s", stamp(e.ExpiresAt))
	}
	h := &Hold{
		ID: e.HoldID, Wallet: w, Placed: e, PlacedAt: at, Position: s.Row.Position, ExpiresAt: e.ExpiresAt,
	}
	v.state.Holds[h.ID], s.Hold = h, h
	w.OpenHolds++
	v.checkPrice(s, h)
	v.checkKey(s, h)
	for _, spend := range v.spends(w, e.KeyID, e.MemberID) {
		spend.Held, spend.LastUsedAt, spend.Position = spend.Held.Add(e.Amount), at, s.Row.Position
	}
}

// inTerm says whether an expiry lies ahead, and not too far.
func inTerm(expires, now time.Time) bool {
	return expires.After(now) && expires.Sub(now) <= wallet.MaxHoldTTL
}

func (v *verifier) extend(s *Step, expires time.Time) {
	h := s.Hold
	if !expires.After(h.ExpiresAt) || !inTerm(expires, s.Row.RecordedAt) {
		v.report1(s.Row, HoldClock,
			"extended from %s to %s", stamp(h.ExpiresAt), stamp(expires))
	}
	h.ExpiresAt, h.SuspectSince = expires, time.Time{}
}

// checkEnd compares what the end of a hold says of it with the hold. Nothing is reserved any more once it has expired.
func (v *verifier) checkEnd(s *Step, key [16]byte, amount money.Amount, same bool) {
	h := s.Hold
	reserved := h.Placed.Amount
	if !h.ExpiredAt.IsZero() {
		reserved = money.Zero()
	}
	if !same || key != h.Placed.KeyID {
		v.report1(s.Row, HoldMismatch, "names another key, model, endpoint, price or fate than the hold placed at position %d", h.Position)
	}
	if !amount.Equal(reserved) {
		v.report1(s.Row, HoldMismatch, "says that the hold reserved %s; it was %s", amount, reserved)
	}
	for _, spend := range v.spends(h.Wallet, h.Placed.KeyID, h.Placed.MemberID) {
		spend.Held, spend.Position = spend.Held.Sub(reserved), s.Row.Position
	}
}

// end forgets a hold: nothing may follow.
func (v *verifier) end(s *Step) {
	h := s.Hold
	delete(v.state.Holds, h.ID)
	if h.ExpiredAt.IsZero() {
		h.Wallet.OpenHolds--
	}
}

func (v *verifier) expire(s *Step) {
	h := s.Hold
	h.ExpiredAt, h.ExpiredPosition = s.Row.RecordedAt, s.Row.Position
	h.Wallet.OpenHolds--
	v.expired = append(v.expired, h)
}

// forgetExpired forgets holds that expired too long ago to be settled.
func (v *verifier) forgetExpired(now time.Time) {
	n := 0
	for n < len(v.expired) && now.Sub(v.expired[n].ExpiredAt) > wallet.LateSettlement {
		if h := v.expired[n]; v.state.Holds[h.ID] == h {
			delete(v.state.Holds, h.ID)
		}
		n++
	}
	if n > 0 {
		v.expired = slices.Delete(v.expired, 0, n)
	}
}

// checkPrice checks that a hold pins the price in force and reserves the worst case.
func (v *verifier) checkPrice(s *Step, h *Hold) {
	e := h.Placed
	at := v.endpoint(e.Endpoint)
	if at == nil || at.published.Model != e.Model || at.published.Status != catalog.Active {
		v.report1(s.Row, EndpointMismatch,
			"the endpoint %s does not offer the model %s", e.Endpoint, e.Model)
	}
	if at == nil {
		return
	}
	if h.price = at.byID[e.PriceVersion]; h.price == nil {
		v.report1(s.Row, PriceUnknown, "the price version %s was not published for %s", e.PriceVersion, e.Endpoint)
		return
	}
	if at.inForceFor(h.Wallet.PriceGroup, s.Row.RecordedAt) != h.price {
		v.report1(s.Row, PriceNotInForce, "the price version %s was not in force for the price group %q of the wallet", e.PriceVersion, h.Wallet.PriceGroup)
	}
	v.want(e.PriceGroup == h.price.group, s, PriceGroup, "says that its price is that of the group %q; it is that of %q", e.PriceGroup, h.price.group)
	if h.price.currency != e.Currency {
		v.report1(s.Row, CurrencyMismatch, "a hold in %s at a price in %s", e.Currency, h.price.currency)
	}
	v.want(e.OwnKey == nil || e.OwnKey.Rate.Cmp(money.MustPrice("1")) <= 0, s, OwnKey, "a call with the customer's own key costs more than its price")
	v.want(e.PromptTokens >= 0 && e.CompletionTokens >= 0, s, AmountInvalid, "token bounds below zero")
	bounds := usage.Bounds{Prompt: e.PromptTokens, Completion: e.CompletionTokens, Extra: e.Extra}
	worst, known := h.price.chargeFor(e.OwnKey).worstOf(e.ServiceTier, bounds, h.PlacedAt)
	if !known {
		v.report1(s.Row, TierUnpriced, "asks for the service tier %q, which has no price", e.ServiceTier)
		return
	}
	if !worst.Equal(e.Amount) {
		v.report1(s.Row, HoldAmount, "reserves %s; the worst case at its price is %s", e.Amount, worst)
	}
}
