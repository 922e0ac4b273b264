package usage

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/projections/runner"
)

// closeMinute turns the calls of the minute that was open into rollups: a row of each key in the minute, its hour and its day.
func closeMinute(w *runner.Writes) { w.AddAny(closing()) }

// closing is one statement, whose parts all see the table of open calls as it was before it. All of them are of one minute.
func closing() string {
	list := strings.Join(sumColumns(), ", ")
	sql := fmt.Sprintf(`WITH gone AS (DELETE FROM views.usage_open_v1 RETURNING *),
	calls AS (SELECT %[1]s, class, %[2]s, first_token, duration FROM gone
		UNION ALL SELECT bucket, '%[3]s', '%[3]s', '%[3]s', model, endpoint, currency, class, %[2]s, first_token, duration FROM gone),
	totals AS (SELECT %[1]s, %[4]s FROM calls GROUP BY %[1]s),
	places AS (SELECT %[1]s, of_duration, (e >> 40 << 40) + count(*) AS e
		FROM calls, LATERAL (VALUES (false, first_token), (true, duration)) AS v(of_duration, e) WHERE e > 0 GROUP BY %[1]s, of_duration, v.e),
	histograms AS (SELECT %[1]s, array_agg(e ORDER BY e) FILTER (WHERE NOT of_duration) AS first_token,
		array_agg(e ORDER BY e) FILTER (WHERE of_duration) AS duration FROM places GROUP BY %[1]s),
	minutes AS MATERIALIZED (SELECT %[1]s, %[2]s, coalesce(first_token, '{}') AS first_token, coalesce(duration, '{}') AS duration
		FROM totals LEFT JOIN histograms USING (%[1]s)),
	failures AS MATERIALIZED (SELECT %[1]s, class, count(*) AS errors FROM calls WHERE class <> '' GROUP BY %[1]s, class)`,
		keyNames, list, uuid.Nil, sums("sum(%[1]s) AS %[1]s"))
	for _, g := range rollups() {
		keys := strings.Replace(keyNames, "bucket", fmt.Sprintf("date_trunc('%s', bucket AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'", g), 1)
		sql += fmt.Sprintf(`,
	%[1]s_rows AS (INSERT INTO views.usage_%[1]s_v1 AS s (%[2]s, %[3]s, first_token, duration)
		SELECT %[4]s, %[3]s, first_token, duration FROM minutes%[5]s),
	%[1]s_errors AS (INSERT INTO views.usage_errors_%[1]s_v1 AS s (%[2]s, class, errors)
		SELECT %[4]s, class, errors FROM failures%[6]s)`, g, keyNames, list, keys, added(g), addedErrors(g))
	}
	return sql + ` SELECT count(*) FROM gone`
}
