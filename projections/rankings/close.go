package rankings

import (
	"fmt"
	"strings"
)

// Floor is the least number of distinct wallets that a row needs in order to be shown. One wallet counts for at most one
// Floor-th of a row, so that a row of wallets that are alike loses nothing.
const Floor = 3

// The clock's day, which is over: the first event of the day $1 has come. Its week or its month may be over, too.
const (
	today     = `(SELECT day FROM views.rankings_clock_v1)`
	weekOver  = `date_trunc('week', ` + today + `::timestamp) < date_trunc('week', $1::timestamp)`
	monthOver = `date_trunc('month', ` + today + `::timestamp) < date_trunc('month', $1::timestamp)`
	thisWeek  = `date_trunc('week', ` + today + `::timestamp)::date`
	thisMonth = `date_trunc('month', ` + today + `::timestamp)::date`
)

const tuple = `wallet_id, model, vendor, app_id, app_url`

const (
	addUp    = `tokens = s.tokens + excluded.tokens, calls = s.calls + excluded.calls, spend = s.spend + excluded.spend`
	closeDay = `INSERT INTO views.rankings_day_v1 (day, ` + tuple + `, tokens, calls, spend)
	SELECT ` + today + `, h.wallet_id, h.model, h.vendor, h.app_id, h.app_url, sum(h.tokens), sum(h.calls)::bigint, sum(h.spend)
	FROM views.rankings_hour_v1 h JOIN views.rankings_wallets_v1 w ON w.wallet_id = h.wallet_id AND w.day <= ` + today + `
	WHERE h.hour >= ` + today + `::timestamp AT TIME ZONE 'UTC' AND h.hour < (` + today + ` + 1)::timestamp AT TIME ZONE 'UTC'
	GROUP BY h.wallet_id, h.model, h.vendor, h.app_id, h.app_url`
	addToMonth = `INSERT INTO views.rankings_month_v1 AS s (month, ` + tuple + `, tokens, calls, spend)
	SELECT ` + thisMonth + `, ` + tuple + `, tokens, calls, spend FROM views.rankings_day_v1 WHERE day = ` + today + `
	ON CONFLICT (month, ` + tuple + `) DO UPDATE SET ` + addUp
	addToAll = `INSERT INTO views.rankings_all_v1 AS s (` + tuple + `, tokens, calls, spend)
	SELECT ` + tuple + `, tokens, calls, spend FROM views.rankings_month_v1 WHERE ` + monthOver + ` AND month = ` + thisMonth + `
	ON CONFLICT (` + tuple + `) DO UPDATE SET ` + addUp
)

// closeDays is the statement with which each day's part of a batch begins. The statements for a day that is over stand in it as
// texts, in their order.
func closeDays() string {
	var texts []string
	for _, sql := range []string{
		closeDay, addToMonth, addToAll,
		closeBoards("day", today, `views.rankings_day_v1 WHERE day = `+today),
		closeBoards("week", thisWeek, `views.rankings_day_v1 WHERE `+weekOver+` AND day >= `+thisWeek+` AND day <= `+today),
		closeBoards("month", thisMonth, `views.rankings_month_v1 WHERE `+monthOver+` AND month = `+thisMonth),
	} {
		texts = append(texts, `'`+strings.ReplaceAll(sql, `'`, `''`)+`'`)
	}
	return `SELECT ledger.close_day('views.rankings_clock_v1', ($1::date[])[1], ARRAY[` + strings.Join(texts, ", ") + `])`
}

// capped is what counts of one wallet's share s in a row whose sum is t: at most a Floor-th, in whole units (of spend: in
// the 12th decimal).
func capped(metric string) string {
	if metric == "spend" {
		return fmt.Sprintf(`least(s.spend, div(t.spend * 1000000000000, %d) * 0.000000000001)`, Floor)
	}
	return fmt.Sprintf(`least(s.%[1]s, div(t.%[1]s, %[2]d))`, metric, Floor)
}

// closeBoards writes all boards of a window from what each wallet used in it.
func closeBoards(span, start, source string) string {
	return strings.NewReplacer("SPAN", span, "START", start, "SOURCE", source, "FLOOR", fmt.Sprint(Floor),
		"CAPPED_TOKENS", capped("tokens"), "CAPPED_CALLS", capped("calls"), "CAPPED_SPEND", capped("spend")).Replace(`
	WITH shares AS MATERIALIZED (
		SELECT b.board, b.model, b.subject, u.wallet_id, sum(u.tokens) AS tokens, sum(u.calls) AS calls, sum(u.spend) AS spend
		FROM (SELECT * FROM SOURCE) u, LATERAL (VALUES ('models', '', u.model), ('vendors', '', u.vendor), ('referers', '', u.app_url),
			('apps', '', nullif(u.app_id, '00000000-0000-0000-0000-000000000000')::text),
			('model_apps', u.model, nullif(u.app_id, '00000000-0000-0000-0000-000000000000')::text)) AS b(board, model, subject)
		WHERE b.subject <> '' GROUP BY b.board, b.model, b.subject, u.wallet_id
	), totals AS (
		SELECT board, model, subject, count(*) AS wallets, sum(tokens) AS tokens, sum(calls) AS calls, sum(spend) AS spend
		FROM shares GROUP BY board, model, subject
	)
	INSERT INTO views.rankings_rows_v1 (span, start, board, model, subject, wallets, tokens, calls, spend, ranked_tokens, ranked_calls, ranked_spend)
	SELECT 'SPAN', START, t.board, t.model, t.subject, t.wallets, t.tokens, t.calls, t.spend, sum(CAPPED_TOKENS), sum(CAPPED_CALLS), sum(CAPPED_SPEND)
	FROM totals t JOIN shares s USING (board, model, subject) WHERE t.wallets >= FLOOR
	GROUP BY t.board, t.model, t.subject, t.wallets, t.tokens, t.calls, t.spend
	UNION ALL
	SELECT 'SPAN', START, board, model, '', count(DISTINCT wallet_id), sum(tokens), sum(calls), sum(spend), 0, 0, 0
	FROM shares GROUP BY board, model`)
}
