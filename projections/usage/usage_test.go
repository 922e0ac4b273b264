package usage_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	domainusage "github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/generations"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/usage"
)

var (
	w1, w2 = pt.ID(1), pt.ID(2)
	k1     = pt.ID(11)
	noon   = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
)

// setup is a log and its queries.
func setup(t *testing.T) (*pt.Kit, *usage.Query) {
	t.Helper()
	k := pt.New(t, pgtest.New(t))
	k.Now = noon
	return k, usage.NewQuery(k.Pool, k.Store, k.Registry)
}

// charge appends a charge of a model on an endpoint.
func charge(t *testing.T, k *pt.Kit, walletID uuid.UUID, model, vendor, amount string) {
	t.Helper()
	e := pt.Charged(uuid.New(), k1, amount, "1", pt.After("5", "3"))
	e.Model, e.Endpoint, e.Vendor = model, model+"@"+vendor, vendor
	e.Usage = domainusage.Usage{domainusage.Input: 10, domainusage.CacheRead: 5, domainusage.CacheWrite: 2, domainusage.CacheWrite1h: 1, domainusage.Output: 7, domainusage.Reasoning: 3}
	k.Append(t.Context(), t, pt.Wallet(walletID, e))
}

func release(t *testing.T, k *pt.Kit, reason string) {
	t.Helper()
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.HoldReleased{
		HoldID: uuid.New(), KeyID: k1, Model: "acme/one", Endpoint: "acme/one@north", Amount: pt.Money("1"), Reason: reason, Currency: money.USD,
	}))
}

func numbers(values []usage.Value) []string {
	var out []string
	for _, v := range values {
		out = append(out, v.Number)
	}
	return out
}

func TestActivityIsThatOfTheLastCompletedDays(t *testing.T) {
	t.Parallel()
	k, q := setup(t)
	day := func(n int) { k.Now = noon.AddDate(0, 0, n) }
	charge(t, k, w1, "acme/one", "north", "9") // 31 days before
	day(1)
	charge(t, k, w1, "acme/one", "north", "0.25")
	day(30)
	charge(t, k, w1, "acme/two", "south", "1.5")
	charge(t, k, w1, "acme/one", "north", "0.000000000001")
	charge(t, k, w1, "acme/one", "north", "0.5")
	charge(t, k, w1, "acme/one", "south", "2")
	charge(t, k, w2, "acme/one", "north", "100")
	release(t, k, "timeout")
	day(31)
	charge(t, k, w1, "acme/one", "north", "7") // today
	k.ToEnd(t.Context(), t, 3, usage.Projection{})
	got, err := q.Activity(t.Context(), usage.ActivityRequest{WalletID: w1, MinPosition: 9}, k.Now)
	require.NoError(t, err)
	row := func(date, model, vendor, amount string, n int64) usage.ActivityRow {
		return usage.ActivityRow{
			Date: date, Model: model, ModelPermaslug: model, EndpointID: model + "@" + vendor, ProviderName: vendor, Usage: pt.Money(amount),
			Requests: n, PromptTokens: 18 * n, CompletionTokens: 10 * n, ReasoningTokens: 3 * n,
		}
	}
	want := []usage.ActivityRow{
		row("2026-04-03", "acme/one", "north", "0.500000000001", 2), row("2026-04-03", "acme/one", "south", "2", 1),
		row("2026-04-03", "acme/two", "south", "1.5", 1), row("2026-03-05", "acme/one", "north", "0.25", 1),
	}
	require.Equal(t, want, got.Rows)
	require.Equal(t, k.Head(t.Context(), t), got.Position)

	got, err = q.Activity(t.Context(), usage.ActivityRequest{WalletID: w1, KeyID: &k1, Date: "2026-03-05"}, k.Now)
	require.NoError(t, err)
	require.Equal(t, want[3:], got.Rows)
	got, err = q.Activity(t.Context(), usage.ActivityRequest{WalletID: w1, KeyID: &w1}, k.Now)
	require.NoError(t, err)
	require.Empty(t, got.Rows)
	for _, date := range []string{"2026-03-04", "2026-04-04", "yesterday"} {
		_, err = q.Activity(t.Context(), usage.ActivityRequest{WalletID: w1, Date: date}, k.Now)
		requireField(t, "date", err)
	}
	_, err = q.Activity(t.Context(), usage.ActivityRequest{}, k.Now)
	requireField(t, "wallet", err)

	// The next day begins without an event: the last minute of the day before is in no rollup yet.
	got, err = q.Activity(t.Context(), usage.ActivityRequest{WalletID: w1, Date: "2026-04-04"}, k.Now.AddDate(0, 0, 1))
	require.NoError(t, err)
	require.Equal(t, []usage.ActivityRow{row("2026-04-04", "acme/one", "north", "7", 1)}, got.Rows)
}

func requireField(t *testing.T, field string, err error) {
	t.Helper()
	var refused *domain.Error
	require.ErrorAs(t, err, &refused, field)
	require.Equal(t, domain.CodeInvalid, refused.Code, field)
	require.Equal(t, field, refused.Details["field"])
}

func TestErrorsByClass(t *testing.T) {
	t.Parallel()
	k, q := setup(t)
	for _, reason := range []string{"timeout", "upstream_error", "timeout"} {
		release(t, k, reason)
	}
	failed := pt.Charged(uuid.New(), k1, "1", "1", pt.After("5", "3"))
	failed.Call.Error = "stream_broken"
	k.Append(t.Context(), t, pt.Wallet(w1, failed))
	charge(t, k, w1, "acme/one", "north", "1")
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.HoldExpired{HoldID: uuid.New(), KeyID: k1, Amount: pt.Money("1"), Currency: money.USD}))
	k.ToEnd(t.Context(), t, 2, usage.Projection{})
	f := usage.Filter{From: noon, To: noon.Add(time.Hour)}
	table, err := q.Aggregate(t.Context(), usage.Request{Filter: f, Metrics: []usage.Metric{usage.Errors}, Dimensions: []usage.Dimension{usage.ByError}, Top: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"timeout"}, table.Rows[0].Keys)
	require.Equal(t, []string{"2"}, numbers(table.Rows[0].Values))
	require.True(t, table.Rows[1].Other)
	require.Equal(t, []string{"2"}, numbers(table.Rows[1].Values))
	require.Equal(t, int64(3), table.Groups)
	table, err = q.Aggregate(t.Context(), usage.Request{Filter: f, Metrics: []usage.Metric{usage.Errors, usage.Calls, usage.ErrorShare, usage.ExpiredHolds, usage.CacheShare}})
	require.NoError(t, err)
	require.Equal(t, []usage.Value{{Number: "4", Samples: 5}, {Number: "5", Samples: 5}, {Number: "0.8", Samples: 5}, {Number: "1", Samples: 6}, {Number: "0.178571", Samples: 2}}, table.Total.Values)
}

func TestARangeWithoutCallsHasNumbersWithoutSamples(t *testing.T) {
	t.Parallel()
	k, q := setup(t)
	charge(t, k, w1, "acme/one", "north", "1")
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	r := usage.Request{
		Filter: usage.Filter{From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}, Moment: usage.Moment{AsOfPosition: 1},
		Metrics: []usage.Metric{usage.Calls, usage.Charge, usage.CacheShare, usage.DurationP99}, Dimensions: []usage.Dimension{usage.ByModel},
	}
	table, err := q.Aggregate(t.Context(), r)
	require.NoError(t, err)
	require.Empty(t, table.Rows)
	require.Equal(t, []usage.Value{{Number: "0"}, {Number: "0"}, {}, {}}, table.Total.Values)
	series, err := q.Series(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, series.Total.Points, 60)
	require.Equal(t, usage.Minute, series.Granularity)
}

// TestPagesAreOfOneMoment: what happens between two pages changes neither rows nor order nor total.
func TestPagesAreOfOneMoment(t *testing.T) {
	t.Parallel()
	k, q := setup(t)
	for i, amount := range []string{"5", "4", "3", "2", "1"} {
		charge(t, k, w1, "acme/"+string(rune('a'+i)), "north", amount)
	}
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	r := usage.Request{
		Filter: usage.Filter{To: noon.Add(time.Hour)}, Metrics: []usage.Metric{usage.Charge}, Dimensions: []usage.Dimension{usage.ByModel},
	}
	var models []string
	cursor := ""
	for first := true; first || cursor != ""; first = false {
		p, err := q.List(t.Context(), r, cursor, 2)
		require.NoError(t, err)
		require.Equal(t, int64(5), p.Position)
		require.Equal(t, []string{"15"}, numbers(p.Total.Values))
		for _, row := range p.Rows {
			if !row.Other {
				models = append(models, row.Keys[0])
			}
		}
		cursor = p.NextCursor
		charge(t, k, w1, "acme/e", "north", "50")
		k.ToEnd(t.Context(), t, 0, usage.Projection{})
	}
	require.Equal(t, []string{"acme/a", "acme/b", "acme/c", "acme/d", "acme/e"}, models)
	p, err := q.List(t.Context(), r, "", 2)
	require.NoError(t, err)
	other := r
	other.Vendors = []string{"north"}
	_, err = q.List(t.Context(), other, p.NextCursor, 2)
	requireField(t, "cursor", err)
	for _, bad := range []string{"!", "dXNhZ2U", p.NextCursor + "A"} {
		_, err = q.List(t.Context(), r, bad, 2)
		requireField(t, "cursor", err)
	}
	_, err = q.List(t.Context(), r, "", 1001)
	requireField(t, "limit", err)
	r.Dimensions = nil
	_, err = q.List(t.Context(), r, "", 2)
	requireField(t, "dimensions", err)
}

func TestBadRequestsNameTheField(t *testing.T) {
	t.Parallel()
	k, q := setup(t)
	charge(t, k, w1, "acme/one", "north", "1")
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	for name, row := range map[string]struct {
		field  string
		change func(*usage.Request)
	}{
		"metric":           {"metrics", func(r *usage.Request) { r.Metrics = []usage.Metric{"speed"} }},
		"no metric":        {"metrics", func(r *usage.Request) { r.Metrics = nil }},
		"too many metrics": {"metrics", func(r *usage.Request) { r.Metrics = usage.Metrics() }},
		"by error":         {"metrics", func(r *usage.Request) { r.Dimensions = []usage.Dimension{usage.ByError} }},
		"dimension":        {"dimensions", func(r *usage.Request) { r.Dimensions = []usage.Dimension{"colour"} }},
		"three dimensions": {"dimensions", func(r *usage.Request) { r.Dimensions = usage.Dimensions()[:3] }},
		"twice":            {"dimensions", func(r *usage.Request) { r.Dimensions = []usage.Dimension{usage.ByKey, usage.ByKey} }},
		"order":            {"order_by", func(r *usage.Request) { r.OrderBy = usage.CacheShare }},
		"order by error": {"order_by", func(r *usage.Request) {
			r.Metrics, r.Dimensions, r.OrderBy = []usage.Metric{usage.Errors}, []usage.Dimension{usage.ByError}, usage.Charge
		}},
		"top":          {"top", func(r *usage.Request) { r.Top = 101 }},
		"negative top": {"top", func(r *usage.Request) { r.Top = -1 }},
		"cells":        {"top", func(r *usage.Request) { r.Top, r.Granularity = 100, usage.Minute }},
		"zone":         {"zone", func(r *usage.Request) { r.Zone = "Mars/Olympus" }},
		"backwards":    {"from", func(r *usage.Request) { r.From = r.To }},
		"too wide":     {"from", func(r *usage.Request) { r.From = r.To.AddDate(0, 0, -733) }},
		"too early":    {"from", func(r *usage.Request) { r.From = noon.AddDate(-40, 0, 0) }},
		"too late":     {"to", func(r *usage.Request) { r.To = noon.AddDate(8000, 0, 0) }},
		"seconds":      {"to", func(r *usage.Request) { r.To = r.To.Add(time.Second) }},
		"granularity":  {"granularity", func(r *usage.Request) { r.Granularity = "decade" }},
		"points":       {"granularity", func(r *usage.Request) { r.From, r.Granularity = r.To.AddDate(0, -2, 0), usage.Minute }},
		"position":     {"as_of", func(r *usage.Request) { r.AsOfPosition = 2 }},
		"negative":     {"as_of", func(r *usage.Request) { r.AsOfPosition = -1 }},
		"future":       {"as_of", func(r *usage.Request) { r.AsOf = time.Now().Add(time.Hour) }},
		"past":         {"as_of", func(r *usage.Request) { r.AsOf = noon.Add(-time.Second) }},
		"long past":    {"as_of", func(r *usage.Request) { r.AsOf = noon.AddDate(-1, 0, 0) }},
		"both":         {"as_of", func(r *usage.Request) { r.AsOfPosition, r.AsOf = 1, noon }},
		"nil wallet":   {"wallets", func(r *usage.Request) { r.Wallets = []uuid.UUID{uuid.Nil} }},
		"keys":         {"keys", func(r *usage.Request) { r.Keys = make([]uuid.UUID, 101) }},
		"apps":         {"apps", func(r *usage.Request) { r.Apps = make([]uuid.UUID, 101) }},
		"model":        {"models", func(r *usage.Request) { r.Models = []string{"a\x00"} }},
		"vendor":       {"vendors", func(r *usage.Request) { r.Vendors = []string{"\xff"} }},
		"endpoints":    {"endpoints", func(r *usage.Request) { r.Endpoints = make([]string, 101) }},
		"currency":     {"currency", func(r *usage.Request) { r.Currency = "dollar" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := usage.Request{
				Filter: usage.Filter{From: noon.Add(-12 * time.Hour), To: noon.Add(12 * time.Hour)}, Metrics: []usage.Metric{usage.Calls},
				Dimensions: []usage.Dimension{usage.ByModel},
			}
			_, err := q.Series(t.Context(), r)
			require.NoError(t, err)
			row.change(&r)
			_, err = q.Series(t.Context(), r)
			requireField(t, row.field, err)
		})
	}
}

func TestQuestionsBeforeTheFirstRun(t *testing.T) {
	t.Parallel()
	k, q := setup(t)
	r := usage.Request{Metrics: []usage.Metric{usage.Calls}}
	_, err := q.Aggregate(t.Context(), r)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	r.AsOf = noon
	_, err = q.Aggregate(t.Context(), r)
	require.Error(t, err, "of an empty log nothing is known")
}

func TestTheListOfCallsTakesTheSameFilter(t *testing.T) {
	t.Parallel()
	f := usage.Filter{Wallets: []uuid.UUID{w1}, Keys: []uuid.UUID{k1}, Models: []string{"acme/one"}, From: noon, To: noon.Add(time.Hour)}
	got, err := f.Calls()
	require.NoError(t, err)
	require.Equal(t, generations.Request{WalletID: &w1, KeyID: &k1, Model: "acme/one", From: noon, To: noon.Add(time.Hour)}, got)
	for field, f := range map[string]usage.Filter{
		"wallets": {Wallets: []uuid.UUID{w1, w2}}, "models": {Models: []string{"a", "b"}}, "vendors": {Vendors: []string{"north"}},
		"endpoints": {Endpoints: []string{"acme/one@north"}}, "keys": {Keys: []uuid.UUID{k1, w1}},
	} {
		_, err := f.Calls()
		requireField(t, field, err)
	}
}

// TestPartitionsAreMadeAhead: rows lie in the partitions of their time, and the next ones are there before they are needed.
func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	k, _ := setup(t)
	for _, at := range []string{"2025-12-31T23:59:59Z", "2026-01-31T00:00:00Z", "2027-01-31T00:00:00Z"} {
		var err error
		k.Now, err = time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		charge(t, k, w1, "acme/one", "north", "1")
	}
	k.Twice(t.Context(), t, usage.Projection{})
	rows, err := k.Pool.Query(t.Context(), `SELECT c.relname::text || ' ' || pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i
		JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'views.usage_quarter_hour_v3'::regclass ORDER BY 1`)
	require.NoError(t, err)
	var got []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		got = append(got, name)
	}
	require.NoError(t, rows.Err())
	bound := func(from, to string) string {
		return "FOR VALUES FROM ('" + from + " 00:00:00+00') TO ('" + to + " 00:00:00+00')"
	}
	require.Equal(t, []string{
		"usage_quarter_hour_v3_202510 " + bound("2025-10-01", "2026-01-01"), "usage_quarter_hour_v3_202601 " + bound("2026-01-01", "2026-04-01"),
		"usage_quarter_hour_v3_202604 " + bound("2026-04-01", "2026-07-01"), "usage_quarter_hour_v3_202701 " + bound("2027-01-01", "2027-04-01"),
		"usage_quarter_hour_v3_202704 " + bound("2027-04-01", "2027-07-01"),
	}, got)
	var minutes int
	require.NoError(t, k.Pool.QueryRow(t.Context(), `SELECT count(*) FROM views.usage_minute_v3_202601`).Scan(&minutes))
	require.Equal(t, 2, minutes, "the wallet's row and that of all wallets")
}
