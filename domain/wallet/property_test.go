package wallet_test

import (
	"encoding/json"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// TestWalletFollowsTheModel: whatever is asked of a wallet in whatever order, it does what the plain model says.
func TestWalletFollowsTheModel(t *testing.T) {
	t.Parallel()
	var steps atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		if rapid.IntRange(0, 9).Draw(t, "opened first") > 0 {
			m.open()
		}
		kinds := m.steps()
		for range rapid.IntRange(100, 120).Draw(t, "steps") {
			kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "step")]()
			m.check()
			steps.Add(1)
		}
		m.replayAll()
	})
	if !testing.Short() {
		require.GreaterOrEqual(t, steps.Load(), int64(10_000))
	}
}

// steps are weighted by how often they are listed.
func (m *machine) steps() []func() {
	return []func(){
		m.open, m.topUp, m.grant, m.adjust, m.place, m.place, m.place, m.place, m.extend, m.settle, m.settle, m.settle, m.correct,
		m.release, m.expire, m.expire, m.expire, m.pass, m.pass,
	}
}

// replayAll folds all stored bytes from the beginning.
func (m *machine) replayAll() {
	fresh := wallet.New()
	for _, row := range m.stored {
		m.fold(fresh, row)
	}
	want, err := json.Marshal(m.live)
	require.NoError(m, err)
	got, err := json.Marshal(fresh)
	require.NoError(m, err)
	require.Equal(m, string(want), string(got))
}

// amount draws from nothing to more than fits, mostly small.
func (m *machine) amount(negative bool) (money.Amount, *big.Rat) {
	text := rapid.OneOf(
		rapid.StringMatching(`[0-9](\.[0-9]{1,3})?`), rapid.StringMatching(`0\.[0-9]{10,12}`),
		rapid.SampledFrom([]string{"0", "0.000000000001", "5", "20", "999999999999999999", "999999999999999999.999999999999"}),
	).Draw(m.T, "amount")
	if negative && rapid.Bool().Draw(m.T, "negative") {
		text = "-" + text
	}
	a := money.MustParse(text)
	return a, rat(m, a)
}

// currency draws the wallet's currency, now and then another; code is what the latter has to be refused with.
func (m *machine) currency() (c money.Currency, code domain.Code) {
	if rapid.IntRange(0, 19).Draw(m.T, "currency") > 0 {
		return money.USD, ""
	}
	if !m.model.opened {
		return "EUR", domain.CodeWalletNotFound
	}
	return "EUR", domain.CodeCurrencyMismatch
}

// hold draws an id that is known; sometimes one that is not.
func (m *machine) hold() uuid.UUID {
	if len(m.holds) == 0 || rapid.IntRange(0, 19).Draw(m.T, "unknown") == 0 {
		return numbered(uint64(rapid.IntRange(1_000_000, 2_000_000).Draw(m.T, "hold")))
	}
	open := m.model.holds(uuid.Nil)
	known := m.holds
	if len(open) > 0 && rapid.IntRange(0, 3).Draw(m.T, "any") > 0 {
		known = nil
		for _, id := range m.holds {
			if _, ok := open[id]; ok {
				known = append(known, id)
			}
		}
	}
	return rapid.SampledFrom(known).Draw(m.T, "hold")
}

func (m *machine) open() {
	e, err := m.live.Open(wallet.Open{WalletID: m.id, Owner: "org-1", Currency: money.USD})
	want := domain.Code("")
	if m.model.opened {
		want = domain.CodeWalletExists
	}
	if m.refused(want, err) {
		return
	}
	m.model.opened = true
	m.accept(e)
}

func (m *machine) topUp() {
	a, r := m.amount(true)
	currency, want := m.currency()
	if want == "" {
		want = m.model.creditRefusal(r)
	}
	e, err := m.live.TopUp(wallet.TopUp{Amount: a, Currency: currency, PSP: "stripe", Reason: "paid", Reference: "order-1"})
	if m.refused(want, err) {
		return
	}
	m.model.done = append(m.model.done, operation{what: "credit", at: m.now, amount: r})
	m.accept(e)
}

func (m *machine) grant() {
	a, r := m.amount(true)
	e, err := m.live.Grant(wallet.Grant{Amount: a, Currency: money.USD, Reason: "welcome"})
	if m.refused(m.model.creditRefusal(r), err) {
		return
	}
	m.model.done = append(m.model.done, operation{what: "credit", at: m.now, amount: r})
	m.accept(e)
}

func (m *machine) adjust() {
	a, r := m.amount(true)
	e, err := m.live.Adjust(wallet.Adjust{Amount: a, Currency: money.USD, Reason: "correction", Reference: "ticket-7"})
	if m.refused(m.model.adjustRefusal(r), err) {
		return
	}
	m.model.done = append(m.model.done, operation{what: "credit", at: m.now, amount: r})
	m.accept(e)
}

func (m *machine) place() {
	a, r := m.amount(false)
	id := numbered(uint64(1000 + len(m.holds)))
	if rapid.IntRange(0, 9).Draw(m.T, "again") == 0 {
		if known := m.hold(); !m.model.life(known).late(m.now) && !m.model.life(known).ended {
			id = known
		}
	}
	key := rapid.SampledFrom(m.keys).Draw(m.T, "key")
	ttl := rapid.SampledFrom([]time.Duration{-time.Minute, 0, time.Second, time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour, 24*time.Hour + time.Microsecond}).Draw(m.T, "ttl")
	op := operation{what: "place", at: m.now, hold: id, key: key, amount: r, until: m.now.Add(ttl)}
	currency, want := m.currency()
	if want == "" {
		want = m.model.placeRefusal(op, m.caps[key])
	}
	e, err := m.live.PlaceHold(wallet.PlaceHold{
		HoldID: id, KeyID: key, Model: "acme/chat", Endpoint: "acme/chat@acme", PriceVersion: numbered(9), PromptTokens: 10,
		CompletionTokens: 20, MaxCost: a, Currency: currency, Caps: m.capsOf(key), ExpiresAt: op.until,
	}, m.now)
	if m.refused(want, err) {
		return
	}
	m.holds = append(m.holds, id)
	m.model.done = append(m.model.done, op)
	m.accept(e)
}

func (m *machine) extend() {
	op := operation{what: "extend", at: m.now, hold: m.hold()}
	op.until = m.now.Add(rapid.SampledFrom([]time.Duration{-time.Hour, 0, time.Minute, time.Hour, 24 * time.Hour, 25 * time.Hour}).Draw(m.T, "by"))
	e, err := m.live.ExtendHold(wallet.ExtendHold{HoldID: op.hold, ExpiresAt: op.until}, m.now)
	if m.refused(m.model.extendRefusal(op), err) {
		return
	}
	m.model.done = append(m.model.done, op)
	m.accept(e)
}

func (m *machine) settle() {
	op := operation{what: "charge", at: m.now, hold: m.hold()}
	l := m.model.life(op.hold)
	op.key = l.key
	items, charge := m.items(l)
	vendorCost, _ := m.amount(false)
	e, err := m.live.SettleHold(wallet.SettleHold{
		HoldID: op.hold, Vendor: "acme", Usage: usage.Usage{usage.Output: 7}, Provenance: usage.Reported, LineItems: items,
		VendorCost: vendorCost, Call: wallet.Call{Streamed: true, FinishReason: "stop"},
	}, m.now)
	want := m.model.chargeRefusal(op.hold, m.now)
	if want == "" && tooLong(charge) {
		want = domain.CodeAmountOutOfRange
	}
	if m.refused(want, err) {
		return
	}
	paid, uncollectible := m.model.bill(op.hold, charge)
	m.same(charge, e.Charge, "charge")
	m.same(paid, e.Debited(), "paid")
	m.same(uncollectible, e.Uncollectible, "uncollectible")
	require.Equal(m, !l.death.IsZero(), e.Late)
	op.amount, op.bill = paid, charge
	m.model.done = append(m.model.done, op)
	m.accept(e)
	m.charges = append(m.charges, &charged{UsageCharged: e, at: m.now, bill: e.Bill()})
}

// correct says of a call that was charged what it costs in truth: anything, what it was charged, or nothing because the customer is
// insured.
func (m *machine) correct() {
	if len(m.charges) == 0 {
		return
	}
	c := rapid.SampledFrom(m.charges).Draw(m.T, "charge")
	op := operation{what: "correct", at: m.now, hold: c.HoldID, key: c.KeyID, of: c.at}
	items, cost := m.items(life{placed: true, amount: rat(m, c.bill.Charge)})
	used := usage.Usage{usage.Output: 9}
	charge := c.UsageCharged
	if rapid.IntRange(0, 4).Draw(m.T, "insured") == 0 {
		used, charge.Call.FinishReason, cost = usage.Usage{usage.Input: 3}, "", new(big.Rat)
	}
	vendorCost, _ := m.amount(false)
	e, err := m.live.CorrectCharge(wallet.CorrectCharge{
		Charge: charge, Position: 7, ChargedAt: c.at, PlacedAt: c.at, Number: c.numbers + 1, Before: c.bill, Usage: used,
		Provenance: usage.LookedUp, Evidence: "lookup", Reason: "usage was missing", LineItems: items, VendorCost: vendorCost,
	})
	want := domain.Code("")
	more := m.model.correct(c.HoldID, cost)
	if tooLong(cost) || tooLong(new(big.Rat).Sub(m.model.posted(), more)) {
		want = domain.CodeAmountOutOfRange
	}
	if m.refused(want, err) {
		return
	}
	m.same(cost, e.After.Charge, "charge")
	m.same(more, e.Debited(), "paid")
	op.amount, op.bill = more, cost
	m.model.done = append(m.model.done, op)
	m.accept(e)
	c.bill, c.numbers = e.After, e.Number
}

// items draws a bill: nothing, exactly the hold, or any number of lines.
func (m *machine) items(l life) ([]usage.LineItem, *big.Rat) {
	var items []usage.LineItem
	if l.placed && rapid.IntRange(0, 3).Draw(m.T, "exact") == 0 {
		items = append(items, line(usage.Request, 1, money.MustPrice(l.amount.FloatString(12))))
	} else {
		for _, class := range rapid.SliceOfN(rapid.SampledFrom(usage.Classes()), 0, 3).Draw(m.T, "classes") {
			price := money.MustPrice(rapid.StringMatching(`[0-2](\.[0-9]{1,12})?`).Draw(m.T, "price"))
			items = append(items, line(class, rapid.Int64Range(0, 5).Draw(m.T, "quantity"), price))
		}
	}
	charge := new(big.Rat)
	for _, item := range items {
		charge.Add(charge, rat(m, item.Amount))
	}
	return items, charge
}

func line(class usage.Class, n int64, price money.Price) usage.LineItem {
	return usage.LineItem{Class: class, Quantity: n, Price: price, Amount: price.Times(n)}
}

func (m *machine) release() {
	op := operation{what: "release", at: m.now, hold: m.hold()}
	e, err := m.live.ReleaseHold(wallet.ReleaseHold{HoldID: op.hold, Reason: "upstream_error"})
	if m.refused(m.model.endRefusal(op.hold, m.now), err) {
		return
	}
	m.model.done = append(m.model.done, op)
	m.accept(e)
}

func (m *machine) expire() {
	op := operation{at: m.now, hold: m.hold()}
	op.what = m.model.overdue(op.hold, m.now)
	want := m.model.endRefusal(op.hold, m.now)
	if want == "" && op.what == "" {
		want = domain.CodeHoldActive
	}
	e, err := m.live.ExpireHold(op.hold, m.now)
	if m.refused(want, err) {
		return
	}
	require.Equal(m, map[string]string{"suspect": "wallet.hold_suspected.v1", "expire": "wallet.hold_expired.v1"}[op.what], e.EventType())
	m.model.done = append(m.model.done, op)
	m.accept(e)
}

// pass lets time pass: by a little, or exactly to a border that rules know.
func (m *machine) pass() {
	midnight := m.now.Truncate(24 * time.Hour).Add(24 * time.Hour)
	m.now = rapid.SampledFrom([]time.Time{
		m.now.Add(time.Microsecond), m.now.Add(time.Minute), m.now.Add(10 * time.Minute), m.now.Add(10*time.Minute + time.Microsecond),
		m.now.Add(time.Hour), midnight.Add(-time.Microsecond), midnight, monday(m.now).AddDate(0, 0, 7),
		time.Date(m.now.Year(), m.now.Month()+1, 1, 0, 0, 0, 0, time.UTC), m.now.Add(7 * 24 * time.Hour), m.now.Add(7*24*time.Hour + time.Microsecond),
	}).Draw(m.T, "now")
}
