package wallet

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Caps limit what a key may spend; nil means no cap.
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
	LimitWallet   Limit = "wallet"
	LimitKeyDay   Limit = "key_day"
	LimitKeyWeek  Limit = "key_week"
	LimitKeyMonth Limit = "key_month"
	LimitKeyTotal Limit = "key_total"
)

// Spent is what a key has spent by window at a moment, and what it holds.
type Spent struct{ Day, Week, Month, Total, Held money.Amount }

// SpentBy sums up one key.
func (s *State) SpentBy(key uuid.UUID, now time.Time) Spent {
	k, ok := s.Keys[key]
	if !ok {
		return Spent{}
	}
	w := windowsOf(now)
	return Spent{Day: k.Day.in(w.day), Week: k.Week.in(w.week), Month: k.Month.in(w.month), Total: k.Total, Held: k.Held}
}

// Budget is the most that a new hold of this key may take, and which limit says so (W4, W5). Never negative.
func (s *State) Budget(key uuid.UUID, caps Caps, now time.Time) (money.Amount, Limit) {
	budget, limit := s.Available(), LimitWallet
	if caps == (Caps{}) {
		return budget, limit
	}
	spent := s.SpentBy(key, now)
	for _, c := range []struct {
		limit       Limit
		limitAmount *money.Amount
		spent       money.Amount
	}{
		{LimitKeyDay, caps.Day, spent.Day},
		{LimitKeyWeek, caps.Week, spent.Week},
		{LimitKeyMonth, caps.Month, spent.Month},
		{LimitKeyTotal, caps.Total, spent.Total},
	} {
		if c.limitAmount == nil {
			continue
		}
		rest := money.Max(c.limitAmount.Sub(c.spent).Sub(spent.Held), money.Zero())
		if rest.LessThan(budget) {
			budget, limit = rest, c.limit
		}
	}
	return budget, limit
}
