package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/usage"
)

// BenchmarkProject builds the view of 20,000 calls (a hold and a charge each) of 1,000 wallets, from a log in memory: decoding,
// folding and writing. At so many calls a second a row of a minute has many or few calls.
func BenchmarkProject(b *testing.B) {
	for _, perSecond := range []int{1000, 50} {
		b.Run(fmt.Sprintf("calls_a_second=%d", perSecond), func(b *testing.B) {
			k := pt.New(b, pgtest.New(b))
			const calls, commit = 20_000, 500
			for range calls / commit {
				var facts []pt.Fact
				for i := range commit {
					id := pt.ID(uint64(i*2%1000) + 1)
					hold := uuid.New()
					charged := pt.Charged(hold, id, "0.0123", "1", pt.After("5", "3"))
					charged.Call.FirstTokenMS, charged.Call.DurationMS = int64(200+i), int64(1000+7*i)
					facts = append(facts, pt.Wallet(id, pt.Placed(hold, id, "1", k.Now, pt.After("5", "3")), charged)...)
				}
				k.Append(b.Context(), b, facts)
				k.Now = k.Now.Add(commit * time.Second / time.Duration(perSecond))
			}
			r := k.Runner(runner.Options{}, usage.Projection{})
			for b.Loop() {
				b.StopTimer()
				_, err := k.Pool.Exec(b.Context(), `DELETE FROM views.checkpoints WHERE name = 'usage'`)
				require.NoError(b, err)
				for _, table := range (usage.Projection{}).Tables() {
					_, err := k.Pool.Exec(b.Context(), `TRUNCATE `+table)
					require.NoError(b, err)
				}
				b.StartTimer()
				require.NoError(b, r.ToEnd(b.Context()))
			}
			b.ReportMetric(2*calls*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkFold is the part of it that is Go: folding, rolling up and encoding, without a database.
func BenchmarkFold(b *testing.B) {
	events := make([]runner.Event, 2000)
	for i := range events {
		id := pt.ID(uint64(i%500) + 1)
		e := pt.Charged(uuid.New(), id, "0.0123", "1", pt.After("5", "3"))
		e.Call.FirstTokenMS = int64(200 + i)
		events[i] = runner.Event{Position: int64(i + 1), RecordedAt: noon.Add(time.Duration(i) * time.Millisecond), StreamID: wallet.Stream(id), Data: e}
	}
	pool := pgtest.New(b)
	for b.Loop() {
		b.StopTimer()
		none, err := usage.Projection{}.Carry(b.Context(), pool)
		require.NoError(b, err)
		b.StartTimer()
		w := runner.Writes{Carried: none}
		require.NoError(b, usage.Projection{}.Project(events, &w))
	}
	b.ReportMetric(float64(len(events))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// scatter makes calls of a year: 1,000 wallets with two keys, ten models at two vendors, and adds them up like the projection.
var scatter = []string{
	`CREATE TEMP TABLE calls AS SELECT timestamptz '2025-03-05 00:00+00' + (i * 157.68::float8) * interval '1 second' AS at,
		('00000000-0000-0000-0000-' || lpad(to_hex(1 + (i * 7919) %% 1000), 12, '0'))::uuid AS w,
		('00000000-0000-0000-0001-' || lpad(to_hex(1 + (i * 7919) %% 1000 + 1000 * (i %% 2)), 12, '0'))::uuid AS k,
		'acme/model-' || floor(10 * power(random(), 2))::int AS m, (ARRAY['north', 'south'])[1 + (i / 3) %% 2] AS v,
		100 + (random() * 4000)::int AS tokens, floor(20 + 90 * random())::bigint AS place FROM generate_series(1, %d) AS i`,
	`SELECT ledger.ensure_time_partitions(('views.usage_' || t.n || '_v3')::regclass, t.w, (SELECT array_agg(g) FROM generate_series(timestamptz '2025-03-05', '2026-03-05', '28 days') g))
		FROM (VALUES ('minute', 'month'), ('quarter_hour', 'quarter'), ('day', 'year'), ('month', 'year'), ('keys_day', 'year'), ('keys_month', 'year')) AS t(n, w)`,
}

const scatterInto = `INSERT INTO views.usage_%[1]s_v3 (bucket, wallet_id, key_id, app_id, %[3]s currency, calls, charged, errors, cancelled, estimated, expired,
	input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, charge, uncollectible, vendor_cost, first_token, duration)
	SELECT %[2]s, %[4]s, '00000000-0000-0000-0000-000000000000', %[5]s 'USD', count(*), count(*), count(*) FILTER (WHERE tokens %% 50 = 0), 0, 0, 0,
		sum(tokens), sum(tokens / 2), 0, sum(tokens / 4), 0, sum(tokens * 0.00000125), 0, sum(tokens * 0.000001),
		sum(('1e' || (place - 64) * 12)::numeric), sum(('1e' || (place - 59) * 12)::numeric) FROM calls WHERE at < %[6]s
		GROUP BY 1, %[5]s %[4]s`

// bucketOf is the expression of the bucket that a moment lies in.
func bucketOf(width, at string) string {
	if width == "quarter_hour" {
		return "date_bin('15 minutes', " + at + ", 'epoch')"
	}
	return "date_trunc('" + width + "', " + at + ", 'UTC')"
}

// BenchmarkQueries asks the rollups of 200,000 calls.
func BenchmarkQueries(b *testing.B) {
	pool := pgtest.New(b)
	conn, err := pool.Acquire(b.Context())
	require.NoError(b, err)
	released := false
	release := func() {
		if !released {
			conn.Release()
			released = true
		}
	}
	defer release() // a failed set-up must not hold up the pool's end
	_, err = conn.Exec(b.Context(), fmt.Sprintf(scatter[0], 200_000))
	require.NoError(b, err)
	_, err = conn.Exec(b.Context(), scatter[1])
	require.NoError(b, err)
	const all, models = `'00000000-0000-0000-0000-000000000000'::uuid`, `m, m || '@' || v,`
	for _, g := range []string{"minute", "quarter_hour", "day", "month"} {
		for _, of := range []string{"w, k", all + ", " + all} {
			_, err = conn.Exec(b.Context(), fmt.Sprintf(scatterInto, g, bucketOf(g, "at"), "model, endpoint,", of, models, bucketOf(g, "timestamptz '2026-03-05'")))
			require.NoError(b, err)
		}
	}
	for _, g := range []string{"day", "month"} {
		_, err = conn.Exec(b.Context(), fmt.Sprintf(scatterInto, "keys_"+g, bucketOf(g, "at"), "", "w, k", "", bucketOf(g, "timestamptz '2026-03-05'")))
		require.NoError(b, err)
	}
	_, err = conn.Exec(b.Context(), `ANALYZE; INSERT INTO views.checkpoints (name, version, position, recorded_at) VALUES ('usage', 3, 2000000, '2026-03-05')`)
	require.NoError(b, err)
	release()
	k := pt.New(b, pool)
	q := usage.NewQuery(pool, k.Store, k.Registry)
	end := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	metrics := []usage.Metric{usage.Charge, usage.Calls, usage.TotalTokens, usage.CacheShare}
	for _, days := range []int{1, 30, 365} {
		f := usage.Filter{From: end.AddDate(0, 0, -days), To: end, Currency: money.USD}
		one := f
		one.Wallets = []uuid.UUID{pt.ID(7)}
		zoned := one
		zoned.Zone = "Asia/Kolkata"
		for _, row := range []struct {
			name string
			r    usage.Request
		}{
			{"wallet/total", usage.Request{Filter: one, Metrics: metrics}},
			{"wallet/models", usage.Request{Filter: one, Metrics: metrics, Dimensions: []usage.Dimension{usage.ByModel}}},
			{"wallet/series-of-days-in-Kolkata", usage.Request{Filter: zoned, Metrics: metrics, Dimensions: []usage.Dimension{usage.ByModel}, Granularity: usage.Day}},
			{"wallet/quantiles", usage.Request{Filter: one, Metrics: []usage.Metric{usage.DurationP99}, Dimensions: []usage.Dimension{usage.ByModel}}},
			{"platform/models-vendors", usage.Request{Filter: f, Metrics: metrics, Dimensions: []usage.Dimension{usage.ByModel, usage.ByVendor}}},
			{"platform/series-of-days", usage.Request{Filter: f, Metrics: metrics, Dimensions: []usage.Dimension{usage.ByModel}, Granularity: usage.Day}},
			{"platform/quantiles", usage.Request{Filter: f, Metrics: []usage.Metric{usage.DurationP99}, Dimensions: []usage.Dimension{usage.ByEndpoint}}},
			{"platform/wallets", usage.Request{Filter: f, Metrics: metrics, Dimensions: []usage.Dimension{usage.ByWallet}}},
		} {
			b.Run(fmt.Sprintf("%s/days=%d", row.name, days), func(b *testing.B) {
				for b.Loop() {
					s, err := q.Series(b.Context(), row.r)
					require.NoError(b, err)
					require.NotEmpty(b, s.Total.Points)
				}
			})
		}
	}
}
