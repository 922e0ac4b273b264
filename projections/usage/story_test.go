package usage_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/usage"
)

// byModel adds up the stored events themselves.
const byModel = `SELECT e.body::json->>'model' AS model, count(*)::text, count(*) FILTER (WHERE type = 'wallet.usage_charged.v1')::text,
	count(*) FILTER (WHERE type = 'wallet.hold_released.v1' OR e.body::json->'call'->>'error' <> '')::text,
	trim_scale(coalesce(sum((e.body::json->>'charge')::numeric), 0))::text,
	trim_scale(coalesce(sum((e.body::json->>'vendor_cost')::numeric), 0))::text,
	coalesce(sum((SELECT sum(value::bigint) FROM json_each_text(e.body::json->'usage') WHERE key IN ('cache_read', 'audio_cache_read')))
		FILTER (WHERE type = 'wallet.usage_charged.v1'), 0)::text,
	coalesce(sum((SELECT sum(value::bigint) FROM json_each_text(e.body::json->'usage')
		WHERE key NOT IN ('request', 'image', 'second', 'character', 'search'))) FILTER (WHERE type = 'wallet.usage_charged.v1'), 0)::text
	FROM ledger.events e WHERE type IN ('wallet.usage_charged.v1', 'wallet.hold_released.v1') AND position <= $1
	GROUP BY 1 ORDER BY sum((e.body::json->>'charge')::numeric) DESC NULLS LAST, 1`

// TestStatisticsOfAWholeStoryAreThoseOfItsEvents: what real use cases wrote into a real log, at its end and as of each position.
func TestStatisticsOfAWholeStoryAreThoseOfItsEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	clock := ledgertest.NewClock()
	store, err := postgres.Open(t.Context(), pool, postgres.Options{Clock: clock.At})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	ledger := ledgertest.New(t, store, clock)
	ledger.Tell(t.Context())
	ledger.TellUnits(t.Context())
	registry, err := commands.Registry()
	require.NoError(t, err)
	require.NoError(t, runner.New(store, pool, registry, []runner.Projection{usage.Projection{}}, runner.Options{BatchSize: 7}).ToEnd(t.Context()))
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	q := usage.NewQuery(pool, store, registry)
	var seen int
	for position := head.Position; position > 0; position -= 3 {
		r := usage.Request{
			Filter:  usage.Filter{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)},
			Metrics: []usage.Metric{usage.Calls, usage.ChargedCalls, usage.Errors, usage.Charge, usage.VendorCost, usage.CacheReadTokens, usage.TotalTokens},
			OrderBy: usage.Charge, Dimensions: []usage.Dimension{usage.ByModel},
		}
		if position != head.Position {
			r.AsOfPosition = position
		}
		table, err := q.Aggregate(t.Context(), r)
		require.NoError(t, err)
		var want, got [][]string
		rows, err := pool.Query(t.Context(), byModel, position)
		require.NoError(t, err)
		for rows.Next() {
			line := make([]string, 8)
			require.NoError(t, rows.Scan(&line[0], &line[1], &line[2], &line[3], &line[4], &line[5], &line[6], &line[7]))
			want = append(want, line)
		}
		require.NoError(t, rows.Err())
		for _, row := range table.Rows {
			if row.Keys[0] == "" { // of expiries the event does not say the model
				require.Equal(t, "0", row.Values[0].Number)
				continue
			}
			got = append(got, append([]string{row.Keys[0]}, numbers(row.Values)...))
		}
		require.Equal(t, want, got, "at position "+strconv.FormatInt(position, 10))
		seen += len(want)
	}
	require.Greater(t, seen, 20)
}

// TestStatisticsTellFeesAndVendorsBillsApart: of calls with customers' own keys the charge is the fee, and what the vendor bills the customer is a sum of its own.
func TestStatisticsTellFeesAndVendorsBillsApart(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	clock := ledgertest.NewClock()
	store, err := postgres.Open(t.Context(), pool, postgres.Options{Clock: clock.At})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	ledger := ledgertest.New(t, store, clock)
	ledger.Tell(t.Context())
	told := ledger.TellOwnKeys(t.Context())
	registry, err := commands.Registry()
	require.NoError(t, err)
	require.NoError(t, runner.New(store, pool, registry, []runner.Projection{usage.Projection{}}, runner.Options{BatchSize: 7}).ToEnd(t.Context()))
	q := usage.NewQuery(pool, store, registry)
	for _, position := range []int64{0, told.Charged.ChargePosition} {
		r := usage.Request{
			Filter: usage.Filter{
				From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Wallets: []uuid.UUID{told.Wallet},
			},
			Metrics: []usage.Metric{usage.Charge, usage.UpstreamCost, usage.VendorCost, usage.Margin}, OrderBy: usage.Charge,
		}
		r.AsOfPosition = position
		table, err := q.Aggregate(t.Context(), r)
		require.NoError(t, err)
		// 901 × 0.000001 + 17 × 0.000004 = 0.000969 a call, a twentieth of it for one with an own key; the vendor's bill is 0.9 of it. The correction
		// adds 16 × 0.000004, and 901 prompt tokens of a call that brought nothing are billed.
		want := []string{"0.0010691", "0.0026127", "0.0008721", "0.000197"}
		if position > 0 {
			want = []string{"0.0000969", "0.0017442", "0", "0.0000969"}
		}
		require.Equal(t, want, numbers(table.Total.Values), position)
	}
}
