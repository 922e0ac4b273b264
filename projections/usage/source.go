package usage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// fewPieces is how many ranges of one table are worth a branch each, which lets the planner know their bounds.
const fewPieces = 3

// source is the SQL of the rows that a question is about.
type source struct {
	q        *question
	args     []any
	branches []string
}

// arg is the placeholder of a value; the first is $3.
func (s *source) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args)+2)
}

// cells is the query of a question: one row for each interval and group that has one, the groups that have no row of their own
// together in the last. Tail is what the events of the minute at the end say; without it, the calls of the open minute do.
func (q *question) cells(end time.Time, tail *batch) (string, []any) {
	s := &source{q: q}
	columns, where := s.columns(), s.where(true)
	p := cover(q.borders, end)
	for _, g := range rollups() {
		s.rollup(g, p[g], columns, where)
	}
	if tail != nil {
		s.tail(tail, columns, where)
	} else {
		s.open(columns)
	}
	if len(s.branches) == 0 { // the range lies after the moment
		s.branches = append(s.branches, `SELECT `+columns+` FROM `+q.table(Minute)+` u WHERE false`)
	}
	low, high := s.arg(q.low), s.arg(q.high)
	sql := `WITH parts AS (` + strings.Join(s.branches, "\nUNION ALL ") + `),
	groups AS (SELECT s, d1, d2, ` + sums("sum(%[1]s) AS %[1]s") + q.histograms(`string_agg(array_send(%[1]s), ''::bytea) FILTER (WHERE %[1]s <> '{}')`) + ` FROM parts GROUP BY s, d1, d2),
	ranks AS (SELECT d1, d2, row_number() OVER (ORDER BY sum(` + q.OrderBy.rank() + `) DESC, d1, d2) AS n FROM groups GROUP BY d1, d2),
	names AS (SELECT d1, d2, named, CASE WHEN named THEN n ELSE 0 END AS n,
		CASE WHEN named THEN d1 ELSE '' END AS n1, CASE WHEN named THEN d2 ELSE '' END AS n2
		FROM (SELECT d1, d2, n, n > ` + low + ` AND n <= ` + high + ` AS named FROM ranks) r),
	cells AS (SELECT s, n, n1, n2, ` + sums("sum(%[1]s) AS %[1]s") + q.histograms(`string_agg(%[1]s, ''::bytea)`) + ` FROM groups JOIN names USING (d1, d2) GROUP BY s, n, n1, n2)
	SELECT s, n, n1, n2, (SELECT count(*) FROM ranks) AS groups, ` + strings.Join(shown(), ", ")
	if q.histogram {
		sql += `, c.first_token, c.duration`
	} else {
		sql += `, NULL::bytea AS first_token, NULL::bytea AS duration`
	}
	return sql + ` FROM cells c`, s.args
}

// histograms joins those of a group, one behind the other as the server sends arrays: adding them up is not for SQL.
func (q *question) histograms(format string) string {
	if !q.histogram {
		return ""
	}
	return ", " + fmt.Sprintf(format, "first_token") + " AS first_token, " + fmt.Sprintf(format, "duration") + " AS duration"
}

// sums is a list of all columns that add up, in a format.
func sums(format string) string {
	out := sumColumns()
	for i, c := range out {
		out[i] = fmt.Sprintf(format, c)
	}
	return strings.Join(out, ", ")
}

// shown are the sums as they are read: whole numbers as bigint, money as text.
func shown() []string {
	out := sumColumns()
	for i, c := range out {
		out[i] = "c." + c + "::bigint"
		if i >= countColumns+tokenColumns {
			out[i] = "c." + c + "::text AS " + c
		}
	}
	return out
}

func (q *question) table(g Granularity) string {
	if q.byError {
		return fmt.Sprintf("views.usage_errors_%s_v1", g)
	}
	return fmt.Sprintf("views.usage_%s_v1", g)
}

// columns are what a branch selects of a row u.
func (s *source) columns() string {
	d := [maxDimensions]string{"''", "''"}
	for i, dimension := range s.q.Dimensions {
		d[i] = dimension.column() + ` COLLATE "C"`
	}
	interval := "0"
	if len(s.q.borders) > 2 {
		interval = "width_bucket(u.bucket, " + s.arg(s.q.borders) + "::timestamptz[])"
	}
	list := sums("u.%s")
	if s.q.byError {
		list = strings.ReplaceAll(sums("0 AS %s"), "0 AS errors", "u.errors")
	}
	if s.q.histogram {
		list += ", u.first_token, u.duration"
	}
	return fmt.Sprintf("%s AS s, %s AS d1, %s AS d2, %s", interval, d[0], d[1], list)
}

// where is the filter. Of rollups, the rows over all wallets serve whoever asks for no wallet, key and app.
func (s *source) where(rollups bool) string {
	q := s.q
	where := "u.currency = " + s.arg(string(q.Currency))
	one := len(q.Wallets) > 0 || len(q.Keys) > 0 || len(q.Apps) > 0
	for _, d := range q.Dimensions {
		one = one || d == ByWallet || d == ByKey || d == ByApp
	}
	switch {
	case len(q.Wallets) > 0:
		where += " AND u.wallet_id = ANY(" + s.arg(q.Wallets) + "::uuid[])"
	case !rollups:
	case one:
		where += " AND u.wallet_id <> " + s.arg(uuid.Nil)
	default:
		where += " AND u.wallet_id = " + s.arg(uuid.Nil)
	}
	if len(q.Keys) > 0 {
		where += " AND u.key_id = ANY(" + s.arg(q.Keys) + "::uuid[])"
	}
	if len(q.Apps) > 0 {
		where += " AND u.app_id = ANY(" + s.arg(q.Apps) + "::uuid[])"
	}
	for _, list := range []struct {
		column string
		values []string
	}{{"model", q.Models}, {"vendor", q.Vendors}, {"endpoint", q.Endpoints}} {
		if len(list.values) > 0 {
			where += " AND u." + list.column + " = ANY(" + s.arg(list.values) + "::text[])"
		}
	}
	return where
}

func (s *source) rollup(g Granularity, pieces []piece, columns, where string) {
	table := s.q.table(g)
	if len(pieces) > fewPieces {
		from, to := make([]time.Time, len(pieces)), make([]time.Time, len(pieces))
		for i, p := range pieces {
			from[i], to[i] = time.Unix(p.from, 0), time.Unix(p.to, 0)
		}
		s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS p(a, b)
			JOIN %s u ON u.bucket >= p.a AND u.bucket < p.b WHERE %s`, columns, s.arg(from), s.arg(to), table, where))
		return
	}
	for _, p := range pieces {
		s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM %s u WHERE u.bucket >= %s AND u.bucket < %s AND %s`,
			columns, table, s.arg(time.Unix(p.from, 0)), s.arg(time.Unix(p.to, 0)), where))
	}
}

// open makes a branch of the calls of the minute that is not over.
func (s *source) open(columns string) {
	rest := sums("%s") + `, CASE WHEN first_token > 0 THEN ARRAY[first_token] ELSE '{}' END AS first_token,
		CASE WHEN duration > 0 THEN ARRAY[duration] ELSE '{}' END AS duration`
	where := s.where(false)
	if s.q.byError {
		rest, where = "class, errors", where+" AND u.class <> ''"
	}
	s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM (SELECT %s, vendor, %s FROM views.usage_open_v1) AS u WHERE u.bucket >= %s AND u.bucket < %s AND %s`,
		columns, keyNames, rest, s.arg(s.q.From), s.arg(s.q.To), where))
}

// tail makes a branch of rows that are in no table.
func (s *source) tail(b *batch, columns, where string) {
	if s.q.byError {
		s.tailOfErrors(b, columns, where)
		return
	}
	var k tailKeys
	counts := make([][]int64, countColumns+tokenColumns)
	amounts := make([][]string, 3)
	var first, duration []string
	for i := range b.rows.order {
		k.add(&b.rows.order[i])
		row := b.rows.byKey[b.rows.order[i]]
		for j, n := range row.counts() {
			counts[j] = append(counts[j], *n)
		}
		for j, a := range row.amounts() {
			amounts[j] = append(amounts[j], a.String())
		}
		first, duration = append(first, row.FirstToken.text()), append(duration, row.Duration.text())
	}
	arrays := s.keys(&k)
	names := sumColumns()
	var list []string
	for j, name := range names {
		if j < len(counts) {
			arrays = append(arrays, s.arg(counts[j])+"::bigint[]")
			list = append(list, "v."+name)
			continue
		}
		arrays = append(arrays, s.arg(amounts[j-len(counts)])+"::text[]")
		list = append(list, "v."+name+"::numeric")
	}
	arrays = append(arrays, s.arg(first)+"::text[]", s.arg(duration)+"::text[]")
	s.tailBranch(columns, where, arrays,
		strings.Join(names, ", ")+", first_token, duration",
		strings.Join(list, ", ")+", v.first_token::bigint[], v.duration::bigint[]",
		strings.Join(names, ", ")+", first_token, duration")
}

func (s *source) tailOfErrors(b *batch, columns, where string) {
	var k tailKeys
	var class []string
	var n []int64
	for i := range b.errors.order {
		e := &b.errors.order[i]
		k.add(&e.key)
		class, n = append(class, e.class), append(n, *b.errors.byKey[*e])
	}
	s.tailBranch(columns, where, append(s.keys(&k), s.arg(class)+"::text[]", s.arg(n)+"::bigint[]"),
		"class, errors", "v.class, v.errors", "class, errors")
}

func (s *source) tailBranch(columns, where string, arrays []string, names, list, out string) {
	const keys = keyNames + ", vendor, "
	s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM (SELECT v.bucket, v.wallet_id, v.key_id, v.app_id, v.model, v.endpoint, v.currency, v.vendor, %s
		FROM unnest(%s) AS v(%s)) AS u(%s) WHERE u.bucket >= %s AND u.bucket < %s AND %s`,
		columns, list, strings.Join(arrays, ", "), keys+names, keys+out, s.arg(s.q.From), s.arg(s.q.To), where))
}

// tailKeys are the columns of keys.
type tailKeys struct {
	bucket                            []time.Time
	wallet, key, app                  []uuid.UUID
	model, endpoint, currency, vendor []string
}

func (t *tailKeys) add(k *key) {
	t.bucket = append(t.bucket, k.at())
	t.wallet, t.key, t.app = append(t.wallet, k.wallet), append(t.key, k.key), append(t.app, k.app)
	t.model, t.endpoint = append(t.model, k.model), append(t.endpoint, k.endpoint)
	t.currency, t.vendor = append(t.currency, string(k.currency)), append(t.vendor, k.vendor())
}

func (s *source) keys(t *tailKeys) []string {
	return []string{
		s.arg(t.bucket) + "::timestamptz[]", s.arg(t.wallet) + "::uuid[]", s.arg(t.key) + "::uuid[]", s.arg(t.app) + "::uuid[]", s.arg(t.model) + "::text[]",
		s.arg(t.endpoint) + "::text[]", s.arg(t.currency) + "::text[]", s.arg(t.vendor) + "::text[]",
	}
}
