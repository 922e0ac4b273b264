package usage_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/projections/usage"
)

// TestFewGroupsAreAddedUpLikeMany: of one wallet the groups without a row of their own are added up here, of several in the database.
func TestFewGroupsAreAddedUpLikeMany(t *testing.T) {
	t.Parallel()
	k, q := setup(t)
	for day := range 40 { // around the midnights of Kathmandu, at 18:15
		for i, minute := range []int{10, 14, 15, 20} {
			k.Now = time.Date(2026, 3, 1+day, 18, minute, 0, 0, time.UTC)
			model := []string{"acme/one", "acme/two", "acme/three", "acme/four"}[(day+i)%4]
			charge(t, k, w1, model, []string{"north", "south"}[day%2], []string{"1", "0.25", "0.000000000001", "3"}[i])
		}
	}
	k.ToEnd(t.Context(), t, 7, usage.Projection{})
	none := uuid.New() // a wallet without calls
	for _, dimensions := range [][]usage.Dimension{{usage.ByModel}, {usage.ByEndpoint}, {usage.ByVendor, usage.ByModel}} {
		for _, top := range []int{1, 2, 10} {
			r := usage.Request{
				Filter: usage.Filter{
					Wallets: []uuid.UUID{w1}, From: time.Date(2026, 2, 20, 3, 7, 0, 0, time.UTC), To: time.Date(2026, 4, 20, 0, 0, 0, 0, time.UTC), Zone: "Asia/Kathmandu",
				},
				Metrics:    []usage.Metric{usage.Charge, usage.Calls, usage.TotalTokens, usage.CacheShare, usage.DurationP50},
				Dimensions: dimensions, Top: top, Granularity: usage.Day,
			}
			few, err := q.Series(t.Context(), r)
			require.NoError(t, err)
			table, err := q.Aggregate(t.Context(), r)
			require.NoError(t, err)
			r.Wallets = append(r.Wallets, none)
			many, err := q.Series(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, many.Lines, few.Lines)
			require.Equal(t, many.Total, few.Total)
			for i, line := range few.Lines {
				require.Equal(t, table.Rows[i].Values, line.Values)
			}
			require.Equal(t, "160", few.Total.Values[1].Number)
			require.Equal(t, "2026-03-02T00:00:00+05:45", few.Intervals[10].From.Format(time.RFC3339))
			for i := 10; i < 49; i++ { // two calls after a day's first moment, and the next day's two before its last
				require.Equal(t, "4", few.Total.Points[i][1].Number, few.Intervals[i].From)
			}
			require.Equal(t, top < int(few.Groups), few.Lines[len(few.Lines)-1].Other)
		}
	}
}
