package rankings_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/rankings"
)

// TestRankingsAreThoseOfTheLog: whatever happened, whatever is asked, at the end and as of any moment, the boards are what other SQL
// computes from the raw events; and replays in other batches give the same tables.
func TestRankingsAreThoseOfTheLog(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Now = time.Date(2016, 3, 24, 5, 6, 7, 0, time.UTC)
	_, err := k.Pool.Exec(t.Context(), `CREATE TABLE raw (position bigint PRIMARY KEY, recorded_at timestamptz, stream text, type text, body jsonb)`)
	require.NoError(t, err)
	r := &raw{k: k}
	q := rankings.NewQuery(k.Pool, k.Store, k.Registry)
	w := world{k: k, hidden: map[string]bool{}}
	k.Append(t.Context(), t, registered(31, "notes", false), registered(32, "draft", false), registered(33, "code", false))
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			w.step(t)
		}
		k.ToEnd(t.Context(), t, rapid.IntRange(1, 40).Draw(t, "batch"), rankings.Projection{})
		r.fill(t)
		for range 3 {
			request, position := w.request(t)
			w.compare(t, q, r, request, position)
		}
	})
	k.Rebuilt(t.Context(), t, 17, rankings.Projection{})
	k.Rebuilt(t.Context(), t, 1000, rankings.Projection{})
}

// TestTheHeadAndTenPositions asks for every board, window and metric at the end of a longer history and at ten positions of it.
func TestTheHeadAndTenPositions(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Now = time.Date(2025, 11, 24, 5, 6, 7, 0, time.UTC)
	_, err := k.Pool.Exec(t.Context(), `CREATE TABLE raw (position bigint PRIMARY KEY, recorded_at timestamptz, stream text, type text, body jsonb)`)
	require.NoError(t, err)
	r := &raw{k: k}
	q := rankings.NewQuery(k.Pool, k.Store, k.Registry)
	w := world{k: k, hidden: map[string]bool{}}
	k.Append(t.Context(), t, registered(31, "notes", false), registered(32, "draft", false), registered(33, "code", false))
	rapid.Check(t, func(t *rapid.T) { // only to draw; the first histories are enough
		if w.asked {
			return
		}
		for range 400 {
			w.step(t)
		}
		if k.Head(t.Context(), t) < 2000 {
			return
		}
		w.asked = true
		k.ToEnd(t.Context(), t, 0, rankings.Projection{})
		r.fill(t)
		positions := append(rapid.SliceOfN(rapid.Int64Range(1, r.upTo), 10, 10).Draw(t, "positions"), 0)
		for _, position := range positions {
			for _, board := range rankings.Boards() {
				for _, window := range rankings.Windows() {
					for _, by := range rankings.Metrics() {
						request := rankings.Request{Board: board, Window: window, By: by, Top: 3}
						request.AsOfPosition = position
						w.compare(t, q, r, request, cmp.Or(position, r.upTo))
					}
				}
			}
		}
	})
	require.True(t, w.asked, "the history is long enough")
}

// made is a charge that may be corrected.
type made struct {
	wallet uuid.UUID
	charge wallet.UsageCharged
	bill   wallet.Bill
}

// world makes histories.
type world struct {
	k      *pt.Kit
	hidden map[string]bool
	calls  []made
	asked  bool
}

func (w *world) step(t *rapid.T) {
	switch n := rapid.IntRange(0, 19).Draw(t, "what"); {
	case n == 0:
		w.k.Append(t.Context(), t, paid(rapid.Uint64Range(1, 7).Draw(t, "wallet")))
	case n == 1:
		w.k.Append(t.Context(), t, granted(rapid.Uint64Range(1, 7).Draw(t, "wallet")))
	case n == 2:
		app, hide := rapid.Uint64Range(31, 33).Draw(t, "app"), rapid.Bool().Draw(t, "hidden")
		w.hidden[id(app)] = hide
		w.k.Append(t.Context(), t, updated(app, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), hide))
	case n == 3 && len(w.calls) > 0:
		c := &w.calls[rapid.IntRange(max(0, len(w.calls)-30), len(w.calls)-1).Draw(t, "corrected")]
		e := pt.Corrected(c.charge, c.bill, 1, w.k.Now, rapid.SampledFrom([]string{"0", "1", "0.25", "3000"}).Draw(t, "truth"), "0", pt.After("9", "0"))
		e.After.Usage[usage.Input] = rapid.Int64Range(0, 1000).Draw(t, "tokens")
		e.Currency = c.charge.Currency
		w.k.Append(t.Context(), t, pt.Wallet(c.wallet, e))
		c.bill = e.After
	case n < 7:
		step := rapid.OneOf(rapid.Int64Range(0, int64(time.Minute)), rapid.Int64Range(0, int64(3*time.Hour)), rapid.Int64Range(0, int64(40*time.Hour)))
		w.k.Now = w.k.Now.Add(time.Duration(step.Draw(t, "time")).Truncate(time.Microsecond))
	default:
		var facts [][]pt.Fact
		for range rapid.IntRange(1, 4).Draw(t, "calls") {
			c := call{
				wallet: rapid.Uint64Range(1, 8).Draw(t, "wallet"), model: rapid.SampledFrom([]string{"acme/one", "acme/two", "zeta/one:free"}).Draw(t, "model"),
				vendor: rapid.SampledFrom([]string{"north", "south"}).Draw(t, "vendor"), tokens: rapid.Int64Range(1, 1000).Draw(t, "tokens"),
				app: rapid.SampledFrom([]uint64{0, 0, 31, 32, 33}).Draw(t, "app"), url: rapid.SampledFrom([]string{"", "https://x.example", "https://y.example"}).Draw(t, "url"),
				charge:   rapid.SampledFrom([]string{"0", "1", "0.000000000001", "0.333333333334", "123456789.5"}).Draw(t, "charge"),
				currency: rapid.SampledFrom([]money.Currency{"USD", "USD", "USD", "EUR"}).Draw(t, "currency"),
			}
			if c.charge == "1" {
				c.uncollectible = rapid.SampledFrom([]string{"", "0.5", "1"}).Draw(t, "uncollectible")
			}
			fact := c.fact()
			facts = append(facts, fact)
			if e, ok := fact[0].Event.(wallet.UsageCharged); ok {
				w.calls = append(w.calls, made{pt.ID(c.wallet), e, e.Bill()})
			}
		}
		w.k.Append(t.Context(), t, facts...)
	}
}

// request draws a question, and tells the position that it is of.
func (w *world) request(t *rapid.T) (rankings.Request, int64) {
	r := rankings.Request{
		Board: rapid.SampledFrom(rankings.Boards()).Draw(t, "board"), Window: rapid.SampledFrom(rankings.Windows()).Draw(t, "window"),
		By: rapid.SampledFrom(rankings.Metrics()).Draw(t, "by"), Top: rapid.IntRange(1, 3).Draw(t, "top"),
	}
	if r.Window != rankings.All {
		r.Trending = rapid.Bool().Draw(t, "trending")
		if rapid.Bool().Draw(t, "dated") {
			begin := time.Date(2016, 3, 1, 0, 0, 0, 0, time.UTC)
			r.Date = begin.Add(time.Duration(rapid.Int64Range(0, int64(w.k.Now.Sub(begin))).Draw(t, "date")))
		}
	}
	if r.Board == rankings.Apps {
		r.Model = rapid.SampledFrom([]string{"", "acme/one", "acme/none"}).Draw(t, "model")
	}
	head := w.k.Head(t.Context(), t)
	position := head
	switch rapid.IntRange(0, 2).Draw(t, "moment") {
	case 0:
		r.MinPosition = head
	case 1:
		position = rapid.Int64Range(1, head).Draw(t, "position")
		r.AsOfPosition = position
	default: // the last event that was recorded until then
		position = rapid.Int64Range(1, head).Draw(t, "event")
		require.NoError(t, w.k.Pool.QueryRow(t.Context(), `SELECT e.recorded_at, (SELECT max(position) FROM raw r WHERE r.recorded_at <= e.recorded_at)
			FROM raw e WHERE position = $1`, position).Scan(&r.AsOf, &position))
	}
	return r, position
}

// compare holds an answer against what the raw events say.
func (w *world) compare(t *rapid.T, q *rankings.Query, r *raw, request rankings.Request, position int64) {
	got, err := q.Rank(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, position, got.Position)
	var last time.Time
	require.NoError(t, w.k.Pool.QueryRow(t.Context(), `SELECT recorded_at FROM raw WHERE position = $1`, position).Scan(&last))
	require.True(t, got.AsOf.Equal(last))
	at := request.Date
	if at.IsZero() {
		at = last
	}
	start := request.Window.Start(at)
	end := request.Window.Next(start, 1)
	require.Equal(t, start, got.Start)
	require.Equal(t, end, got.End)
	require.Equal(t, request.Window != rankings.All && !end.After(rankings.Day.Start(last)), got.Final)

	visible := func(start, end time.Time) (out []counted, total decimal.Decimal, wallets int64) {
		out, total, wallets = r.sums(t, position, request, start, end)
		out = slices.DeleteFunc(out, func(c counted) bool {
			return request.Board == rankings.Apps && w.hidden[c.subject]
		})
		slices.SortFunc(out, func(a, b counted) int { return cmp.Or(b.value.Cmp(a.value), strings.Compare(a.subject, b.subject)) })
		return out, total, wallets
	}
	want, total, wallets := visible(start, end)
	other, three := total, map[string]decimal.Decimal{}
	before := map[string]int64{}
	if request.Window != rankings.All {
		for n := 1; n <= 3; n++ {
			list, _, _ := visible(request.Window.Next(start, -n), request.Window.Next(start, 1-n))
			for i, c := range list {
				three[c.subject] = three[c.subject].Add(c.value)
				if n == 1 && c.value.Sign() > 0 {
					before[c.subject] = int64(i + 1)
				}
			}
		}
	}
	score := func(c counted) decimal.Decimal { return c.value.Mul(decimal.NewFromInt(3)).Sub(three[c.subject]) }
	if !request.Trending {
		want = slices.DeleteFunc(want, func(c counted) bool { return c.value.Sign() <= 0 })
	}
	if request.Trending {
		want = slices.DeleteFunc(want, func(c counted) bool { return score(c).Sign() <= 0 })
		slices.SortFunc(want, func(a, b counted) int { return cmp.Or(score(b).Cmp(score(a)), strings.Compare(a.subject, b.subject)) })
	}
	want = want[:min(len(want), request.Top)]
	require.Len(t, got.Rows, len(want))
	for i, row := range got.Rows {
		require.Equal(t, int64(i+1), row.Rank)
		require.Equal(t, want[i].subject, row.Subject)
		require.Equal(t, want[i].wallets, row.Wallets)
		require.True(t, want[i].value.Equal(row.Value), "%s %s", want[i].value, row.Value)
		require.Equal(t, before[row.Subject], row.Before)
		require.Equal(t, request.Board == rankings.Apps, row.Name != "")
		if request.Trending {
			require.True(t, row.Mean.Add(row.Change).Equal(row.Value))
			require.True(t, row.Mean.Mul(decimal.NewFromInt(3)).Sub(three[row.Subject]).Abs().LessThan(decimal.RequireFromString("0.000003")))
		}
		other = other.Sub(row.Value)
	}
	require.True(t, total.Equal(got.Total), "%s %s", total, got.Total)
	require.True(t, other.Equal(got.Other), "%s %s", other, got.Other)
	require.Equal(t, wallets, got.Wallets)
}
