package usage

import (
	"fmt"
	"strings"

	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// write adds minutes that are over to the rollups.
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

// keyNames are the columns of a key, which are also the primary key of a rollup.
const keyNames = "bucket, wallet_id, key_id, app_id, model, endpoint, currency"

// added is what becomes of a row that is there already. A minute is written once, when it is over: its row cannot be there.
func added(g Granularity) string {
	if g == Minute {
		return ""
	}
	var adds strings.Builder
	for _, c := range sumColumns() {
		fmt.Fprintf(&adds, "%[1]s = s.%[1]s + excluded.%[1]s, ", c)
	}
	return " ON CONFLICT (" + keyNames + ") DO UPDATE SET " + adds.String() + merged("first_token") + ", " + merged("duration")
}

// addedErrors is the same for errors.
func addedErrors(g Granularity) string {
	if g == Minute {
		return ""
	}
	return " ON CONFLICT (" + keyNames + ", class) DO UPDATE SET errors = s.errors + excluded.errors"
}

func insertRows(g Granularity) string {
	return fmt.Sprintf(`INSERT INTO views.usage_%[1]s_v1 AS s (%[2]s, %[3]s, first_token, duration)
	SELECT t.bucket, t.wallet_id, t.key_id, t.app_id, t.model, t.endpoint, t.currency, t.calls, t.charged, t.errors, t.cancelled, t.estimated, t.expired,
		t.input_tokens, t.cache_read_tokens, t.cache_write_tokens, t.output_tokens, t.reasoning_tokens,
		t.charge, t.uncollectible, t.vendor_cost, t.first_token::bigint[], t.duration::bigint[]
	FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
		$10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
		$19::numeric[], $20::numeric[], $21::numeric[], $22::text[], $23::text[])
	AS t(%[2]s, %[3]s, first_token, duration)%[4]s`,
		g, keyNames, strings.Join(sumColumns(), ", "), added(g))
}

// keyColumns are the columns of a key.
type keyColumns struct {
	bucket                    column.Times
	wallet, key, app          column.UUIDs
	model, endpoint, currency column.Texts
}

func (c *keyColumns) add(k *key) {
	c.bucket.Add(k.at())
	c.wallet.Add(k.wallet)
	c.key.Add(k.key)
	c.app.Add(k.app)
	c.model.Add(k.model)
	c.endpoint.Add(k.endpoint)
	c.currency.Add(string(k.currency))
}

func (c *keyColumns) arrays() []column.Array {
	return []column.Array{&c.bucket, &c.wallet, &c.key, &c.app, &c.model, &c.endpoint, &c.currency}
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
	w.Add(len(b.rows.order), insertRows(g), append(columns, &first, &duration)...)
}

func insertErrors(g Granularity) string {
	return fmt.Sprintf(`INSERT INTO views.usage_errors_%s_v1 AS s (%s, class, errors)
	SELECT * FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[])%s`,
		g, keyNames, addedErrors(g))
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
	w.Add(len(b.errors.order), insertErrors(g), append(keys.arrays(), &class, &n)...)
}
