package usage_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/usage"
)

// TestKeptAnswersAreThoseOfTheDatabase: whatever happens meanwhile, whatever is asked, as of any moment, and of whatever build.
func TestKeptAnswersAreThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Now = time.Date(2016, 3, 24, 5, 6, 7, 0, time.UTC)
	keeps, whole := usage.NewQuery(k.Pool, k.Store, k.Registry), usage.NewQuery(k.Pool, k.Store, k.Registry)
	whole.KeepNothing()
	operator := k.Runner(runner.Options{BatchSize: 100}, usage.Projection{})
	rapid.Check(t, func(t *rapid.T) {
		drawn(t, k)
		k.ToEnd(t.Context(), t, rapid.IntRange(1, 40).Draw(t, "batch"), usage.Projection{})
		switch rapid.IntRange(0, 40).Draw(t, "build") {
		case 0:
			require.NoError(t, operator.Rebuild(t.Context(), usage.Name))
		case 1: // there may be none to go back to
			_ = operator.Rollback(t.Context(), usage.Name)
		}
		r, _ := request(t, k, log{k, t}.events())
		r.Granularity = rapid.SampledFrom([]usage.Granularity{usage.Day, usage.Week, usage.Month}).Draw(t, "granularity")
		sameAnswers(t, r, keeps, whole)
		if r.To = r.To.Add(time.Minute); rapid.Bool().Draw(t, "whole days") { // most of them are the same, which other rounds ask for too
			r.From, r.To = r.From.Truncate(24*time.Hour), r.To.Truncate(24*time.Hour).AddDate(0, 0, 1)
		}
		sameAnswers(t, r, keeps, whole)
	})
}

func sameAnswers(t *rapid.T, r usage.Request, a, b *usage.Query) {
	t.Helper()
	if rapid.Bool().Draw(t, "series") {
		one, err := a.Series(t.Context(), r)
		require.NoError(t, err)
		other, err := b.Series(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, other, one)
		return
	}
	one, err := a.Aggregate(t.Context(), r)
	require.NoError(t, err)
	other, err := b.Aggregate(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, other, one)
}

// fiveDays is a log of a call a day, the last one today.
func fiveDays(t *testing.T) (*pt.Kit, *usage.Query, usage.Request) {
	t.Helper()
	k, q := setup(t)
	for i := range 5 {
		k.Now = noon.AddDate(0, 0, i)
		charge(t, k, w1, "acme/one", "north", "1")
	}
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	return k, q, usage.Request{
		Filter:     usage.Filter{Wallets: []uuid.UUID{w1}, From: noon.AddDate(0, 0, -1), To: noon.AddDate(0, 0, 5), Zone: "Asia/Kolkata"},
		Dimensions: []usage.Dimension{usage.ByModel}, Metrics: []usage.Metric{usage.Calls, usage.Charge}, Granularity: usage.Day,
	}
}

// calls asks in three ways: all of them, those of the interval in which the day after the first begins, and those that the activity has.
func calls(t *testing.T, q *usage.Query, r usage.Request) [3]string {
	t.Helper()
	table, err := q.Aggregate(t.Context(), r)
	require.NoError(t, err)
	series, err := q.Series(t.Context(), r)
	require.NoError(t, err)
	activity, err := q.Activity(t.Context(), usage.ActivityRequest{WalletID: w1}, noon.AddDate(0, 0, 4))
	require.NoError(t, err)
	n := int64(0)
	for _, row := range activity.Rows {
		n += row.Requests
	}
	return [3]string{table.Total.Values[0].Number, series.Lines[0].Points[2][0].Number, strconv.FormatInt(n, 10)}
}

// distort changes what the live build has of a day that is over: its table would never be written again.
func distort(t *testing.T, k *pt.Kit) {
	t.Helper()
	for _, statement := range []string{
		`UPDATE views.usage_day_v3 SET calls = calls + 10, charged = charged + 10 WHERE bucket = '2026-03-05' AND wallet_id = '` + w1.String() + `'`,
		`UPDATE views.usage_quarter_hour_v3 SET calls = calls + 10 WHERE bucket >= '2026-03-05' AND bucket < '2026-03-06' AND wallet_id = '` + w1.String() + `'`,
	} {
		tag, err := k.Pool.Exec(t.Context(), statement)
		require.NoError(t, err)
		require.Equal(t, int64(1), tag.RowsAffected())
	}
}

func TestDaysThatAreOverAreReadOnce(t *testing.T) {
	t.Parallel()
	k, q, r := fiveDays(t)
	require.Equal(t, [3]string{"5", "1", "4"}, calls(t, q, r))
	distort(t, k)
	require.Equal(t, [3]string{"15", "11", "14"}, calls(t, usage.NewQuery(k.Pool, k.Store, k.Registry), r), "who has kept nothing")
	require.Equal(t, [3]string{"5", "1", "4"}, calls(t, q, r))
	k.Now = k.Now.Add(time.Hour)
	charge(t, k, w1, "acme/one", "north", "1")
	k.ToEnd(t.Context(), t, 0, usage.Projection{})
	r.From, r.To, r.MinPosition = r.From.Add(time.Minute), r.To.Add(time.Minute), k.Head(t.Context(), t)
	r.Top = 3
	require.Equal(t, [3]string{"6", "1", "4"}, calls(t, q, r), "the range moves on over the same days")
}

func TestWhatIsKeptOfABuildIsNotOfAnother(t *testing.T) {
	t.Parallel()
	k, q, r := fiveDays(t)
	operator := k.Runner(runner.Options{}, usage.Projection{})
	require.Equal(t, [3]string{"5", "1", "4"}, calls(t, q, r))
	for range 2 {
		require.NoError(t, operator.Rebuild(t.Context(), usage.Name))
		distort(t, k)
		require.Equal(t, [3]string{"15", "11", "14"}, calls(t, q, r))
		require.Equal(t, [3]string{"15", "11", "14"}, calls(t, q, r))
		require.NoError(t, operator.Rollback(t.Context(), usage.Name))
		require.Equal(t, [3]string{"5", "1", "4"}, calls(t, q, r))
	}
}

var errOther = errors.New("another answer")

// TestAskersShareWhatIsKept: many at once, of whom some come while the days are read, and others while the view is switched.
func TestAskersShareWhatIsKept(t *testing.T) {
	t.Parallel()
	k, q, r := fiveDays(t)
	r.Metrics = append(r.Metrics, usage.DurationP50)
	operator := k.Runner(runner.Options{}, usage.Projection{})
	want, err := q.Aggregate(t.Context(), r)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 4)
	for i := range cap(done) {
		go func() {
			for n := 0; ; n++ {
				mine := r
				mine.To = r.To.Add(time.Duration(n%3+i) * time.Minute)
				got, err := q.Aggregate(context.WithoutCancel(ctx), mine)
				if err != nil || ctx.Err() != nil {
					done <- err
					return
				}
				if got.Total.Values[0] != want.Total.Values[0] || got.Total.Values[2] != want.Total.Values[2] {
					done <- errOther
					return
				}
			}
		}()
	}
	for range 3 {
		require.NoError(t, operator.Rebuild(t.Context(), usage.Name))
	}
	stop()
	for range cap(done) {
		require.NoError(t, <-done)
	}
}
