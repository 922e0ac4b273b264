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
	case HoldReleased:
		s.closeHold(e.HoldID)
		s.set(e.Balances)
	case HoldExpired:
		s.applyHoldExpired(e, at)
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
		KeyID: e.KeyID, Model: e.Model, Endpoint: e.Endpoint, PriceVersion: e.PriceVersion,
		Amount: e.Amount, PlacedAt: at, ExpiresAt: e.ExpiresAt,
	}
	k := s.key(e.KeyID)
	k.Held = k.Held.Add(e.Amount)
	s.set(e.Balances)
}

func (s *State) applyUsageCharged(e UsageCharged, at time.Time) {
	s.closeHold(e.HoldID)
	delete(s.Expired, e.HoldID)
	k, w, paid := s.key(e.KeyID), windowsOf(at), e.Debited()
	k.Total = addSpend(k.Total, paid)
	k.Day.add(w.day, paid)
	k.Week.add(w.week, paid)
	k.Month.add(w.month, paid)
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

// closeHold takes a hold out of the open ones and out of its key's held amount.
func (s *State) closeHold(id uuid.UUID) (*Hold, bool) {
	h, ok := s.Holds[id]
	if !ok {
		return nil, false
	}
	delete(s.Holds, id)
	k := s.key(h.KeyID)
	k.Held = k.Held.Sub(h.Amount)
	return h, true
}

func (s *State) balances(posted, held money.Amount) Balances {
	return Balances{Posted: s.Posted.Add(posted), Held: s.Held.Add(held)}
}
