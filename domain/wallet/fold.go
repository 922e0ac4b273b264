package wallet

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Apply folds one event. Events of other aggregates are not ours and change nothing.
func (s *State) Apply(event domain.Event, at time.Time) {
	e, ok := event.(Event)
	if !ok {
		return
	}
	at = at.UTC()
	switch e := e.(type) {
	case Opened:
		s.ID, s.Opened, s.Owner, s.Currency = e.WalletID, true, e.Owner, e.Currency
	case ToppedUp:
		s.set(e.Balances)
	case Granted:
		s.set(e.Balances)
	case Adjusted:
		s.set(e.Balances)
	case HoldPlaced:
		s.applyHoldPlaced(e, at)
	case HoldExtended:
		if h, ok := s.Holds[e.HoldID]; ok {
			h.ExpiresAt, h.SuspectSince = e.ExpiresAt, time.Time{}
		}
	case HoldSuspected:
		if h, ok := s.Holds[e.HoldID]; ok {
			h.SuspectSince = at
		}
	case UsageCharged:
		s.applyUsageCharged(e, at)
	case ChargeCorrected:
		s.applyChargeCorrected(e)
	case HoldReleased:
		s.closeHold(e.HoldID)
		s.set(e.Balances)
	case HoldExpired:
		s.applyHoldExpired(e, at)
	case PriceGroupSet:
		s.PriceGroup = e.Group
	case RateLimitsSet, ContentStorageSet: // the gateway keeps them
	case MemberLimitsSet:
		s.member(e.MemberID).Caps = e.Caps
	}
}

func (s *State) set(b Balances) { s.Posted, s.Held = b.Posted, b.Held }

func (s *State) key(id uuid.UUID) *KeySpend {
	k, ok := s.Keys[id]
	if !ok {
		k = &KeySpend{}
		s.Keys[id] = k
	}
	return k
}

func (s *State) applyHoldPlaced(e HoldPlaced, at time.Time) {
	s.Holds[e.HoldID] = &Hold{
		KeyID: e.KeyID, MemberID: e.MemberID, Model: e.Model, Endpoint: e.Endpoint, PriceVersion: e.PriceVersion, PriceGroup: e.PriceGroup,
		OwnKey: e.OwnKey, Amount: e.Amount, PlacedAt: at, ExpiresAt: e.ExpiresAt,
	}
	s.spenders(e.KeyID, e.MemberID, func(k *KeySpend) { k.hold(e.Amount) })
	s.set(e.Balances)
}

func (s *State) applyUsageCharged(e UsageCharged, at time.Time) {
	s.closeHold(e.HoldID)
	delete(s.Expired, e.HoldID)
	w, paid := windowsOf(at), e.Debited()
	s.spenders(e.KeyID, e.MemberID, func(k *KeySpend) { k.pay(w, paid) })
	s.set(e.Balances)
}

// applyChargeCorrected changes what the key and its member spent in the windows of the charge (W17): the others have another id by now.
func (s *State) applyChargeCorrected(e ChargeCorrected) {
	w, more := windowsOf(e.ChargedAt), e.Debited()
	s.spenders(e.KeyID, e.MemberID, func(k *KeySpend) { k.correct(w, more) })
	s.set(e.Balances)
}

func (s *State) applyHoldExpired(e HoldExpired, at time.Time) {
	if h, ok := s.closeHold(e.HoldID); ok {
		h.ExpiredAt = at
		s.Expired[e.HoldID] = h
	}
	s.forgetExpired(at)
	s.set(e.Balances)
}

// forgetExpired drops holds that can no longer be settled. Once an hour is enough: looking through all of them at
// each expiry would take quadratic time when many expire together.
func (s *State) forgetExpired(at time.Time) {
	if at.Sub(s.ForgotAt) < time.Hour {
		return
	}
	s.ForgotAt = at
	for id, h := range s.Expired {
		if at.Sub(h.ExpiredAt) > LateSettlement {
			delete(s.Expired, id)
		}
	}
}

// closeHold takes a hold out of the open ones and out of the held amounts of its key and member.
func (s *State) closeHold(id uuid.UUID) (*Hold, bool) {
	h, ok := s.Holds[id]
	if !ok {
		return nil, false
	}
	delete(s.Holds, id)
	s.spenders(h.KeyID, h.MemberID, func(k *KeySpend) { k.hold(h.Amount.Neg()) })
	return h, true
}

func (s *State) balances(posted, held money.Amount) Balances {
	return Balances{Posted: s.Posted.Add(posted), Held: s.Held.Add(held)}
}
