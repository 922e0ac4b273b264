package statement_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/page"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/statement"
)

var (
	w1, w2     = pt.ID(1), pt.ID(2)
	k1, h1, h2 = pt.ID(11), pt.ID(21), pt.ID(22)
)

func entry(legs ...money.Leg) money.Entry { return legs }

// leg is one on an account, "" is the wallet's.
func leg(account money.Account, amount string) money.Leg {
	if account == "" {
		account = journal.WalletAccount(w1)
	}
	return money.Leg{Account: account, Amount: pt.Money(amount)}
}

// history is one wallet's life with every event, at one-hour steps, and a stranger's top-up.
func history(ctx context.Context, t *testing.T, k *pt.Kit) time.Time {
	t.Helper()
	start := k.Now
	over := pt.Charged(h2, k1, "9", "0", pt.After("0", "0"))
	over.Late, over.Uncollectible = true, pt.Money("0.5")
	over.Entry = entry(leg("", "-8.5"), leg(money.Uncollectible, "-0.5"), leg(money.RevenueUsage, "9"))
	placed, charged := pt.Placed(h1, k1, "3", start.Add(24*time.Hour), pt.After("10", "3")), pt.Charged(h1, k1, "1.500000000001", "3", pt.After("8.499999999999", "0"))
	again := pt.Placed(h2, k1, "8", start.Add(24*time.Hour), pt.After("8.5", "8"))
	placed.Entry = entry(leg("", "-3"), leg("hold:1", "3"))
	charged.Entry = entry(leg("hold:1", "-3"), leg("", "1.499999999999"), leg(money.RevenueUsage, "1.500000000001"))
	again.Entry = entry(leg("", "-8"), leg("hold:2", "8"))
	for _, e := range []wallet.Event{
		wallet.Opened{WalletID: w1, Currency: money.USD},
		wallet.ToppedUp{Amount: pt.Money("10"), PSP: "operator", Reason: "first", Reference: "inv-1", Currency: money.USD, Balances: pt.After("10", "0"), Entry: entry(leg("cash:operator", "-10"), leg("", "10"))},
		placed, charged,
		wallet.Granted{Amount: pt.Money("0.000000000001"), Reason: "welcome", Currency: money.USD, Balances: pt.After("8.5", "0"), Entry: entry(leg(money.Promo, "-0.000000000001"), leg("", "0.000000000001"))},
		again,
		wallet.HoldSuspected{HoldID: h2},
		wallet.HoldExtended{HoldID: h2, ExpiresAt: start},
		wallet.HoldExpired{HoldID: h2, KeyID: k1, Amount: pt.Money("8"), Currency: money.USD, Balances: pt.After("8.5", "0"), Entry: entry(leg("hold:2", "-8"), leg("", "8"))},
		over,
		wallet.Adjusted{Amount: pt.Money("2"), Reason: "sorry", Reference: "t-7", Currency: money.USD, Balances: pt.After("2", "0"), Entry: entry(leg(money.Adjustment, "-2"), leg("", "2"))},
		wallet.HoldReleased{HoldID: pt.ID(23), KeyID: k1, Amount: pt.Money("0"), Reason: "r", Currency: money.USD, Balances: pt.After("2", "0")},
	} {
		k.Append(ctx, t, pt.Wallet(w1, e))
		k.Now = k.Now.Add(time.Hour)
	}
	k.Append(ctx, t, pt.Wallet(w2, wallet.ToppedUp{Amount: pt.Money("1"), PSP: "operator", Reason: "r", Currency: money.USD, Balances: pt.After("1", "0")}))
	return start
}

func TestEventsBecomeMovements(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	start := history(t.Context(), t, k)
	k.Twice(t.Context(), t, journal.Projection{})
	p, err := statement.NewQuery(k.Pool).List(t.Context(), statement.Request{WalletID: w1, MinPosition: 13})
	require.NoError(t, err)
	require.Equal(t, int64(13), p.Position)
	require.Empty(t, p.NextCursor)
	h1, h2, k1 := h1, h2, k1
	at := func(hours int) time.Time { return start.Add(time.Duration(hours) * time.Hour) }
	want := []statement.Movement{
		{Position: 11, RecordedAt: at(10), Kind: "adjustment", Amount: pt.Money("2"), BalanceBefore: pt.Money("0"), BalanceAfter: pt.Money("2"), Currency: "USD", Reason: "sorry", Reference: "t-7"},
		{Position: 10, RecordedAt: at(9), Kind: "charge", Amount: pt.Money("-8.5"), BalanceBefore: pt.Money("8.5"), BalanceAfter: pt.Money("0"), Currency: "USD", GenerationID: &h2, KeyID: &k1, Model: "acme/one"},
		{Position: 5, RecordedAt: at(4), Kind: "grant", Amount: pt.Money("0.000000000001"), BalanceBefore: pt.Money("8.499999999999"), BalanceAfter: pt.Money("8.5"), Currency: "USD", Reason: "welcome"},
		{Position: 4, RecordedAt: at(3), Kind: "charge", Amount: pt.Money("-1.500000000001"), BalanceBefore: pt.Money("10"), BalanceAfter: pt.Money("8.499999999999"), Currency: "USD", GenerationID: &h1, KeyID: &k1, Model: "acme/one"},
		{Position: 2, RecordedAt: at(1), Kind: "top_up", Amount: pt.Money("10"), BalanceBefore: pt.Money("0"), BalanceAfter: pt.Money("10"), Currency: "USD", Reason: "first", Reference: "inv-1"},
	}
	require.Equal(t, fmt.Sprintf("%+v", texts(want)), fmt.Sprintf("%+v", texts(p.Movements)))
}

// texts shows amounts in their canonical form: equal values may differ inside.
func texts(movements []statement.Movement) []string {
	out := make([]string, len(movements))
	for i, m := range movements {
		out[i] = fmt.Sprint(m.Position, m.RecordedAt, m.Kind, m.Amount, m.BalanceBefore, m.BalanceAfter, m.Currency, m.Reference, m.Reason, m.GenerationID, m.KeyID, m.Model)
	}
	return out
}

func TestStatementsAreFiltered(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	start := history(t.Context(), t, k)
	k.ToEnd(t.Context(), t, 2, journal.Projection{})
	q := statement.NewQuery(k.Pool)
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for _, row := range []struct {
		name     string
		request  statement.Request
		expected []int64
	}{
		{"all", statement.Request{}, []int64{11, 10, 5, 4, 2}},
		{"charges", statement.Request{Kinds: []string{"charge"}}, []int64{10, 4}},
		{"credits", statement.Request{Kinds: []string{"top_up", "grant", "adjustment"}}, []int64{11, 5, 2}},
		{"one kind twice", statement.Request{Kinds: []string{"grant", "grant"}}, []int64{5}},
		{"from is inclusive", statement.Request{From: hour(4)}, []int64{11, 10, 5}},
		{"to is exclusive", statement.Request{To: hour(4)}, []int64{4, 2}},
		{"a microsecond later", statement.Request{From: hour(4).Add(time.Microsecond)}, []int64{11, 10}},
		{"a microsecond earlier", statement.Request{To: hour(4).Add(-time.Microsecond)}, []int64{4, 2}},
		{"inside a minute", statement.Request{From: hour(3), To: hour(3).Add(time.Second)}, []int64{4}},
		{"before all", statement.Request{To: hour(-1)}, nil},
		{"after all", statement.Request{From: hour(100)}, nil},
		{"both and kinds", statement.Request{From: hour(1), To: hour(10), Kinds: []string{"charge"}}, []int64{10, 4}},
		{"another wallet", statement.Request{WalletID: w2}, []int64{13}},
		{"no wallet", statement.Request{WalletID: pt.ID(99)}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.request.WalletID == pt.ID(0) {
				row.request.WalletID = w1
			}
			for limit := 1; limit <= 6; limit++ {
				require.Equal(t, row.expected, walk(t, q, row.request, limit), "in pages of %d", limit)
			}
		})
	}
}

func walk(t *testing.T, q *statement.Query, r statement.Request, limit int) []int64 {
	t.Helper()
	var got []int64
	r.Limit = limit
	for first := true; first || r.Cursor != ""; first = false {
		p, err := q.List(t.Context(), r)
		require.NoError(t, err)
		require.LessOrEqual(t, len(p.Movements), limit)
		for _, m := range p.Movements {
			got = append(got, m.Position)
		}
		r.Cursor = p.NextCursor
	}
	return got
}

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	q := statement.NewQuery(k.Pool)
	_, err := q.List(t.Context(), statement.Request{WalletID: w1})
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "before the first run: %v", err)
	now := time.Now()
	for name, r := range map[string]statement.Request{
		"negative limit": {Limit: -1}, "limit": {Limit: 1001}, "cursor": {Cursor: "!"}, "foreign cursor": {Cursor: page.Encode("balance", 3)},
		"long cursor": {Cursor: page.Encode("statement", 1, 2)}, "kind": {Kinds: []string{"charge", "theft"}}, "backwards": {From: now, To: now.Add(-1)},
		"nothing": {From: now, To: now}, "far": {From: time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)}, "long ago": {To: time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := q.List(t.Context(), r)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
}
