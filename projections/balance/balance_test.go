package balance_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/balance"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

var (
	w1, w2     = pt.ID(1), pt.ID(2)
	k1, h1, h2 = pt.ID(11), pt.ID(21), pt.ID(22)
)

func opened(id uuid.UUID, owner string) wallet.Opened {
	return wallet.Opened{WalletID: id, Owner: owner, Currency: money.USD}
}

func toppedUp(amount string, after wallet.Balances) wallet.ToppedUp {
	return wallet.ToppedUp{Amount: pt.Money(amount), PSP: "operator", Reason: "r", Currency: money.USD, Balances: after}
}

func TestEventsBecomeBalances(t *testing.T) {
	t.Parallel()
	later := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name                                             string
		events                                           []wallet.Event
		posted, held, available, credited, charged, want string // want: open holds
	}{
		{"opened", nil, "0", "0", "0", "0", "0", "0"},
		{"topped up", []wallet.Event{toppedUp("20", pt.After("20", "0"))}, "20", "0", "20", "20", "0", "0"},
		{
			"granted",
			[]wallet.Event{wallet.Granted{Amount: pt.Money("1.5"), Reason: "r", Currency: money.USD, Balances: pt.After("1.5", "0")}},
			"1.5", "0", "1.5", "1.5", "0", "0",
		},
		{
			"adjusted down",
			[]wallet.Event{
				toppedUp("2", pt.After("2", "0")),
				wallet.Adjusted{Amount: pt.Money("-0.000000000001"), Reason: "r", Currency: money.USD, Balances: pt.After("1.999999999999", "0")},
			},
			"1.999999999999", "0", "1.999999999999", "1.999999999999", "0", "0",
		},
		{
			"held",
			[]wallet.Event{toppedUp("5", pt.After("5", "0")), pt.Placed(h1, k1, "3", later, pt.After("5", "3"))},
			"5", "3", "2", "5", "0", "1",
		},
		{"charged", []wallet.Event{
			toppedUp("5", pt.After("5", "0")), pt.Placed(h1, k1, "3", later, pt.After("5", "3")),
			pt.Charged(h1, k1, "1.25", "3", pt.After("3.75", "0")),
		}, "3.75", "0", "3.75", "5", "1.25", "0"},
		{
			"released",
			[]wallet.Event{
				toppedUp("5", pt.After("5", "0")), pt.Placed(h1, k1, "3", later, pt.After("5", "3")),
				wallet.HoldReleased{HoldID: h1, KeyID: k1, Amount: pt.Money("3"), Reason: "no_output", Currency: money.USD, Balances: pt.After("5", "0")},
			},
			"5", "0", "5", "5", "0", "0",
		},
		{"suspected and extended", []wallet.Event{
			toppedUp("5", pt.After("5", "0")), pt.Placed(h1, k1, "3", later, pt.After("5", "3")),
			wallet.HoldSuspected{HoldID: h1},
			wallet.HoldExtended{HoldID: h1, ExpiresAt: later},
		}, "5", "3", "2", "5", "0", "1"},
		{
			"expired, then charged late and beyond",
			[]wallet.Event{
				toppedUp("1", pt.After("1", "0")), pt.Placed(h1, k1, "1", later, pt.After("1", "1")),
				wallet.HoldExpired{HoldID: h1, KeyID: k1, Amount: pt.Money("1"), Currency: money.USD, Balances: pt.After("1", "0")},
				pt.Placed(h2, k1, "0.25", later, pt.After("1", "0.25")), late(pt.Charged(h1, k1, "2", "0", pt.After("0.25", "0.25")), "1.25"),
			},
			"0.25", "0.25", "0", "1", "0.75", "1",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			k := pt.New(t, pgtest.New(t))
			k.Append(t.Context(), t, pt.Wallet(w1, opened(w1, "acme")))
			head := int64(1)
			if len(row.events) > 0 {
				k.Now = k.Now.Add(time.Second)
				head = k.Append(t.Context(), t, pt.Wallet(w1, row.events...))
			}
			k.Twice(t.Context(), t, balance.Projection{})
			w, err := balance.NewQuery(k.Pool).Wallet(t.Context(), w1, head)
			require.NoError(t, err)
			require.Equal(t, []string{row.posted, row.held, row.available, row.credited, row.charged, row.want}, []string{
				w.Posted.String(), w.Held.String(), w.Available.String(), w.CreditedTotal.String(), w.ChargedTotal.String(), fmt.Sprint(w.OpenHolds),
			})
			require.Equal(t, "acme", w.Owner)
			require.Equal(t, money.USD, w.Currency)
			require.Equal(t, head, w.Position)
			require.Equal(t, head, w.LastPosition)
			require.Equal(t, k.Now, w.AsOf)
			require.Equal(t, time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), w.OpenedAt)
		})
	}
}

func late(e wallet.UsageCharged, uncollectible string) wallet.UsageCharged {
	e.Late, e.Uncollectible = true, pt.Money(uncollectible)
	return e
}

func TestAWalletThatIsMissingStopsTheProjection(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Append(t.Context(), t, pt.Wallet(w1, toppedUp("1", pt.After("1", "0"))))
	err := k.Runner(runner.Options{}, balance.Projection{}).ToEnd(t.Context())
	require.ErrorContains(t, err, "does not fit the log")
}

func TestWalletsArePagedFromTheNewest(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	for i := range uint64(7) {
		owner := []string{"even", "odd"}[i%2]
		k.Append(t.Context(), t, pt.Wallet(pt.ID(i+1), opened(pt.ID(i+1), owner)))
	}
	k.ToEnd(t.Context(), t, 0, balance.Projection{})
	q := balance.NewQuery(k.Pool)
	for _, row := range []struct {
		owner string
		limit int
		want  []uint64
		pages int
	}{
		{"", 2, []uint64{7, 6, 5, 4, 3, 2, 1}, 4},
		{"", 7, []uint64{7, 6, 5, 4, 3, 2, 1}, 1},
		{"", 0, []uint64{7, 6, 5, 4, 3, 2, 1}, 1},
		{"even", 3, []uint64{7, 5, 3, 1}, 2},
		{"odd", 1, []uint64{6, 4, 2}, 3},
		{"nobody", 5, nil, 1},
	} {
		t.Run(fmt.Sprintf("%s by %d", row.owner, row.limit), func(t *testing.T) {
			t.Parallel()
			var got []uuid.UUID
			cursor, pages := "", 0
			for pages == 0 || cursor != "" {
				p, err := q.Wallets(t.Context(), balance.Request{Owner: row.owner, Limit: row.limit, Cursor: cursor})
				require.NoError(t, err)
				require.Equal(t, int64(7), p.Position)
				for _, w := range p.Wallets {
					require.Equal(t, p.At, w.At)
					got = append(got, w.ID)
				}
				cursor = p.NextCursor
				pages++
			}
			var want []uuid.UUID
			for _, n := range row.want {
				want = append(want, pt.ID(n))
			}
			require.Equal(t, want, got)
			require.Equal(t, row.pages, pages)
		})
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	q := balance.NewQuery(k.Pool)
	_, err := q.Wallet(t.Context(), w1, 0)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "before the first run: %v", err)
	k.Append(t.Context(), t, pt.Wallet(w1, opened(w1, "")))
	k.ToEnd(t.Context(), t, 0, balance.Projection{})
	_, err = q.Wallet(t.Context(), w2, 0)
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	for name, r := range map[string]balance.Request{
		"negative limit": {Limit: -1}, "limit": {Limit: 1001}, "cursor": {Cursor: "x"}, "owner": {Owner: "a\x00"}, "bytes": {Owner: "\xff"},
	} {
		_, err := q.Wallets(t.Context(), r)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
}
