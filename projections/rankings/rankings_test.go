package rankings_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/rankings"
)

// bundle is a log, and the rankings of it.
type bundle struct {
	*pt.Kit
	q *rankings.Query
}

func setup(t *testing.T) *bundle {
	t.Helper()
	k := pt.New(t, pgtest.New(t))
	return &bundle{k, rankings.NewQuery(k.Pool, k.Store, k.Registry)}
}

func (b *bundle) calls(t *testing.T, calls ...call) {
	t.Helper()
	for i := range calls {
		b.Append(t.Context(), t, calls[i].fact())
	}
}

// rank asks, and gives the answer as text: each row as subject=value, then what is left and the total.
func (b *bundle) rank(t *testing.T, r rankings.Request) string {
	t.Helper()
	b.ToEnd(t.Context(), t, 0, rankings.Projection{})
	if r.By == "" {
		r.By = rankings.Tokens
	}
	if r.Window == "" {
		r.Window = rankings.Day
	}
	table, err := b.q.Rank(t.Context(), r)
	require.NoError(t, err)
	var out []string
	sum := table.Other
	for _, row := range table.Rows {
		subject := row.Subject
		if row.Name != "" {
			subject = row.Name
		}
		out, sum = append(out, fmt.Sprintf("%s=%s", subject, row.Value)), sum.Add(row.Value)
	}
	if !r.Trending {
		require.True(t, sum.Equal(table.Total), "the rows and the rest are the total")
	}
	return strings.Join(append(out, "other="+table.Other.String(), "of "+table.Total.String()), " ")
}

// each is the same call of several wallets.
func each(c call, wallets ...uint64) []call {
	var out []call
	for _, w := range wallets {
		c.wallet = w
		out = append(out, c)
	}
	return out
}

func TestR1_OnlyWhatSomebodyPaidForCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3), granted(4))
	b.calls(t, each(call{tokens: 10}, 1, 2, 3)...)
	b.calls(t,
		call{wallet: 1, tokens: 99, charge: "0"},                                              // a free call
		call{wallet: 2, tokens: 99, charge: "5", uncollectible: "5"},                          // nobody paid
		call{wallet: 4, tokens: 99},                                                           // of a wallet that lives on grants, as the platform's own do
		call{wallet: 3, tokens: 3, charge: "0.000000000002", uncollectible: "0.000000000001"}, // somebody paid a little
	)
	require.Equal(t, "acme/one=31 other=2 of 33", b.rank(t, rankings.Request{Board: rankings.Models}))
	require.Equal(t, "north=3 other=1 of 4", b.rank(t, rankings.Request{Board: rankings.Vendors, By: rankings.Calls}))
}

func TestR2_AWalletCountsFromTheDayOfItsFirstTopUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	day := b.Now
	b.Append(t.Context(), t, paid(1, 2), granted(3))
	b.calls(t, each(call{tokens: 10}, 1, 2, 3)...)
	require.Equal(t, "other=20 of 20", b.rank(t, rankings.Request{Board: rankings.Models}))
	b.Now = day.Add(24 * time.Hour)
	b.calls(t, each(call{tokens: 10}, 1, 2, 3)...)
	b.Append(t.Context(), t, paid(3))
	require.Equal(t, "acme/one=30 other=0 of 30", b.rank(t, rankings.Request{Board: rankings.Models}), "the whole day counts")
	require.Equal(t, "other=20 of 20", b.rank(t, rankings.Request{Board: rankings.Models, Date: day}), "a day that is over stays")
	require.Equal(t, "acme/one=42 other=8 of 50", b.rank(t, rankings.Request{Board: rankings.Models, Window: rankings.Week}))
}

func TestR3_FloorOfWallets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3))
	b.calls(t, each(call{tokens: 10}, 1, 2, 3)...)
	b.calls(t, each(call{tokens: 1000, model: "acme/two"}, 1, 2)...)
	require.Equal(t, "acme/one=30 other=2000 of 2030", b.rank(t, rankings.Request{Board: rankings.Models}))
	b.calls(t, call{wallet: 3, tokens: 1000, model: "acme/two"})
	require.Equal(t, "acme/two=3000 acme/one=30 other=0 of 3030", b.rank(t, rankings.Request{Board: rankings.Models}))
}

func TestR4_CapOnOneWalletsShare(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3))
	b.calls(t, call{wallet: 1, tokens: 98, charge: "0.000000000002"}, call{wallet: 2, tokens: 1, charge: "0.000000000001"},
		call{wallet: 3, tokens: 1, charge: "0.000000000001"})
	require.Equal(t, "acme/one=35 other=65 of 100", b.rank(t, rankings.Request{Board: rankings.Models}), "a third of 100 is 33")
	require.Equal(t, "acme/one=0.000000000003 other=0.000000000001 of 0.000000000004", b.rank(t, rankings.Request{Board: rankings.Models, By: rankings.Spend}))
	require.Equal(t, "acme/one=3 other=0 of 3", b.rank(t, rankings.Request{Board: rankings.Models, By: rankings.Calls}), "wallets that are alike lose nothing")
	b.Now = b.Now.Add(24 * time.Hour)
	b.calls(t, call{wallet: 1, tokens: 1})
	require.Equal(t, "acme/one=35 other=65 of 100", b.rank(t, rankings.Request{Board: rankings.Models, Date: b.Now.Add(-24 * time.Hour)}), "also when the day is over")
}

func TestR5_HiddenAppsAreNeverNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3), registered(31, "notes", false), registered(32, "secret", true))
	b.calls(t, each(call{tokens: 10, app: 31}, 1, 2, 3)...)
	b.calls(t, each(call{tokens: 20, app: 32}, 1, 2, 3)...)
	yesterday, position := b.Now, b.Head(t.Context(), t)
	require.Equal(t, "notes=30 other=60 of 90", b.rank(t, rankings.Request{Board: rankings.Apps}))
	require.Equal(t, "acme/one=90 other=0 of 90", b.rank(t, rankings.Request{Board: rankings.Models}), "its calls are calls of a model all the same")
	b.Now = b.Now.Add(24 * time.Hour)
	b.Append(t.Context(), t, updated(31, "notes", true))
	asOf := rankings.Request{Board: rankings.Apps}
	asOf.AsOfPosition = position
	for name, r := range map[string]rankings.Request{
		"a day that is over": {Board: rankings.Apps, Date: yesterday}, "the month": {Board: rankings.Apps, Window: rankings.Month},
		"all time": {Board: rankings.Apps, Window: rankings.All}, "one model's": {Board: rankings.Apps, Model: "acme/one", Window: rankings.All}, "the past": asOf,
	} {
		require.Equal(t, "other=90 of 90", b.rank(t, r), name)
	}
	b.Append(t.Context(), t, updated(31, "notes", false))
	require.Equal(t, "notes=30 other=60 of 90", b.rank(t, rankings.Request{Board: rankings.Apps, Date: yesterday}))
}

func TestR6_UnverifiedAppsAreListedApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3), registered(31, "notes", false))
	b.calls(t, each(call{tokens: 10, app: 31, url: "https://elsewhere.example"}, 1, 2, 3)...)
	b.calls(t, each(call{tokens: 20, url: "https://notes.example"}, 1, 2, 3)...)
	b.calls(t, each(call{tokens: 40}, 1, 2, 3)...)
	require.Equal(t, "notes=30 other=0 of 30", b.rank(t, rankings.Request{Board: rankings.Apps}))
	require.Equal(t, "https://notes.example=60 other=0 of 60", b.rank(t, rankings.Request{Board: rankings.Referers}))
}

func TestR7_OnlyDollarsAreSpend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3))
	b.calls(t, each(call{tokens: 9, charge: "0.3"}, 1, 2, 3)...)
	b.calls(t, each(call{tokens: 9, charge: "1000", currency: "JPY"}, 1, 2, 3)...)
	require.Equal(t, "north=0.9 other=0 of 0.9", b.rank(t, rankings.Request{Board: rankings.Vendors, By: rankings.Spend}))
	require.Equal(t, "north=54 other=0 of 54", b.rank(t, rankings.Request{Board: rankings.Vendors}))
}

func TestTopAndTheRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3))
	for n, model := range []string{"a/a", "b/b", "c/c", "d/d"} {
		b.calls(t, each(call{tokens: int64(10 + n/2), model: model}, 1, 2, 3)...)
	}
	require.Equal(t, "c/c=33 d/d=33 a/a=30 other=30 of 126", b.rank(t, rankings.Request{Board: rankings.Models, Top: 3}))
	require.Equal(t, "a/a=3 other=9 of 12", b.rank(t, rankings.Request{Board: rankings.Models, By: rankings.Calls, Top: 1}), "equal ones by their names")
}

func TestTheAppsOfAModel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3), registered(31, "notes", false), registered(32, "code", false))
	b.calls(t, each(call{tokens: 10, app: 31}, 1, 2, 3)...)
	b.calls(t, each(call{tokens: 5, app: 32}, 1, 2, 3)...)
	b.calls(t, each(call{tokens: 20, app: 32, model: "acme/two"}, 1, 2, 3)...)
	day := b.Now
	for range 2 { // in the day, and when it is over
		require.Equal(t, "notes=30 code=15 other=0 of 45", b.rank(t, rankings.Request{Board: rankings.Apps, Model: "acme/one", Date: day}))
		require.Equal(t, "code=60 other=0 of 60", b.rank(t, rankings.Request{Board: rankings.Apps, Model: "acme/two", Date: day}))
		require.Equal(t, "code=75 notes=30 other=0 of 105", b.rank(t, rankings.Request{Board: rankings.Apps, Date: day}))
		b.Now = b.Now.Add(24 * time.Hour)
		b.Append(t.Context(), t, granted(1))
	}
}

// TestWindows walks over the borders of days, ISO weeks, months and years in UTC.
func TestWindows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Now = time.Date(2024, 12, 29, 23, 59, 59, 999_999_000, time.UTC) // a Sunday
	b.Append(t.Context(), t, paid(1, 2, 3))
	b.calls(t, each(call{tokens: 1}, 1, 2, 3)...)
	for n, day := range []string{"2024-12-30", "2024-12-31", "2025-01-01", "2025-01-05", "2025-01-06"} {
		b.Now, _ = time.Parse(time.DateOnly, day)
		b.calls(t, each(call{tokens: []int64{10, 100, 1000, 10_000, 100_000}[n]}, 1, 2, 3)...)
	}
	at := func(day string) time.Time {
		date, err := time.Parse(time.DateOnly, day)
		require.NoError(t, err)
		return date
	}
	for _, row := range []struct {
		window     rankings.Window
		date, want string
	}{
		{rankings.Day, "2024-12-29", "3"},
		{rankings.Day, "2024-12-30", "30"},
		{rankings.Day, "2025-01-02", "0"},
		{rankings.Day, "2025-01-06", "300000"},
		{rankings.Week, "2024-12-23", "3"},
		{rankings.Week, "2025-01-02", "33330"},
		{rankings.Week, "2025-01-07", "300000"},
		{rankings.Month, "2024-12-01", "333"},
		{rankings.Month, "2025-01-31", "333000"},
		{rankings.Month, "2025-02-01", "0"},
	} {
		got := b.rank(t, rankings.Request{Board: rankings.Models, Window: row.window, Date: at(row.date)})
		require.True(t, strings.HasSuffix(got, " of "+row.want) || got == "other=0 of 0" && row.want == "0", "%s of %s: %s", row.window, row.date, got)
	}
	require.Equal(t, "acme/one=333333 other=0 of 333333", b.rank(t, rankings.Request{Board: rankings.Models, Window: rankings.All}))
	b.Rebuilt(t.Context(), t, 1, rankings.Projection{})
}

func TestMovesAndTrends(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1, 2, 3))
	for day, volumes := range [][]int64{{10, 100, 0}, {20, 100, 0}, {31, 100, 0}, {90, 100, 1}} { // of a/a, b/b and c/c
		b.Now = time.Date(2026, 3, 4+day, 1, 0, 0, 0, time.UTC)
		for i, tokens := range volumes {
			if tokens > 0 {
				b.calls(t, each(call{tokens: tokens, model: []string{"a/a", "b/b", "c/c"}[i]}, 1, 2, 3)...)
			}
		}
		if day == 3 {
			b.calls(t, each(call{tokens: 20, model: "a/a"}, 1, 2, 3)...)
		}
	}
	b.ToEnd(t.Context(), t, 0, rankings.Projection{})
	table, err := b.q.Rank(t.Context(), rankings.Request{Board: rankings.Models, Window: rankings.Day, By: rankings.Tokens})
	require.NoError(t, err)
	require.Len(t, table.Rows, 3)
	for i, want := range []struct {
		subject string
		moved   int64
		known   bool
	}{{"a/a", 1, true}, {"b/b", -1, true}, {"c/c", 0, false}} {
		row := &table.Rows[i]
		require.Equal(t, want.subject, row.Subject)
		moved, known := row.Moved()
		require.Equal(t, want.known, known)
		if known {
			require.Equal(t, want.moved, moved)
		}
	}
	table, err = b.q.Rank(t.Context(), rankings.Request{Board: rankings.Models, Window: rankings.Day, By: rankings.Tokens, Trending: true})
	require.NoError(t, err)
	require.Len(t, table.Rows, 2, "b/b is as it was")
	require.Equal(t, "a/a 330 61 269", strings.Join([]string{table.Rows[0].Subject, table.Rows[0].Value.String(), table.Rows[0].Mean.String(), table.Rows[0].Change.String()}, " "))
	require.Equal(t, "c/c 3 0 3", strings.Join([]string{table.Rows[1].Subject, table.Rows[1].Value.String(), table.Rows[1].Mean.String(), table.Rows[1].Change.String()}, " "))
}

func TestDailyDataset(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Now = time.Date(2026, 3, 4, 1, 0, 0, 0, time.UTC)
	b.Append(t.Context(), t, paid(1, 2, 3))
	for n := range 52 {
		var facts [][]pt.Fact
		for _, c := range each(call{tokens: int64(1000 - n), model: fmt.Sprintf("a/m%02d", n)}, 1, 2, 3) {
			facts = append(facts, c.fact())
		}
		b.Append(t.Context(), t, facts...)
	}
	b.Now = time.Date(2026, 3, 6, 1, 0, 0, 0, time.UTC)
	b.calls(t, each(call{tokens: 2, model: "a/m01"}, 1, 2, 3)...)
	b.calls(t, call{wallet: 1, tokens: 5, model: "a/m02"})
	b.ToEnd(t.Context(), t, 0, rankings.Projection{})
	d, err := b.q.Daily(t.Context(), rankings.DailyRequest{})
	require.NoError(t, err)
	require.Equal(t, b.Head(t.Context(), t), d.Position)
	require.Len(t, d.Rows, 53)
	text := func(r rankings.DailyRow) string {
		return r.Date + " " + r.ModelPermaslug + " " + r.TotalTokens.String()
	}
	require.Equal(t, "2026-03-04 a/m00 3000", text(d.Rows[0]))
	require.Equal(t, "2026-03-04 a/m49 2853", text(d.Rows[49]))
	require.Equal(t, fmt.Sprintf("2026-03-04 other %d", 3*(1000-50)+3*(1000-51)), text(d.Rows[50]))
	require.Equal(t, "2026-03-06 a/m01 6", text(d.Rows[51]))
	require.Equal(t, "2026-03-06 other 5", text(d.Rows[52]))
	d, err = b.q.Daily(t.Context(), rankings.DailyRequest{From: b.Now, To: b.Now})
	require.NoError(t, err)
	require.Len(t, d.Rows, 2)
	for field, r := range map[string]rankings.DailyRequest{
		"from": {From: b.Now.AddDate(-1, 0, -2), To: b.Now}, "to": {To: time.Now().AddDate(0, 0, 2)},
	} {
		_, err := b.q.Daily(t.Context(), r)
		requireField(t, field, err)
	}
	_, err = b.q.Daily(t.Context(), rankings.DailyRequest{From: b.Now, To: b.Now.AddDate(0, 0, -1)})
	requireField(t, "from", err)
}

func requireField(t *testing.T, field string, err error) {
	t.Helper()
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, domain.CodeInvalid, e.Code)
	require.Equal(t, field, e.Details["field"], e.Message)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Append(t.Context(), t, paid(1))
	b.ToEnd(t.Context(), t, 0, rankings.Projection{})
	for name, row := range map[string]struct {
		field  string
		change func(*rankings.Request)
	}{
		"board":                 {"board", func(r *rankings.Request) { r.Board = "users" }},
		"window":                {"window", func(r *rankings.Request) { r.Window = "year" }},
		"metric":                {"by", func(r *rankings.Request) { r.By = "margin" }},
		"a model of models":     {"model", func(r *rankings.Request) { r.Model = "acme/one" }},
		"no slug":               {"model", func(r *rankings.Request) { r.Board, r.Model = rankings.Apps, "x" }},
		"trend of all time":     {"trending", func(r *rankings.Request) { r.Window, r.Trending = rankings.All, true }},
		"date of all time":      {"date", func(r *rankings.Request) { r.Window, r.Date = rankings.All, b.Now }},
		"date to come":          {"date", func(r *rankings.Request) { r.Date = time.Now().Add(time.Hour) }},
		"date before computers": {"date", func(r *rankings.Request) { r.Date = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) }},
		"top":                   {"top", func(r *rankings.Request) { r.Top = 101 }},
		"negative top":          {"top", func(r *rankings.Request) { r.Top = -1 }},
		"negative position":     {"as_of", func(r *rankings.Request) { r.AsOfPosition = -1 }},
		"position to come":      {"as_of", func(r *rankings.Request) { r.AsOfPosition = 2 }},
		"two moments":           {"as_of", func(r *rankings.Request) { r.AsOfPosition, r.AsOf = 1, b.Now }},
		"time to come":          {"as_of", func(r *rankings.Request) { r.AsOf = time.Now().Add(time.Hour) }},
		"time before the log":   {"as_of", func(r *rankings.Request) { r.AsOf = b.Now.Add(-time.Second) }},
		"negative wait":         {"min_position", func(r *rankings.Request) { r.MinPosition = -1 }},
	} {
		r := rankings.Request{Board: rankings.Models, Window: rankings.Day, By: rankings.Tokens}
		row.change(&r)
		_, err := b.q.Rank(t.Context(), r)
		requireField(t, row.field, err)
		require.NotEmpty(t, name)
	}
}

func TestAnEmptyLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.q.Rank(t.Context(), rankings.Request{Board: rankings.Models, Window: rankings.Day, By: rankings.Tokens})
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "it has not been built yet")
	require.NotContains(t, err.Error(), "SQLSTATE")
}
