package wallet

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Caps limit what a key, or all keys of a member, may spend; nil means no cap.
type Caps struct {
	Day   *money.Amount `json:"day,omitempty"`   // by UTC day
	Week  *money.Amount `json:"week,omitempty"`  // by ISO week
	Month *money.Amount `json:"month,omitempty"` // by UTC month
	Total *money.Amount `json:"total,omitempty"` // ever
}

// Check refuses negative caps and caps that are no amounts of the ledger.
func (c Caps) Check() error {
	for _, limit := range c.all() {
		if *limit == nil {
			continue
		}
		if (*limit).Sign() < 0 {
			return domain.Errorf(domain.CodeAmountInvalid, "a cap is not negative")
		}
		if err := (*limit).Check(); err != nil {
			return err
		}
	}
	return nil
}

// Clone is a copy that shares nothing.
func (c Caps) Clone() Caps {
	for _, limit := range c.all() {
		if *limit != nil {
			amount := **limit
			*limit = &amount
		}
	}
	return c
}

func (c *Caps) all() [4]**money.Amount {
	return [4]**money.Amount{&c.Day, &c.Week, &c.Month, &c.Total}
}

// windows are the ids of the UTC windows that a moment lies in.
type windows struct{ day, week, month int }

func windowsOf(t time.Time) windows {
	t = t.UTC()
	year, week := t.ISOWeek()
	return windows{day: int(t.Unix() / 86400), week: year*100 + week, month: t.Year()*100 + int(t.Month())}
}

// Limit names what bounds a spend.
type Limit string

// The limits.
const (
	LimitWallet      Limit = "wallet"
	LimitKeyDay      Limit = "key_day"
	LimitKeyWeek     Limit = "key_week"
	LimitKeyMonth    Limit = "key_month"
	LimitKeyTotal    Limit = "key_total"
	LimitMemberDay   Limit = "member_day"
	LimitMemberWeek  Limit = "member_week"
	LimitMemberMonth Limit = "member_month"
	LimitMemberTotal Limit = "member_total"
)

func (l Limit) ofMember() bool {
	return l == LimitMemberDay || l == LimitMemberWeek || l == LimitMemberMonth || l == LimitMemberTotal
}

// Spent is what a key or a member has spent by window at a moment, and what it holds.
type Spent struct{ Day, Week, Month, Total, Held money.Amount }

// SpentBy sums up one key.
func (s *State) SpentBy(key uuid.UUID, now time.Time) Spent {
	k, ok := s.Keys[key]
	if !ok {
		return Spent{}
	}
	return k.spent(windowsOf(now))
}

// SpentByMember sums up all keys of one member.
func (s *State) SpentByMember(member uuid.UUID, now time.Time) Spent {
	m, ok := s.Members[member]
	if !ok {
		return Spent{}
	}
	return m.Spend.spent(windowsOf(now))
}

// Spender is who places a hold: a key with its caps, and its member, nil for none, with those that the wallet knows.
type Spender struct {
	KeyID    uuid.UUID
	Caps     Caps
	MemberID uuid.UUID
}

// Budget is the most that a new hold of a spender may take, and which limit says so (W4, W5, W18). Never negative.
func (s *State) Budget(by Spender, now time.Time) (money.Amount, Limit) {
	budget, limit := s.Available(), LimitWallet
	if by.Caps != (Caps{}) {
		budget, limit = by.Caps.least(s.SpentBy(by.KeyID, now), budget, limit, [...]Limit{LimitKeyDay, LimitKeyWeek, LimitKeyMonth, LimitKeyTotal})
	}
	if m, ok := s.Members[by.MemberID]; ok && m.Caps != (Caps{}) {
		budget, limit = m.Caps.least(s.SpentByMember(by.MemberID, now), budget, limit, [...]Limit{LimitMemberDay, LimitMemberWeek, LimitMemberMonth, LimitMemberTotal})
	}
	return budget, limit
}

// least is what a budget comes to under caps, and the limit that says so; names are those of the caps by day, week, month and total.
func (c Caps) least(spent Spent, budget money.Amount, limit Limit, names [4]Limit) (money.Amount, Limit) {
	for i, one := range [...]struct {
		most  *money.Amount
		spent money.Amount
	}{{c.Day, spent.Day}, {c.Week, spent.Week}, {c.Month, spent.Month}, {c.Total, spent.Total}} {
		if one.most == nil {
			continue
		}
		rest := money.Max(one.most.Sub(one.spent).Sub(spent.Held), money.Zero())
		if rest.LessThan(budget) {
			budget, limit = rest, names[i]
		}
	}
	return budget, limit
}
