package wallet_test

import (
	"encoding/binary"
	"encoding/json"
	"math/big"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// machine drives a wallet and the model with the same steps, and keeps the books of all entries.
type machine struct {
	*rapid.T
	registry *domain.Registry
	live     *wallet.State // as the executor holds it
	replayed *wallet.State // from stored bytes only
	stored   []stored
	model    model
	now      time.Time
	id       uuid.UUID
	keys     []uuid.UUID
	caps     map[uuid.UUID]map[string]*big.Rat
	holds    []uuid.UUID // every id that was ever tried
	books    map[money.Account]*big.Rat
	charges  []*charged
}

// charged is a charge with what it comes to by now.
type charged struct {
	wallet.UsageCharged
	at      time.Time
	bill    wallet.Bill
	numbers int64
}

type stored struct {
	name string
	body []byte
	at   time.Time
}

func numbered(n uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func newMachine(t *rapid.T) *machine {
	registry, err := domain.NewRegistry(wallet.Events())
	require.NoError(t, err)
	m := &machine{
		T: t, registry: registry, live: wallet.New(), replayed: wallet.New(), id: numbered(1),
		now:  time.Date(2025, 12, 28, 21, 30, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, int64(96*time.Hour)).Draw(t, "start")).Truncate(time.Microsecond)),
		keys: []uuid.UUID{numbered(2), numbered(3), numbered(4)}, books: map[money.Account]*big.Rat{},
	}
	m.caps = map[uuid.UUID]map[string]*big.Rat{
		m.keys[1]: m.drawCaps("key_day", "key_total"),
		m.keys[2]: m.drawCaps("key_day", "key_week", "key_month", "key_total"),
	}
	return m
}

func (m *machine) drawCaps(windows ...string) map[string]*big.Rat {
	out := map[string]*big.Rat{}
	for _, window := range windows {
		out[window] = big.NewRat(rapid.Int64Range(0, 40).Draw(m.T, window), 2)
	}
	return out
}

// capsOf is the key's caps in the wallet's terms.
func (m *machine) capsOf(key uuid.UUID) wallet.Caps {
	var c wallet.Caps
	for window, into := range map[string]**money.Amount{
		"key_day": &c.Day, "key_week": &c.Week, "key_month": &c.Month, "key_total": &c.Total,
	} {
		if limit, ok := m.caps[key][window]; ok {
			a := money.MustParse(limit.FloatString(1))
			*into = &a
		}
	}
	return c
}

// accept folds an event everywhere: live, from its bytes, and into the books.
func (m *machine) accept(e wallet.Event) {
	body, err := domain.Encode(e)
	require.NoError(m, err)
	plain, err := json.Marshal(e)
	require.NoError(m, err)
	require.Equal(m, string(plain), string(body), "the hand-written encoding is json.Marshal's")
	m.stored = append(m.stored, stored{e.EventType(), body, m.now})
	m.live.Apply(e, m.now)
	m.fold(m.replayed, m.stored[len(m.stored)-1])
	if p, ok := e.(wallet.Posting); ok {
		m.post(p)
	}
}

func (m *machine) fold(s *wallet.State, row stored) {
	e, err := m.registry.Decode(row.name, row.body)
	require.NoError(m, err)
	again, err := domain.Encode(e)
	require.NoError(m, err)
	require.Equal(m, string(row.body), string(again))
	s.Apply(e, row.at)
}

func (m *machine) post(p wallet.Posting) {
	currency, entry := p.Posting()
	require.Equal(m, money.USD, currency)
	require.NotNil(m, entry)
	sum := new(big.Rat)
	for _, leg := range entry {
		amount := rat(m, leg.Amount)
		require.NotZero(m, amount.Sign())
		sum.Add(sum, amount)
		if m.books[leg.Account] == nil {
			m.books[leg.Account] = new(big.Rat)
		}
		m.books[leg.Account].Add(m.books[leg.Account], amount)
	}
	require.Zero(m, sum.Sign(), "the legs of %T sum to zero", p)
}

func rat(t require.TestingT, a money.Amount) *big.Rat {
	r, ok := new(big.Rat).SetString(a.String())
	require.True(t, ok)
	return r
}

func (m *machine) refused(want domain.Code, err error) bool {
	got := domain.CodeOf(err)
	if want == forgotten {
		require.Contains(m, []domain.Code{domain.CodeHoldClosed, domain.CodeHoldNotFound}, got)
		return true
	}
	require.Equal(m, want, got, "%v", err)
	return err != nil
}

// check holds everything that is known of the wallet to the model and to the books.
func (m *machine) check() {
	require.NoError(m, m.live.Check())
	m.same(m.model.posted(), m.live.Posted, "posted")
	m.same(m.model.held(uuid.Nil), m.live.Held, "held")
	m.same(m.model.available(), m.live.Available(), "available")
	require.GreaterOrEqual(m, m.live.Available().Sign(), 0)
	m.checkHolds()
	for _, key := range m.keys {
		m.checkKey(key)
	}
	m.checkBooks()
	m.checkCharges()
	live, err := json.Marshal(m.live)
	require.NoError(m, err)
	replayed, err := json.Marshal(m.replayed)
	require.NoError(m, err)
	require.Equal(m, string(live), string(replayed), "replaying the stored events gives the live state")
	restored := wallet.New()
	require.NoError(m, json.Unmarshal(live, restored))
	again, err := json.Marshal(restored)
	require.NoError(m, err)
	require.Equal(m, string(live), string(again), "a snapshot restores the state")
}

func (m *machine) same(want *big.Rat, got money.Amount, what string) {
	require.Zero(m, want.Cmp(rat(m, got)), "%s: want %s, got %s", what, want.FloatString(12), got)
}

func (m *machine) checkHolds() {
	open := m.model.holds(uuid.Nil)
	require.Len(m, m.live.Holds, len(open))
	var due int
	for id, l := range open {
		h, ok := m.live.Find(id)
		require.True(m, ok)
		m.same(l.amount, h.Amount, "hold")
		require.True(m, l.until.Equal(h.ExpiresAt))
		require.True(m, l.suspect.Equal(h.SuspectSince))
		if m.model.overdue(id, m.now) != "" {
			due++
			require.Contains(m, m.live.Due(m.now, len(open)), id)
		}
	}
	require.Len(m, m.live.Due(m.now, len(open)), due)
}

func (m *machine) checkKey(key uuid.UUID) {
	spent := m.live.SpentBy(key, m.now)
	m.same(m.model.held(key), spent.Held, "held by the key")
	m.same(m.model.spent(key, "key_day", m.now), spent.Day, "spent today")
	m.same(m.model.spent(key, "key_week", m.now), spent.Week, "spent this week")
	m.same(m.model.spent(key, "key_month", m.now), spent.Month, "spent this month")
	m.same(m.model.spent(key, "key_total", m.now), spent.Total, "spent in total")
}

// checkBooks: the trial balance is zero, and the wallet's and its holds' accounts say what the wallet says.
func (m *machine) checkBooks() {
	total := new(big.Rat)
	for _, balance := range m.books {
		total.Add(total, balance)
	}
	require.Zero(m, total.Sign(), "the trial balance is %s", total.FloatString(12))
	m.same(m.book("wallet:"+m.id.String()), m.live.Available(), "the wallet's account")
	for _, id := range m.holds {
		want := new(big.Rat)
		if l := m.model.life(id); l.open() {
			want = l.amount
		}
		require.Zero(m, want.Cmp(m.book("hold:"+id.String())), "the hold's account")
	}
}

func (m *machine) book(account string) *big.Rat {
	if balance, ok := m.books[money.Account(account)]; ok {
		return balance
	}
	return new(big.Rat)
}

// checkCharges: what a customer paid of each call and what nobody did are together what it costs in truth, and so are the revenue and
// what is uncollectible of all calls.
func (m *machine) checkCharges() {
	revenue, lost := new(big.Rat), new(big.Rat)
	for _, c := range m.charges {
		paid, cost := m.model.paid(c.HoldID)
		m.same(paid, c.bill.Paid(), "paid")
		require.GreaterOrEqual(m, paid.Sign(), 0, "nobody gets back more than was paid")
		require.GreaterOrEqual(m, c.bill.Uncollectible.Sign(), 0)
		m.same(cost, c.bill.Paid().Add(c.bill.Uncollectible), "paid or not, it is what the call costs")
		revenue.Add(revenue, cost)
		lost.Add(lost, new(big.Rat).Sub(cost, paid))
	}
	require.Zero(m, revenue.Cmp(m.book("revenue:usage")), "the revenue is what the calls cost")
	require.Zero(m, lost.Cmp(new(big.Rat).Neg(m.book("uncollectible"))), "what nobody paid")
}
