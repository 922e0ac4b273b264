package audit

import (
	"time"

	"github.com/massrouter/massrouter/domain/wallet"
)

// Member is one of those who share a wallet, by the events of the wallet.
type Member struct {
	Limits   wallet.MemberLimits
	SetAt    time.Time
	Position int64 // of the last event that set the limits; 0 when none did
	Spend    Spend // of all keys of the member
}

// MemberID names a member: ids are those of one wallet.
type MemberID struct{ Wallet, Member [16]byte }

// terms folds what the calls of a wallet are held to.
func (v *verifier) terms(s *Step, w *Wallet, event wallet.Event) {
	switch e := event.(type) {
	case wallet.PriceGroupSet:
		v.want(e.Group != w.PriceGroup, s, PriceGroup, "puts the wallet into the price group %q, in which it is", e.Group)
		w.PriceGroup, w.TermsAt, w.TermsPosition = e.Group, s.Row.RecordedAt, s.Row.Position
	case wallet.RateLimitsSet:
		w.Rates, w.TermsAt, w.TermsPosition = e.Rates, s.Row.RecordedAt, s.Row.Position
	case wallet.ContentStorageSet:
		w.Content, w.TermsAt, w.TermsPosition = e.Storage, s.Row.RecordedAt, s.Row.Position
	case wallet.MemberLimitsSet:
		m := v.member(w, e.MemberID)
		m.Limits, m.SetAt, m.Position = e.MemberLimits, s.Row.RecordedAt, s.Row.Position
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted, wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected,
		wallet.HoldReleased, wallet.HoldExpired, wallet.UsageCharged, wallet.ChargeCorrected:
	}
}

// member finds or adds a member of a wallet.
func (v *verifier) member(w *Wallet, id [16]byte) *Member {
	key := MemberID{w.ID, id}
	m, ok := v.state.Members[key]
	if !ok {
		m = &Member{}
		v.state.Members[key] = m
	}
	return m
}

// spends are the spend of a key, and that of its member if it has one.
func (v *verifier) spends(w *Wallet, key, member [16]byte) []*Spend {
	of := v.ofSpend[:1]
	of[0] = v.spend(key)
	if member != ([16]byte{}) {
		of = append(of, &v.member(w, member).Spend)
	}
	return of
}

// checkMember checks that a hold names the member of its key, and that the member's caps leave room. The hold is not yet part of its spend.
func (v *verifier) checkMember(s *Step, h *Hold, k *Key) {
	e := h.Placed
	v.want(e.MemberID == k.Limits.MemberID, s, HoldMismatch, "is placed for the member %s; the key %s is that of %s", e.MemberID, e.KeyID, k.Limits.MemberID)
	if m := v.state.Members[MemberID{h.Wallet.ID, e.MemberID}]; m != nil {
		v.checkCaps(s, m.Limits.Caps, &m.Spend, e.Amount, "the member "+e.MemberID.String())
	}
}
