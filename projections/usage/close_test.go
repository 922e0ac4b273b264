package usage_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/usage"
)

// buckets are the buckets of a table that have rows.
func buckets(t *testing.T, k *pt.Kit, table string) []string {
	t.Helper()
	rows, err := k.Pool.Query(t.Context(), `SELECT DISTINCT to_char(bucket AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM views.usage_`+table+`_v3 ORDER BY 1`)
	require.NoError(t, err)
	var out []string
	for rows.Next() {
		var at string
		require.NoError(t, rows.Scan(&at))
		out = append(out, at)
	}
	require.NoError(t, rows.Err())
	return out
}

// TestRowsAreWrittenWhenTheirTimeIsOver: not before, and by whatever event comes first after it.
func TestRowsAreWrittenWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	k, _ := setup(t)
	for _, step := range []struct {
		at                              string
		minutes, quarters, days, months []string
	}{
		{at: "2026-01-30T22:59:59Z"},
		{at: "2026-01-30T23:00:00Z", minutes: []string{"01-30 22:59"}, quarters: []string{"01-30 22:45"}},
		{at: "2026-01-30T23:14:00Z", minutes: []string{"01-30 22:59", "01-30 23:00"}, quarters: []string{"01-30 22:45"}},
		{
			at: "2026-01-31T00:00:00Z", minutes: []string{"01-30 22:59", "01-30 23:00", "01-30 23:14"},
			quarters: []string{"01-30 22:45", "01-30 23:00"}, days: []string{"01-30 00:00"},
		},
		{ // a quarter of an hour, a day and a month end at once, with two months without a call between
			at: "2026-04-15T12:00:00Z", minutes: []string{"01-30 22:59", "01-30 23:00", "01-30 23:14", "01-31 00:00"},
			quarters: []string{"01-30 22:45", "01-30 23:00", "01-31 00:00"}, days: []string{"01-30 00:00", "01-31 00:00"}, months: []string{"01-01 00:00"},
		},
	} {
		var err error
		k.Now, err = time.Parse(time.RFC3339, step.at)
		require.NoError(t, err)
		charge(t, k, w1, "acme/one", "north", "1")
		release(t, k, "timeout")
		k.ToEnd(t.Context(), t, 0, usage.Projection{})
		for _, family := range []string{"", "errors_"} {
			require.Equal(t, step.minutes, buckets(t, k, family+"minute"), step.at)
			require.Equal(t, step.quarters, buckets(t, k, family+"quarter_hour"), step.at)
		}
		for _, family := range []string{"", "errors_", "keys_"} {
			require.Equal(t, step.days, buckets(t, k, family+"day"), step.at)
			require.Equal(t, step.months, buckets(t, k, family+"month"), step.at)
		}
		require.Equal(t, []string{k.Now.Format("01-02 15:04")}, buckets(t, k, "open"))
	}
	k.Twice(t.Context(), t, usage.Projection{}) // and when all of it comes in one batch
}

// sums are the columns that add up.
var sums = strings.Split("calls charged errors cancelled estimated expired input_tokens cache_read_tokens cache_write_tokens output_tokens "+
	"reasoning_tokens charge uncollectible vendor_cost upstream_cost first_token duration", " ")

// requireSums: every quarter of an hour, day and month that has rows has those of the finer ones, added up.
func requireSums(t *testing.T, k *pt.Kit) {
	t.Helper()
	list := "sum(" + strings.Join(sums, "), sum(") + ")"
	const keys = "wallet_id, key_id, app_id, model, endpoint, currency"
	for _, pair := range [][2]string{{"minute", "quarter_hour"}, {"quarter_hour", "day"}, {"day", "month"}} {
		finer, coarser := pair[0], pair[1]
		begin := func(at string) string {
			if coarser == "quarter_hour" {
				return "date_bin('15 minutes', " + at + ", 'epoch')"
			}
			return "date_trunc('" + coarser + "', " + at + ", 'UTC')"
		}
		for family, values := range map[string][2]string{"": {keys, list}, "errors_": {keys + ", class", "sum(errors)"}} {
			of := func(table string) string {
				return fmt.Sprintf(`SELECT %[1]s, %[2]s, %[3]s FROM views.usage_%[4]s%[5]s_v3 WHERE bucket < (
					SELECT %[6]s FROM views.checkpoints WHERE name = 'usage') GROUP BY %[1]s, %[2]s`,
					begin("bucket"), values[0], values[1], family, table, begin("recorded_at"))
			}
			requireSame(t, k, of(finer), of(coarser))
		}
		if coarser != "quarter_hour" {
			requireSame(t, k, `SELECT bucket, wallet_id, key_id, app_id, currency, `+list+` FROM views.usage_`+coarser+`_v3
				WHERE wallet_id <> '00000000-0000-0000-0000-000000000000' GROUP BY 1, 2, 3, 4, 5`,
				`SELECT bucket, wallet_id, key_id, app_id, currency, `+strings.Join(sums, ", ")+` FROM views.usage_keys_`+coarser+`_v3`)
		}
	}
}

func requireSame(t *testing.T, k *pt.Kit, a, b string) {
	t.Helper()
	var rows, differ int
	require.NoError(t, k.Pool.QueryRow(t.Context(), `WITH a AS (`+a+`), b AS (`+b+`) SELECT (SELECT count(*) FROM b),
		(SELECT count(*) FROM (TABLE a EXCEPT ALL TABLE b) x) + (SELECT count(*) FROM (TABLE b EXCEPT ALL TABLE a) y)`).Scan(&rows, &differ))
	require.Zero(t, differ, b)
	require.Positive(t, rows, b)
}

// TestAnswersDoNotMindWhatEndsMeanwhile: an answer that was planned by an older checkpoint is exact, too.
func TestAnswersDoNotMindWhatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	q := usage.NewQuery(k.Pool, k.Store, k.Registry)
	k.Now = noon
	r := usage.Request{
		Filter: usage.Filter{From: noon.AddDate(0, 0, -1), To: noon.AddDate(0, 2, 0)}, Metrics: []usage.Metric{usage.Calls},
		Dimensions: []usage.Dimension{usage.ByWallet},
	}
	for calls, gap := range []time.Duration{0, time.Second, time.Minute, time.Hour, 24 * time.Hour, 40 * 24 * time.Hour, 0} {
		k.Now = k.Now.Add(gap)
		charge(t, k, w1, "acme/one", "north", "1")
		k.ToEnd(t.Context(), t, 0, usage.Projection{})
		table, err := q.Aggregate(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(calls+1), table.Total.Values[0].Number, gap)
	}
}

// TestManyAskersSeeWhatWasThere: equal questions are answered together, and no answer is older than what was projected when it was
// asked for.
func TestManyAskersSeeWhatWasThere(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Now = noon
	charge(t, k, w1, "acme/one", "north", "1")
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	q := usage.NewQuery(k.Pool, k.Store, k.Registry)
	var projected atomic.Int64
	projected.Store(1)
	const end = 25
	errs := make([]error, 8)
	var askers sync.WaitGroup
	for i := range errs {
		askers.Go(func() {
			for least := int64(0); least < end && errs[i] == nil; {
				least = projected.Load()
				r := usage.Request{Filter: usage.Filter{From: noon, To: noon.Add(24 * time.Hour)}, Metrics: []usage.Metric{usage.Calls}}
				table, err := q.Aggregate(t.Context(), r)
				if err == nil && (table.Position < least || table.Total.Sums.Calls != table.Position) {
					err = fmt.Errorf("position %d has %d calls, and %d had been projected", table.Position, table.Total.Sums.Calls, least)
				}
				errs[i] = err
			}
		})
	}
	for n := int64(2); n <= end; n++ {
		k.Now = k.Now.Add(7 * time.Minute)
		charge(t, k, w1, "acme/one", "north", "1")
		k.ToEnd(t.Context(), t, 0, usage.Projection{})
		projected.Store(n)
	}
	askers.Wait()
	require.NoError(t, errors.Join(errs...))
}
