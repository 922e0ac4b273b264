package usage

import (
	"fmt"
	"strings"
	"time"

	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// marks are the first positions of minutes.
type marks struct {
	last     int64
	minute   column.Times
	position column.Ints
	months   column.Times
	month    int // of all time
}

func (m *marks) add(e *runner.Event) {
	minute := floor(e.RecordedAt.Unix(), Minute.seconds())
	if m.minute.Len() > 0 && minute == m.last {
		return
	}
	m.last = minute
	at := time.Unix(minute, 0).UTC()
	m.minute.Add(at)
	m.position.Add(e.Position)
	if month := at.Year()*12 + int(at.Month()); month != m.month {
		m.month = month
		m.months.Add(at)
	}
}

// A minute that an earlier batch has begun keeps its mark.
const insertMarks = `INSERT INTO views.usage_minutes_v1 (minute, first_position)
	SELECT * FROM unnest($1::timestamptz[], $2::bigint[]) ON CONFLICT (minute) DO NOTHING`

// The function is not in schema views, whose name stands for that of the build.
const ensurePartitions = `SELECT ledger.ensure_time_partitions(t.name::regclass, t.width, $1::timestamptz[])
	FROM (VALUES ('views.usage_minute_v1', 'month'), ('views.usage_hour_v1', 'quarter'), ('views.usage_day_v1', 'year'),
		('views.usage_errors_minute_v1', 'month'), ('views.usage_errors_hour_v1', 'quarter'), ('views.usage_errors_day_v1', 'year')) AS t(name, width)`

func (m *marks) write(w *runner.Writes) {
	w.AddAny(ensurePartitions, &m.months)
	w.AddAny(insertMarks, &m.minute, &m.position)
}

// rollups are the granularities that have tables.
func rollups() []Granularity { return []Granularity{Minute, Hour, Day} }

func (b *batch) write(w *runner.Writes) {
	for _, g := range rollups() {
		up := b.rollup(g)
		up.writeRows(w, g)
		up.writeErrors(w, g)
	}
}

// sumColumns are the columns of Sums that add up, in its order.
func sumColumns() []string {
	return []string{
		"calls", "charged", "errors", "cancelled", "estimated", "expired",
		"input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
		"charge", "uncollectible", "vendor_cost",
	}
}

// merged adds two histograms: counts of the same place are summed.
func merged(name string) string {
	return fmt.Sprintf(`%[1]s = CASE WHEN excluded.%[1]s = '{}' THEN s.%[1]s ELSE
	(SELECT array_agg((m.place << 40) + m.n ORDER BY m.place) FROM (SELECT e >> 40 AS place, sum(e & 1099511627775)::bigint AS n
	FROM unnest(s.%[1]s || excluded.%[1]s) AS e GROUP BY 1) AS m) END`, name)
}

func upsertRows(g Granularity) string {
	sums := sumColumns()
	var adds strings.Builder
	for _, c := range sums {
		fmt.Fprintf(&adds, "%[1]s = s.%[1]s + excluded.%[1]s, ", c)
	}
	names := strings.Join(sums, ", ")
	return fmt.Sprintf(`INSERT INTO views.usage_%s_v1 AS s (bucket, wallet_id, key_id, model, endpoint, currency, %s, first_token, duration)
	SELECT t.bucket, t.wallet_id, t.key_id, t.model, t.endpoint, t.currency, t.calls, t.charged, t.errors, t.cancelled, t.estimated, t.expired,
		t.input_tokens, t.cache_read_tokens, t.cache_write_tokens, t.output_tokens, t.reasoning_tokens,
		t.charge::numeric, t.uncollectible::numeric, t.vendor_cost::numeric, t.first_token::bigint[], t.duration::bigint[]
	FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
		$10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
		$18::text[], $19::text[], $20::text[], $21::text[], $22::text[])
	AS t(bucket, wallet_id, key_id, model, endpoint, currency, %[2]s, first_token, duration)
	ON CONFLICT (bucket, wallet_id, key_id, model, endpoint, currency) DO UPDATE SET %[3]s%[4]s, %[5]s`,
		g, names, adds.String(), merged("first_token"), merged("duration"))
}

// keyColumns are the columns of a key.
type keyColumns struct {
	bucket                    column.Times
	wallet, key               column.UUIDs
	model, endpoint, currency column.Texts
}

func (c *keyColumns) add(k *key) {
	c.bucket.Add(k.at())
	c.wallet.Add(k.wallet)
	c.key.Add(k.key)
	c.model.Add(k.model)
	c.endpoint.Add(k.endpoint)
	c.currency.Add(string(k.currency))
}

func (c *keyColumns) arrays() []column.Array {
	return []column.Array{&c.bucket, &c.wallet, &c.key, &c.model, &c.endpoint, &c.currency}
}

func (b *batch) writeRows(w *runner.Writes, g Granularity) {
	var keys keyColumns
	var counts [countColumns + tokenColumns]column.Ints
	var amounts [3]column.Amounts
	var first, duration column.Texts
	for i := range b.rows.order {
		k := &b.rows.order[i]
		s := b.rows.byKey[*k]
		keys.add(k)
		for j, n := range s.counts() {
			counts[j].Add(*n)
		}
		for j, a := range s.amounts() {
			amounts[j].Add(*a)
		}
		first.Add(s.FirstToken.text())
		duration.Add(s.Duration.text())
	}
	columns := keys.arrays()
	for j := range counts {
		columns = append(columns, &counts[j])
	}
	for j := range amounts {
		columns = append(columns, &amounts[j])
	}
	w.Add(len(b.rows.order), upsertRows(g), append(columns, &first, &duration)...)
}

func upsertErrors(g Granularity) string {
	return fmt.Sprintf(`INSERT INTO views.usage_errors_%s_v1 AS s (bucket, wallet_id, key_id, model, endpoint, currency, class, errors)
	SELECT * FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
	ON CONFLICT (bucket, wallet_id, key_id, model, endpoint, currency, class) DO UPDATE SET errors = s.errors + excluded.errors`, g)
}

func (b *batch) writeErrors(w *runner.Writes, g Granularity) {
	var keys keyColumns
	var class column.Texts
	var n column.Ints
	for i := range b.errors.order {
		k := &b.errors.order[i]
		keys.add(&k.key)
		class.Add(k.class)
		n.Add(*b.errors.byKey[*k])
	}
	w.Add(len(b.errors.order), upsertErrors(g), append(keys.arrays(), &class, &n)...)
}
