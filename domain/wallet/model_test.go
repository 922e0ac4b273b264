package wallet_test

import (
	"math/big"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// model is the wallet as an accountant would keep it: the list of what was accepted, from which every question is
// answered anew. It knows no balances, no entries and no windows but the calendar's.
type model struct {
	opened bool
	done   []operation
}

// operation is one accepted step. Credits have an amount, placements a hold with its amount, charges their hold and
// what the customer paid of them.
type operation struct {
	what   string // "credit", "place", "extend", "suspect", "charge", "correct", "release", "expire"
	at     time.Time
	hold   uuid.UUID
	key    uuid.UUID
	amount *big.Rat
	until  time.Time // expiry of a hold
	bill   *big.Rat  // of charges and corrections: what the call costs, all in all
	of     time.Time // of corrections: when the charge was made
}

// life is what the list says about one hold.
type life struct {
	placed, ended  bool
	key            uuid.UUID
	amount         *big.Rat
	until          time.Time
	suspect, death time.Time // zero when not
}

func (m *model) life(hold uuid.UUID) life {
	var l life
	for _, op := range m.done {
		if op.hold != hold {
			continue
		}
		switch op.what {
		case "place":
			l = life{placed: true, key: op.key, amount: op.amount, until: op.until}
		case "extend":
			l.until, l.suspect = op.until, time.Time{}
		case "suspect":
			l.suspect = op.at
		case "expire":
			l.death = op.at
		case "charge", "release":
			l.ended = true
		}
	}
	return l
}

func (l life) open() bool { return l.placed && !l.ended && l.death.IsZero() }

func (m *model) posted() *big.Rat {
	sum := new(big.Rat)
	for _, op := range m.done {
		switch op.what {
		case "credit":
			sum.Add(sum, op.amount)
		case "charge", "correct":
			sum.Sub(sum, op.amount)
		}
	}
	return sum
}

// holds lists the open holds of a key, or all when the key is nil.
func (m *model) holds(key uuid.UUID) map[uuid.UUID]life {
	out := map[uuid.UUID]life{}
	for _, op := range m.done {
		if op.what != "place" || (key != uuid.Nil && op.key != key) {
			continue
		}
		if l := m.life(op.hold); l.open() {
			out[op.hold] = l
		}
	}
	return out
}

func (m *model) held(key uuid.UUID) *big.Rat {
	sum := new(big.Rat)
	for _, l := range m.holds(key) {
		sum.Add(sum, l.amount)
	}
	return sum
}

func (m *model) available() *big.Rat { return new(big.Rat).Sub(m.posted(), m.held(uuid.Nil)) }

// spent sums what a key paid in the calendar's day, week, month, or ever, that a moment lies in.
func (m *model) spent(key uuid.UUID, window string, now time.Time) *big.Rat {
	sum := new(big.Rat)
	for _, op := range m.done {
		made := op.at
		if op.what == "correct" {
			made = op.of
		}
		if (op.what != "charge" && op.what != "correct") || op.key != key || !sameWindow(window, made, now) {
			continue
		}
		// No more than can be written, for ever after.
		if sum.Add(sum, op.amount); tooLong(sum) || sum.Cmp(mostSpend()) > 0 {
			return mostSpend()
		}
	}
	return sum
}

func mostSpend() *big.Rat {
	most, _ := new(big.Rat).SetString("999999999999999999.999999999999")
	return most
}

// paid sums what a call took from the wallet and gave back to it; cost is what it costs in the end.
func (m *model) paid(hold uuid.UUID) (sum, cost *big.Rat) {
	sum, cost = new(big.Rat), new(big.Rat)
	for _, op := range m.done {
		if op.hold == hold && (op.what == "charge" || op.what == "correct") {
			sum.Add(sum, op.amount)
			cost = op.bill
		}
	}
	return sum, cost
}

// correct says what a customer pays more, below zero for what is given back, when a call turns out to cost something else.
func (m *model) correct(hold uuid.UUID, charge *big.Rat) *big.Rat {
	paid, cost := m.paid(hold)
	more := new(big.Rat).Sub(charge, cost)
	if more.Sign() >= 0 {
		if most := m.available(); more.Cmp(most) > 0 {
			return most
		}
		return more
	}
	if paid.Cmp(charge) <= 0 { // only what was not paid is gone
		return new(big.Rat)
	}
	return new(big.Rat).Sub(charge, paid)
}

func sameWindow(window string, a, b time.Time) bool {
	a, b = a.UTC(), b.UTC()
	switch window {
	case "key_day":
		return a.Format(time.DateOnly) == b.Format(time.DateOnly)
	case "key_week":
		return monday(a).Equal(monday(b))
	case "key_month":
		return a.Format("2006-01") == b.Format("2006-01")
	}
	return true
}

// monday is the midnight that a week starts with.
func monday(t time.Time) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	for day.Weekday() != time.Monday {
		day = day.AddDate(0, 0, -1)
	}
	return day
}

// refusal says with which code a step has to be refused; "" when it has to be accepted.

func (m *model) creditRefusal(amount *big.Rat) domain.Code {
	switch {
	case !m.opened:
		return domain.CodeWalletNotFound
	case amount.Sign() <= 0:
		return domain.CodeAmountInvalid
	case tooLong(new(big.Rat).Add(m.posted(), amount)):
		return domain.CodeAmountOutOfRange
	}
	return ""
}

func (m *model) adjustRefusal(amount *big.Rat) domain.Code {
	switch {
	case amount.Sign() == 0:
		return domain.CodeAmountInvalid
	case !m.opened:
		return domain.CodeWalletNotFound
	case new(big.Rat).Add(m.available(), amount).Sign() < 0:
		return domain.CodeInsufficientCredits
	case tooLong(new(big.Rat).Add(m.posted(), amount)):
		return domain.CodeAmountOutOfRange
	}
	return ""
}

func tooLong(r *big.Rat) bool {
	return r.Cmp(new(big.Rat).SetInt64(1_000_000_000_000_000_000)) >= 0
}

func (m *model) placeRefusal(op operation, caps map[string]*big.Rat) domain.Code {
	before := m.life(op.hold)
	switch {
	case !m.opened:
		return domain.CodeWalletNotFound
	case before.placed && !before.ended:
		return domain.CodeHoldExists
	case !op.until.After(op.at) || op.until.After(op.at.Add(24*time.Hour)):
		return domain.CodeInvalid
	}
	// The limit that leaves least decides; the wallet comes first.
	least, code := m.available(), domain.CodeInsufficientCredits
	for _, window := range []string{"key_day", "key_week", "key_month", "key_total"} {
		limit, ok := caps[window]
		if !ok {
			continue
		}
		rest := new(big.Rat).Sub(limit, m.spent(op.key, window, op.at))
		if rest.Sub(rest, m.held(op.key)); rest.Sign() < 0 {
			rest.SetInt64(0)
		}
		if rest.Cmp(least) < 0 {
			least, code = rest, domain.CodeKeyLimitExceeded
		}
	}
	if op.amount.Cmp(least) > 0 {
		return code
	}
	return ""
}

// forgotten stands for hold_closed or hold_not_found: after LateSettlement a wallet may forget an expired hold.
const forgotten domain.Code = "forgotten"

// endRefusal is for what needs an open hold.
func (m *model) endRefusal(hold uuid.UUID, now time.Time) domain.Code {
	l := m.life(hold)
	switch {
	case !m.opened:
		return domain.CodeWalletNotFound
	case l.open():
		return ""
	case l.placed && !l.ended && !l.late(now):
		return domain.CodeHoldClosed
	case l.placed && !l.ended:
		return forgotten
	}
	return domain.CodeHoldNotFound
}

// late says whether a hold expired so long ago that it can no longer be charged.
func (l life) late(now time.Time) bool {
	return !l.death.IsZero() && now.After(l.death.Add(7*24*time.Hour))
}

func (m *model) extendRefusal(op operation) domain.Code {
	if code := m.endRefusal(op.hold, op.at); code != "" {
		return code
	}
	if !op.until.After(m.life(op.hold).until) || !op.until.After(op.at) || op.until.After(op.at.Add(24*time.Hour)) {
		return domain.CodeInvalid
	}
	return ""
}

func (m *model) chargeRefusal(hold uuid.UUID, at time.Time) domain.Code {
	l := m.life(hold)
	if m.opened && l.placed && !l.ended && !l.death.IsZero() && !l.late(at) {
		return ""
	}
	return m.endRefusal(hold, at)
}

// bill splits a charge into what the customer pays and what nobody does.
func (m *model) bill(hold uuid.UUID, charge *big.Rat) (paid, uncollectible *big.Rat) {
	most := m.available()
	if l := m.life(hold); l.open() {
		most.Add(most, l.amount)
	}
	if charge.Cmp(most) <= 0 {
		return charge, new(big.Rat)
	}
	return most, new(big.Rat).Sub(charge, most)
}

// overdue says what the clock does to a hold: "suspect", "expire" or nothing.
func (m *model) overdue(hold uuid.UUID, now time.Time) string {
	l := m.life(hold)
	switch {
	case !l.open():
		return ""
	case l.suspect.IsZero() && now.After(l.until):
		return "suspect"
	case !l.suspect.IsZero() && now.After(l.suspect.Add(10*time.Minute)):
		return "expire"
	}
	return ""
}
