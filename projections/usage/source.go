package usage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// fewPieces is how many ranges of one table are worth a branch each, which lets the planner know their bounds.
const fewPieces = 3

// source is the SQL of the rows that are asked for: branches, each of rows u.
type source struct {
	args     []any
	branches []string
}

// arg is the placeholder of a value; the first is $3.
func (s *source) arg(v any) string {
	if id, ok := v.(uuid.UUID); ok {
		v = [16]byte(id) // which the driver sends as it is, not as text
	}
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args)+2)
}

func (s *source) union() string { return strings.Join(s.branches, "\nUNION ALL ") }

// rollups makes branches of the pieces of a plan.
func (s *source) rollups(f family, p plan, columns, where string) {
	for _, g := range rollups() {
		between := func(from, to int64) string {
			return f.table(g) + " u WHERE u.bucket >= " + s.arg(time.Unix(from, 0)) + " AND u.bucket < " + s.arg(time.Unix(to, 0)) + " AND " + where
		}
		pieces := p[g]
		if len(pieces) <= fewPieces {
			for _, p := range pieces {
				s.branches = append(s.branches, "SELECT "+columns+" FROM "+between(p.from, p.to))
			}
			continue
		}
		var borders, begins, ends []time.Time
		var inside int64
		for _, p := range pieces {
			begin, end := time.Unix(p.from, 0), time.Unix(p.to, 0)
			borders, begins, ends = append(borders, begin, end), append(begins, begin), append(ends, end)
			inside += p.to - p.from
		}
		first, last := pieces[0].from, pieces[len(pieces)-1].to
		whole := between(first, last)
		if 2*inside >= last-first { // an odd number of borders lies before what is in a piece
			s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM %s AND width_bucket(u.bucket, %s::timestamptz[]) %% 2 = 1`, columns, whole, s.arg(borders)))
			continue
		}
		// OFFSET 0 keeps the server from reading everything once and then looking for what lies in the pieces.
		s.branches = append(s.branches, fmt.Sprintf(`SELECT u.* FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS p(a, b),
			LATERAL (SELECT %s FROM %s AND u.bucket >= p.a AND u.bucket < p.b OFFSET 0) u`, s.arg(begins), s.arg(ends), columns, whole))
	}
}

// cells is the query of a question: one row for each interval and group that has one, the groups that have no row of their own last:
// together, or each alone when they are few. Quarters of an hour, days and months have rows if they were over at a moment. Tail is what
// the events of the minute at the end say; without it, the calls of the open minute do.
func (q *question) cells(end, over time.Time, tail *batch) (string, []any) {
	s := &source{}
	columns := q.columns(s)
	q.rollups(s, cover(q.borders, end, over, rollups()...), columns)
	q.last(s, tail, columns)
	low, high := s.arg(q.low), s.arg(q.high)
	cells := q.sums(plain) + ` FROM groups JOIN names USING (d1, d2)` // the others are added up by whoever reads them
	if !q.fewGroups() {
		cells = q.sums(added) + ` FROM groups JOIN names USING (d1, d2) GROUP BY s, n, n1, n2`
	}
	sql := `WITH parts AS (` + s.union() + `),
	groups AS (SELECT s, d1, d2, ` + q.sums(added) + ` FROM parts GROUP BY s, d1, d2),
	ranks AS (SELECT d1, d2, row_number() OVER (ORDER BY sum(` + q.OrderBy.rank() + `) DESC, d1, d2) AS n FROM groups GROUP BY d1, d2),
	names AS (SELECT d1, d2, named, CASE WHEN named THEN n ELSE 0 END AS n,
		CASE WHEN named THEN d1 ELSE '' END AS n1, CASE WHEN named THEN d2 ELSE '' END AS n2
		FROM (SELECT d1, d2, n, n > ` + low + ` AND n <= ` + high + ` AS named FROM ranks) r),
	cells AS (SELECT s, n, n1, n2, ` + cells + `)
	SELECT s, n, n1, n2, (SELECT count(*) FROM ranks) AS groups, ` + q.shown() + ` FROM cells c`
	return sql, s.args
}

// rollups makes branches of the pieces of a plan, if there are any: the server wants a use for every value.
func (q *question) rollups(s *source, p plan, columns string) {
	if len(p) > 0 {
		s.rollups(q.family, p, columns, q.where(s, true))
	}
}

// last makes a branch of the minute at the end: of the tail, or of its calls.
func (q *question) last(s *source, tail *batch, columns string) {
	if tail != nil {
		q.tail(s, tail, columns, q.where(s, true))
	} else {
		q.open(s, columns)
	}
}

// groups is the query of the pieces of a plan, and of what else is added to it: one row for each interval and group that has one.
func (q *question) groups(p plan, add func(s *source, columns string)) (string, []any) {
	s := &source{}
	columns := q.columns(s)
	q.rollups(s, p, columns)
	add(s, columns)
	return `SELECT s, d1, d2, ` + q.shown() + ` FROM (SELECT s, d1, d2, ` + q.sums(added) + ` FROM (` + s.union() + `) parts GROUP BY s, d1, d2) c`, s.args
}

// sums is a list of the columns that the metrics need, each written in some way.
func (q *question) sums(write func(to *strings.Builder, name string)) string {
	var list strings.Builder
	list.Grow(32 * len(q.needs))
	names := sumList()
	for i, at := range q.needs {
		if i > 0 {
			list.WriteString(", ")
		}
		write(&list, names[at])
	}
	return list.String()
}

// The ways in which columns are written.
func added(to *strings.Builder, name string) {
	to.WriteString("sum(")
	to.WriteString(name)
	to.WriteString(") AS ")
	to.WriteString(name)
}

func plain(to *strings.Builder, name string) { to.WriteString(name) }

func ofRow(to *strings.Builder, name string) {
	to.WriteString("u.")
	to.WriteString(name)
}

// errorsOnly is zero for all that the rows of errors by class do not have.
func errorsOnly(to *strings.Builder, name string) {
	if name != "errors" {
		to.WriteString("0 AS ")
		to.WriteString(name)
		return
	}
	ofRow(to, name)
}

// shown are the sums as they are read: whole numbers as bigint, money as text, histograms as the server sends numbers.
func (q *question) shown() string {
	names := sumList()
	amounts, histograms := names[firstAmount:firstHistogram], names[firstHistogram:]
	return q.sums(func(to *strings.Builder, name string) {
		before, after := "c.", "::bigint"
		switch {
		case slices.Contains(histograms, name):
			before, after = "numeric_send(c.", ") AS "+name
		case slices.Contains(amounts, name):
			after = "::text AS " + name
		}
		to.WriteString(before)
		to.WriteString(name)
		to.WriteString(after)
	})
}

// columns are what a branch selects of a row u.
func (q *question) columns(s *source) string {
	d := [maxDimensions]string{"''", "''"}
	for i, dimension := range q.Dimensions {
		d[i] = dimension.column() + ` COLLATE "C"`
	}
	interval := "0"
	if len(q.borders) > 2 {
		interval = "width_bucket(u.bucket, " + s.arg(q.borders) + "::timestamptz[])"
	}
	list := q.sums(ofRow)
	if q.byError {
		list = q.sums(errorsOnly)
	}
	return interval + " AS s, " + d[0] + " AS d1, " + d[1] + " AS d2, " + list
}

// ofEach says whether a question looks at wallets, keys or apps; all wallets together have rows of their own.
func (q *question) ofEach() bool {
	each := len(q.Wallets) > 0 || len(q.Keys) > 0 || len(q.Apps) > 0
	for _, d := range q.Dimensions {
		each = each || d == ByWallet || d == ByKey || d == ByApp
	}
	return each
}

// fewGroups says whether a question is about one wallet or key and the models, vendors or endpoints that it uses.
func (q *question) fewGroups() bool {
	for _, d := range q.Dimensions {
		if d == ByWallet || d == ByKey || d == ByApp || d == ByError {
			return false
		}
	}
	return len(q.Wallets) == 1 || len(q.Keys) == 1
}

// ofModels says whether a question looks at models, vendors or endpoints.
func (q *question) ofModels() bool {
	of := len(q.Models) > 0 || len(q.Vendors) > 0 || len(q.Endpoints) > 0
	for _, d := range q.Dimensions {
		of = of || d == ByModel || d == ByVendor || d == ByEndpoint
	}
	return of
}

// where is the filter of rollups, or of the calls of the open minute.
func (q *question) where(s *source, rollups bool) string {
	where := "u.currency = " + s.arg(string(q.Currency))
	switch {
	case len(q.Wallets) > 0:
		where += " AND u.wallet_id " + among(s, "uuid", q.Wallets)
	case !rollups:
	case q.ofEach():
		where += " AND u.wallet_id <> " + s.arg(uuid.Nil)
	default:
		where += " AND u.wallet_id = " + s.arg(uuid.Nil)
	}
	if len(q.Keys) > 0 {
		where += " AND u.key_id " + among(s, "uuid", q.Keys)
	}
	if len(q.Apps) > 0 {
		where += " AND u.app_id " + among(s, "uuid", q.Apps)
	}
	for _, list := range []struct {
		column string
		values []string
	}{{"model", q.Models}, {"vendor", q.Vendors}, {"endpoint", q.Endpoints}} {
		if len(list.values) > 0 {
			where += " AND u." + list.column + " " + among(s, "text", list.values)
		}
	}
	return where
}

// among is the condition of a column to have one of some values. A plan for one value knows that its index leads to few rows; one for
// a list takes another index.
func among[T any](s *source, kind string, values []T) string {
	if len(values) == 1 {
		return "= " + s.arg(values[0]) + "::" + kind
	}
	return "= ANY(" + s.arg(values) + "::" + kind + "[])"
}

// open makes a branch of the calls of the minute that is not over.
func (q *question) open(s *source, columns string) {
	where := q.where(s, false)
	if q.byError {
		where += " AND u.class <> ''"
	}
	s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM `+openTable+` u WHERE u.bucket >= %s AND u.bucket < %s AND %s`,
		columns, s.arg(q.From), s.arg(q.To), where))
}
