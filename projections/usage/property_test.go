package usage_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/usage"
)

// TestStatisticsAreSumsOfTheLog: whatever happened, whatever is asked, at the end and as of any moment, the answers are what adding up
// the raw events one by one gives; and replays in other batches give the same tables.
func TestStatisticsAreSumsOfTheLog(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Now = time.Date(2016, 3, 24, 5, 6, 7, 0, time.UTC)
	q := usage.NewQuery(k.Pool, k.Store, k.Registry)
	rapid.Check(t, func(t *rapid.T) {
		drawn(t, k)
		k.ToEnd(t.Context(), t, rapid.IntRange(1, 40).Draw(t, "batch"), usage.Projection{})
		calls := log{k, t}.events()
		r, known := request(t, k, calls)
		checkTable(t, q, r, known)
		checkSeries(t, q, r, known)
		checkList(t, q, r, known)
	})
	requireSums(t, k)
	k.Rebuilt(t.Context(), t, 17, usage.Projection{})
	k.Rebuilt(t.Context(), t, 1000, usage.Projection{})
}

// some draws a few of the values, often none.
func some[T any](t *rapid.T, label string, values ...T) []T {
	if rapid.IntRange(0, 3).Draw(t, label) > 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.SampledFrom(values), 1, 2).Draw(t, label+" values")
}

// request draws a question, and tells which calls were in the log at its moment.
func request(t *rapid.T, k *pt.Kit, calls []call) (usage.Request, []call) {
	begin := time.Date(2016, 3, 24, 0, 0, 0, 0, time.UTC)
	span := int(min(k.Now.Sub(begin), 700*24*time.Hour) / time.Minute)
	from := k.Now.Truncate(time.Minute).Add(-time.Duration(rapid.IntRange(0, span).Draw(t, "from")) * time.Minute)
	r := usage.Request{
		Filter: usage.Filter{
			Wallets: some(t, "wallets", pt.ID(1), pt.ID(2), pt.ID(3)), Keys: some(t, "keys", pt.ID(11), pt.ID(12), pt.ID(13)),
			Apps:   some(t, "apps", pt.ID(31), pt.ID(32)),
			Models: some(t, "models", "acme/one", "zeta/one:free"), Vendors: some(t, "vendors", "north", "south"),
			Endpoints: some(t, "endpoints", "acme/one@north", "acme/two@south"), Currency: "USD", From: from,
			To:   from.Add(time.Duration(rapid.IntRange(1, span+100).Draw(t, "minutes")) * time.Minute),
			Zone: rapid.SampledFrom([]string{"", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"}).Draw(t, "zone"),
		},
		Metrics:    rapid.SliceOfNDistinct(rapid.SampledFrom(usage.Metrics()), 1, 8, rapid.ID).Draw(t, "metrics"),
		Dimensions: rapid.SliceOfNDistinct(rapid.SampledFrom(usage.Dimensions()), 0, 2, rapid.ID).Draw(t, "dimensions"),
		OrderBy:    rapid.SampledFrom([]usage.Metric{"", usage.Charge, usage.TotalTokens, usage.Margin}).Draw(t, "order"),
		Top:        rapid.IntRange(0, 4).Draw(t, "top"),
	}
	if slices.Contains(r.Dimensions, usage.ByError) {
		r.Metrics, r.OrderBy = []usage.Metric{usage.Errors}, ""
	}
	head := k.Head(t.Context(), t)
	switch rapid.IntRange(0, 2).Draw(t, "moment") {
	case 0: // now
		r.MinPosition = head
		return r, calls
	case 1:
		r.AsOfPosition = rapid.Int64Range(1, head).Draw(t, "position")
		return r, slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return c.position > r.AsOfPosition })
	default: // a moment at, just before or after an event
		at := rapid.SampledFrom(calls).Draw(t, "event").at
		r.AsOf = at.Add(rapid.SampledFrom([]time.Duration{0, 1000, time.Second, time.Minute, time.Hour}).Draw(t, "after"))
		return r, slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return c.at.After(r.AsOf) })
	}
}

// checkRow compares a row with the calls of its groups.
func checkRow(t *rapid.T, r usage.Request, row usage.Row, groups ...*group) {
	t.Helper()
	var want plain
	for _, g := range groups {
		want.merge(&g.plain)
	}
	checkValues(t, r, row.Values, &want)
}

func (p *plain) merge(o *plain) {
	p.Calls += o.Calls
	p.Charged += o.Charged
	p.Errors += o.Errors
	p.Cancelled += o.Cancelled
	p.Estimated += o.Estimated
	p.Expired += o.Expired
	p.Input += o.Input
	p.CacheRead += o.CacheRead
	p.CacheWrite += o.CacheWrite
	p.Output += o.Output
	p.Reasoning += o.Reasoning
	p.Charge, p.VendorCost, p.Uncollectible = p.Charge.Add(o.Charge), p.VendorCost.Add(o.VendorCost), p.Uncollectible.Add(o.Uncollectible)
	p.first, p.duration = append(p.first, o.first...), append(p.duration, o.duration...)
}

func checkValues(t *rapid.T, r usage.Request, got []usage.Value, want *plain) {
	t.Helper()
	require.Len(t, got, len(r.Metrics))
	byError := slices.Contains(r.Dimensions, usage.ByError)
	for i, m := range r.Metrics {
		values, percent := want.quantile(m)
		switch {
		case byError:
			require.Equal(t, m.Of(&want.Sums).Number, got[i].Number, m)
		case percent == 0:
			require.Equal(t, m.Of(&want.Sums), got[i], m)
		case len(values) == 0:
			require.Zero(t, got[i], m)
		default:
			slices.Sort(values)
			require.Equal(t, int64(len(values)), got[i].Samples, m)
			require.True(t, near(nearestRank(values, percent), whole(t, got[i].Number)), "%s: %v, not %d", m, got[i], nearestRank(values, percent))
		}
	}
}

func checkTable(t *rapid.T, q *usage.Query, r usage.Request, calls []call) {
	t.Helper()
	got, err := q.Aggregate(t.Context(), r)
	require.NoError(t, err)
	groups := grouped(r, calls, got.OrderBy)
	checkRow(t, r, got.Total, groups...)
	if len(r.Dimensions) == 0 {
		require.Empty(t, got.Rows)
		return
	}
	top := r.Top
	if top == 0 {
		top = 10
	}
	require.Equal(t, int64(len(groups)), got.Groups)
	for i, row := range got.Rows {
		if row.Other {
			require.Equal(t, top, i)
			require.Len(t, got.Rows, top+1)
			checkRow(t, r, row, groups[top:]...)
			continue
		}
		require.Equal(t, groups[i].keys, row.Keys)
		checkRow(t, r, row, groups[i])
	}
	require.Len(t, got.Rows, min(len(groups), top+1))
	checkMoment(t, r, got.Position, got.AsOf)
}

// checkMoment: the answer says of which position it is.
func checkMoment(t *rapid.T, r usage.Request, position int64, at time.Time) {
	t.Helper()
	if r.AsOfPosition != 0 {
		require.Equal(t, r.AsOfPosition, position)
	}
	if !r.AsOf.IsZero() {
		require.False(t, at.After(r.AsOf))
	}
	require.GreaterOrEqual(t, position, r.MinPosition)
}

func checkSeries(t *rapid.T, q *usage.Query, r usage.Request, calls []call) {
	t.Helper()
	r.Granularity = rapid.SampledFrom(append(usage.Granularities(), "")).Draw(t, "granularity")
	got, err := q.Series(t.Context(), r)
	if err != nil {
		require.Contains(t, []usage.Granularity{usage.Minute, usage.Hour}, r.Granularity, "only fine series are too long: %v", err)
		return
	}
	require.Equal(t, r.From, got.Intervals[0].From.UTC())
	require.Equal(t, r.To, got.Intervals[len(got.Intervals)-1].To.UTC())
	groups := grouped(r, calls, got.OrderBy)
	require.Len(t, got.Total.Points, len(got.Intervals))
	checkRow(t, r, got.Total.Row, groups...)
	for i, interval := range got.Intervals {
		part := r
		part.From, part.To = interval.From, interval.To
		here := grouped(part, calls, got.OrderBy)
		var total, others plain
		for _, g := range here {
			total.merge(&g.plain)
			line := slices.IndexFunc(got.Lines, func(l usage.Line) bool { return !l.Other && slices.Equal(l.Keys, g.keys) })
			if line < 0 {
				others.merge(&g.plain)
			} else {
				checkValues(t, r, got.Lines[line].Points[i], &g.plain)
			}
		}
		checkValues(t, r, got.Total.Points[i], &total)
		if last := len(got.Lines) - 1; last >= 0 && got.Lines[last].Other {
			checkValues(t, r, got.Lines[last].Points[i], &others)
		}
	}
	for i, l := range got.Lines {
		if !l.Other {
			require.Equal(t, groups[i].keys, l.Keys)
			checkRow(t, r, l.Row, groups[i])
		}
	}
}

func checkList(t *rapid.T, q *usage.Query, r usage.Request, calls []call) {
	t.Helper()
	if len(r.Dimensions) == 0 {
		return
	}
	limit := rapid.IntRange(1, 6).Draw(t, "limit")
	var keys [][]string
	var want [][]string
	cursor := ""
	for first := true; first || cursor != ""; first = false {
		p, err := q.List(t.Context(), r, cursor, limit)
		require.NoError(t, err)
		groups := grouped(r, calls, p.OrderBy)
		want = nil
		for _, g := range groups {
			want = append(want, g.keys)
		}
		for i, row := range p.Rows {
			if row.Other {
				require.Equal(t, len(p.Rows)-1, i)
				continue
			}
			checkRow(t, r, row, groups[len(keys)])
			keys = append(keys, row.Keys)
		}
		checkRow(t, r, p.Total, groups...)
		cursor = p.NextCursor
	}
	require.Equal(t, want, keys)
}

func (p *plain) quantile(m usage.Metric) ([]int64, int64) {
	switch m {
	case usage.FirstTokenP50:
		return p.first, 50
	case usage.FirstTokenP95:
		return p.first, 95
	case usage.FirstTokenP99:
		return p.first, 99
	case usage.DurationP50:
		return p.duration, 50
	case usage.DurationP95:
		return p.duration, 95
	case usage.DurationP99:
		return p.duration, 99
	default:
		return nil, 0
	}
}

func whole(t require.TestingT, number string) int64 {
	n, err := strconv.ParseInt(number, 10, 64)
	require.NoError(t, err)
	return n
}
