package wallet

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Member is somebody of those who share a wallet, named by an opaque id that keys have. All keys of a member count together.
type Member struct {
	Caps  Caps     `json:"caps,omitzero"`
	Spend KeySpend `json:"spend"`
}

// MemberLimits are what the keys of one member may do together.
type MemberLimits struct {
	Caps  Caps       `json:"caps,omitzero"`        // what they may spend; a cap that is missing does not limit
	Rates RateLimits `json:"rate_limits,omitzero"` // how fast they may be used; without limits when missing
}

// MemberLimitsSet replaces the limits of a member.
type MemberLimitsSet struct {
	MemberID uuid.UUID `json:"member_id"` // an opaque id, never a name or address
	MemberLimits
}

// EventType is the stored name.
func (MemberLimitsSet) EventType() string { return "wallet.member_limits_set.v1" }

func (MemberLimitsSet) wallet() {}

// MaxMembers bounds how many members of a wallet have limits or spend.
const MaxMembers = 100_000

// SetMemberLimits replaces a member's limits whole. The caps are decided with each hold; keeping the rates is the gateway's part.
type SetMemberLimits struct {
	MemberID uuid.UUID
	Limits   MemberLimits
}

// SetMemberLimits decides a SetMemberLimits (W18). Errors: wallet_not_found, invalid_request, amount_invalid, amount_out_of_range.
func (s *State) SetMemberLimits(c SetMemberLimits) (MemberLimitsSet, error) {
	if err := s.opened(); err != nil {
		return MemberLimitsSet{}, err
	}
	if c.MemberID == uuid.Nil {
		return MemberLimitsSet{}, domain.Errorf(domain.CodeInvalid, "a member needs an id")
	}
	if _, known := s.Members[c.MemberID]; !known && len(s.Members) >= MaxMembers {
		return MemberLimitsSet{}, domain.Errorf(domain.CodeInvalid, "a wallet has at most %d members", MaxMembers)
	}
	if err := c.Limits.Caps.Check(); err != nil {
		return MemberLimitsSet{}, err
	}
	if err := c.Limits.Rates.Check(); err != nil {
		return MemberLimitsSet{}, err
	}
	c.Limits.Caps = c.Limits.Caps.Clone()
	return MemberLimitsSet{MemberID: c.MemberID, MemberLimits: c.Limits}, nil
}

// member finds or adds a member.
func (s *State) member(id uuid.UUID) *Member {
	m, ok := s.Members[id]
	if !ok {
		if s.Members == nil {
			s.Members = map[uuid.UUID]*Member{}
		}
		m = &Member{}
		s.Members[id] = m
	}
	return m
}

// spenders does something to the spend of a key, and to that of its member if it has one.
func (s *State) spenders(key, member uuid.UUID, do func(*KeySpend)) {
	do(s.key(key))
	if member != uuid.Nil {
		do(&s.member(member).Spend)
	}
}

// pay counts a payment in the windows of a moment.
func (k *KeySpend) pay(w windows, paid money.Amount) {
	k.Total = addSpend(k.Total, paid)
	k.Day.add(w.day, paid)
	k.Week.add(w.week, paid)
	k.Month.add(w.month, paid)
}

// correct counts a correction in the windows of its charge.
func (k *KeySpend) correct(w windows, more money.Amount) {
	k.Total = addSpend(k.Total, more)
	k.Day.correct(w.day, more)
	k.Week.correct(w.week, more)
	k.Month.correct(w.month, more)
}

func (k *KeySpend) hold(a money.Amount) { k.Held = k.Held.Add(a) }

func (k *KeySpend) spent(w windows) Spent {
	return Spent{Day: k.Day.in(w.day), Week: k.Week.in(w.week), Month: k.Month.in(w.month), Total: k.Total, Held: k.Held}
}
