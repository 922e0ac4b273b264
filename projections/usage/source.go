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

// source is the SQL of the rows that are asked for: branches, each of rows u.
type source struct {
	args     []any
	branches []string
}

// arg is the placeholder of a value; the first is $3.
func (s *source) arg(v any) string {
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
		s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS p(a, b),
			LATERAL (SELECT * FROM %s AND u.bucket >= p.a AND u.bucket < p.b OFFSET 0) u`, columns, s.arg(begins), s.arg(ends), whole))
	}
}

// cells is the query of a question: one row for each interval and group that has one, the groups that have no row of their own
// together in the last. Hours, days and months have rows if they were over at a moment. Tail is what the events of the minute at the
// end say; without it, the calls of the open minute do.
func (q *question) cells(end, over time.Time, tail *batch) (string, []any) {
	s := &source{}
	columns, where := q.columns(s), q.where(s, true)
	p := cover(q.borders, end, over, rollups()...)
	s.rollups(q.family, p, columns, where)
	if tail != nil {
		q.tail(s, tail, columns, where)
	} else {
		q.open(s, columns)
	}
	low, high := s.arg(q.low), s.arg(q.high)
	sql := `WITH parts AS (` + s.union() + `),
	groups AS (SELECT s, d1, d2, ` + q.sums("sum(%[1]s) AS %[1]s") + ` FROM parts GROUP BY s, d1, d2),
	ranks AS (SELECT d1, d2, row_number() OVER (ORDER BY sum(` + q.OrderBy.rank() + `) DESC, d1, d2) AS n FROM groups GROUP BY d1, d2),
	names AS (SELECT d1, d2, named, CASE WHEN named THEN n ELSE 0 END AS n,
		CASE WHEN named THEN d1 ELSE '' END AS n1, CASE WHEN named THEN d2 ELSE '' END AS n2
		FROM (SELECT d1, d2, n, n > ` + low + ` AND n <= ` + high + ` AS named FROM ranks) r),
	cells AS (SELECT s, n, n1, n2, ` + q.sums("sum(%[1]s) AS %[1]s") + ` FROM groups JOIN names USING (d1, d2) GROUP BY s, n, n1, n2)
	SELECT s, n, n1, n2, (SELECT count(*) FROM ranks) AS groups, ` + q.shown() + ` FROM cells c`
	return sql, s.args
}

// sums is a list of the columns that the metrics need, in a format.
func (q *question) sums(format string) string {
	out := make([]string, len(q.needs))
	for i, at := range q.needs {
		out[i] = fmt.Sprintf(format, sumList()[at])
	}
	return strings.Join(out, ", ")
}

// shown are the sums as they are read: whole numbers as bigint, money as text, histograms as the server sends numbers.
func (q *question) shown() string {
	out := make([]string, len(q.needs))
	for i, at := range q.needs {
		format := "c.%s::bigint"
		switch {
		case at >= firstHistogram:
			format = "numeric_send(c.%[1]s) AS %[1]s"
		case at >= firstAmount:
			format = "c.%[1]s::text AS %[1]s"
		}
		out[i] = fmt.Sprintf(format, sumList()[at])
	}
	return strings.Join(out, ", ")
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
	list := q.sums("u.%s")
	if q.byError {
		list = strings.ReplaceAll(q.sums("0 AS %s"), "0 AS errors", "u.errors")
	}
	return fmt.Sprintf("%s AS s, %s AS d1, %s AS d2, %s", interval, d[0], d[1], list)
}

// ofEach says whether a question looks at wallets, keys or apps; all wallets together have rows of their own.
func (q *question) ofEach() bool {
	each := len(q.Wallets) > 0 || len(q.Keys) > 0 || len(q.Apps) > 0
	for _, d := range q.Dimensions {
		each = each || d == ByWallet || d == ByKey || d == ByApp
	}
	return each
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
		where += " AND u.wallet_id = ANY(" + s.arg(q.Wallets) + "::uuid[])"
	case !rollups:
	case q.ofEach():
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

// open makes a branch of the calls of the minute that is not over.
func (q *question) open(s *source, columns string) {
	where := q.where(s, false)
	if q.byError {
		where += " AND u.class <> ''"
	}
	s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM `+openTable+` u WHERE u.bucket >= %s AND u.bucket < %s AND %s`,
		columns, s.arg(q.From), s.arg(q.To), where))
}
