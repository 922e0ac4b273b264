package usage

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// closeAbove writes the quarters of an hour, days and months that are over when the log goes on from one minute in another: each from the rows
// below it, in one statement, however many there are.
func closeAbove(w *runner.Writes, from, to int64) {
	below := Minute
	for _, g := range rollups()[1:] {
		first, next := g.first(from), g.first(to)
		if first == next {
			return
		}
		for _, sql := range summing(g, below) {
			var begin, end column.Times // a batch's columns belong to one statement
			begin.Add(time.Unix(first, 0))
			end.Add(time.Unix(next, 0))
			w.AddAny(sql, &begin, &end)
		}
		below = g
	}
}

// summing are the statements that write the rows of a granularity that lie from $1 to $2, from those below.
func summing(g, below Granularity) []string {
	into := func(f family, keys, sums, values, condition string) string {
		return fmt.Sprintf(`INSERT INTO %s (%s, %s) SELECT %s, %s FROM %s
			WHERE bucket >= ($1::timestamptz[])[1] AND bucket < ($2::timestamptz[])[1]%s GROUP BY %s`,
			f.table(g), keys, sums, strings.Replace(keys, "bucket", g.bucket(), 1), values, f.table(below), condition, strings.Replace(keys, "bucket", "1", 1))
	}
	out := []string{
		into(ofCalls, keyNames, sumNames(), summed(), ""),
		into(ofErrors, keyNames+", class", "errors", "sum(errors)", ""),
	}
	if ofKeys.has(g) {
		const keys = "bucket, wallet_id, key_id, app_id, currency"
		out = append(out, into(ofKeys, keys, sumNames(), summed(), " AND wallet_id <> '"+uuid.Nil.String()+"'"))
	}
	return out
}
