package rankings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// statement collects the parameters of a query; View.Read has the first two.
type statement struct{ args []any }

func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args)+2)
}

// sql is the statement for a board as of a state: first the total, as rank 0, then the subjects that are named.
func (r *Request) sql(t *Table, s *state) (string, []any) {
	var st statement
	board, shown := st.arg(r.stored()), `''`
	if r.Model != "" {
		shown = st.arg(r.Model)
	}
	span := st.arg(string(r.Window))
	var rows string
	if t.Final {
		rows = r.final(st.arg(t.Start), board, shown, span)
	} else {
		rows = r.open(&st, s)
	}
	var before []time.Time
	if r.Window != All {
		before = []time.Time{r.Window.Next(t.Start, -1), r.Window.Next(t.Start, -2), r.Window.Next(t.Start, -3)}
	} else {
		before = []time.Time{{}}
	}
	order, condition := `n.value`, `n.value > 0`
	if r.Trending {
		order = `3 * n.value - coalesce(m.three, 0)`
		condition = order + ` > 0`
	}
	hidden := `EXISTS (SELECT FROM views.rankings_apps_v1 a WHERE a.app_id::text = p.subject AND a.hidden)`
	if r.Board != Apps {
		hidden = `false`
	}
	return strings.NewReplacer("{rows}", rows, "{board}", board, "{model}", shown, "{span}", span, "{metric}", string(r.By),
		"{before}", st.arg(before), "{last}", st.arg(before[0]), "{order}", order, "{condition}", condition, "{hidden}", hidden,
		"{isapps}", fmt.Sprint(r.Board == Apps), "{top}", st.arg(r.Top)).Replace(`WITH {rows}, past AS (
		SELECT p.start, p.subject, p.ranked_{metric} AS value FROM views.rankings_rows_v1 p
		WHERE p.span = {span} AND p.board = {board} AND p.model = {model} AND p.start = ANY({before}::date[]) AND p.subject <> '' AND NOT {hidden}
	), places AS (
		SELECT subject, row_number() OVER (ORDER BY value DESC, subject COLLATE "C") AS place FROM past WHERE start = {last}::date AND value > 0
	), means AS (
		SELECT subject, sum(value) AS three FROM past GROUP BY subject
	), named AS (
		SELECT t.subject, t.wallets, t.value, coalesce(a.name, '') AS name, coalesce(a.url, '') AS url
		FROM counted t LEFT JOIN views.rankings_apps_v1 a ON {isapps} AND a.app_id::text = t.subject WHERE NOT coalesce(a.hidden, false)
	), ranked AS (
		SELECT row_number() OVER (ORDER BY {order} DESC, n.subject COLLATE "C") AS rank, n.subject, n.name, n.url, n.wallets, n.value,
			coalesce(p.place, 0) AS place, coalesce(m.three, 0) AS three
		FROM named n LEFT JOIN places p ON p.subject = n.subject LEFT JOIN means m ON m.subject = n.subject WHERE {condition}
	)
	SELECT rank, subject, name, url, wallets, value::text, place, three::text, (SELECT day FROM views.rankings_clock_v1) AS today
	FROM ranked WHERE rank <= {top}
	UNION ALL
	SELECT 0, '', '', '', coalesce(max(wallets), 0), coalesce(max(value), 0)::text, 0, '0', (SELECT day FROM views.rankings_clock_v1) FROM total`), st.args
}

// stored is the board's name in views.rankings_rows_v1.
func (r *Request) stored() string {
	if r.Model != "" {
		return modelApps
	}
	return string(r.Board)
}

// final reads the board of a window that is over.
func (r *Request) final(start, board, model, span string) string {
	return strings.NewReplacer("METRIC", string(r.By), "START", start, "BOARD", board, "MODEL", model, "SPAN", span).Replace(`found AS (
		SELECT subject, wallets, METRIC AS sum, ranked_METRIC AS value FROM views.rankings_rows_v1
		WHERE span = SPAN AND board = BOARD AND model = MODEL AND start = START::date
	), counted AS (SELECT subject, wallets, value FROM found WHERE subject <> ''),
	total AS (SELECT wallets, sum AS value FROM found WHERE subject = '')`)
}

// open adds up what each wallet used in a window that is not over.
func (r *Request) open(st *statement, s *state) string {
	condition := ""
	if r.Model != "" {
		condition = ` AND u.model = ` + st.arg(r.Model)
	}
	limit := `div(t.value, ` + strconv.Itoa(Floor) + `)`
	if r.By == Spend {
		limit = `div(t.value * 1000000000000, ` + strconv.Itoa(Floor) + `) * 0.000000000001`
	}
	return strings.NewReplacer("SOURCES", strings.Join(r.Window.sources(st, s), " UNION ALL "), "SUBJECT", r.Board.subject(), "METRIC", string(r.By),
		"CONDITION", condition, "LIMIT", limit, "FLOOR", strconv.Itoa(Floor)).Replace(`shares AS MATERIALIZED (
		SELECT SUBJECT AS subject, u.wallet_id, sum(u.METRIC)::numeric AS value FROM (SOURCES) u WHERE SUBJECT <> ''CONDITION GROUP BY 1, 2
	), sums AS (
		SELECT subject, count(*) AS wallets, sum(value) AS value FROM shares GROUP BY subject
	), counted AS (
		SELECT t.subject, t.wallets, sum(least(s.value, LIMIT)) AS value FROM sums t JOIN shares s USING (subject)
		WHERE t.wallets >= FLOOR GROUP BY t.subject, t.wallets
	), total AS (SELECT count(DISTINCT wallet_id) AS wallets, sum(value) AS value FROM shares)`)
}

const columns = `wallet_id, model, vendor, app_id, app_url, tokens, calls, spend`

// sources are the tables that make up a window that is not over: what is added up already, the days since then, the hours of the
// last day, and for a moment of the past the events of its hour. The days and months are of wallets that count; for hours it is
// asked here.
func (w Window) sources(st *statement, s *state) []string {
	var out []string
	from := func(table, condition string) {
		out = append(out, `SELECT `+columns+` FROM views.rankings_`+table+`_v1 WHERE `+condition)
	}
	date := func(at time.Time) string { return st.arg(at) + `::date` }
	days := func(start time.Time) { from("day", `day >= `+date(start)+` AND day < `+date(s.today)) }
	month := Month.Start(s.today)
	switch {
	case w == Week:
		days(Week.Start(s.today))
	case w == Month && s.past:
		days(month)
	case w == Month:
		from("month", `month = `+date(month))
	case w == All && s.past:
		from("month", `month < `+date(month))
		days(month)
	case w == All:
		from("all", `true`)
		from("month", `month = `+date(month))
	}
	position, end := int64(math.MaxInt64), s.today.AddDate(0, 0, 1)
	if s.past {
		position, end = s.at.Position, s.hour
	}
	until := st.arg(position)
	paid := ` x JOIN views.rankings_wallets_v1 w USING (wallet_id) WHERE w.position <= ` + until + `::bigint`
	out = append(out, `SELECT `+columns+` FROM views.rankings_hour_v1`+paid+` AND hour >= `+st.arg(s.today)+`::timestamptz AND hour < `+st.arg(end)+`::timestamptz`)
	if s.past && len(s.tail.order) > 0 {
		out = append(out, `SELECT `+columns+` FROM `+s.tail.unnest(st)+paid)
	}
	return out
}

// unnest is the facts as a table.
func (f *facts) unnest(st *statement) string {
	var wallet, model, vendor, app, url, spend []string
	var tokens, calls []int64
	for i := range f.order {
		k := &f.order[i]
		s := f.byKey[*k]
		wallet, model, vendor = append(wallet, k.wallet.String()), append(model, k.model), append(vendor, k.vendor)
		app, url = append(app, k.app.String()), append(url, k.url)
		tokens, calls, spend = append(tokens, s.tokens), append(calls, s.calls), append(spend, s.spend.String())
	}
	return fmt.Sprintf(`(SELECT wallet_id::uuid, model, vendor, app_id::uuid, app_url, tokens, calls, spend::numeric FROM unnest(%s::text[], %s::text[], %s::text[],
		%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[]) AS f(wallet_id, model, vendor, app_id, app_url, tokens, calls, spend))`,
		st.arg(wallet), st.arg(model), st.arg(vendor), st.arg(app), st.arg(url), st.arg(tokens), st.arg(calls), st.arg(spend))
}
