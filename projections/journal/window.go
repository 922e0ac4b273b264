package journal

import (
	"context"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/page"
)

// window is the part of the log that a list shows, as conditions on entries e.
type window struct {
	at       checkpoint.At
	from, to *time.Time
	before   int64 // the cursor, or the first position that is too late
	limit    int
	args     []any
}

// window checks what all lists have in common.
func (q *Query) window(ctx context.Context, list string, asOf AsOf, from, to time.Time, cursor string, limit int, minPosition int64) (*window, error) {
	w := &window{}
	var err error
	if w.limit, err = page.Limit(limit); err != nil {
		return nil, err
	}
	if w.from, w.to, err = page.Range(from, to); err != nil {
		return nil, err
	}
	var key []int64
	if cursor != "" {
		if key, err = page.Decode(list, cursor, 1); err != nil {
			return nil, err
		}
	}
	if w.at, err = q.resolve(ctx, asOf, minPosition); err != nil {
		return nil, err
	}
	w.before = w.at.Position + 1
	if key != nil {
		w.before = min(w.before, key[0])
	}
	return w, nil
}

// firstArg is the number of a query's first argument; those before it are the checkpoint's.
const firstArg = 3

// arg adds an argument and returns its place.
func (w *window) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args)+firstArg-1)
}

// bounds are the conditions. Stretches narrow a time to positions, which are what rows are found by.
func (w *window) bounds() string {
	sql := ` AND e.position < ` + w.arg(w.before)
	if w.from != nil {
		from := w.arg(*w.from)
		sql += ` AND e.recorded_at >= ` + from + ` AND e.position >= coalesce(` + stretchBefore(from, `bucket`) + `, 0)`
	}
	if w.to != nil {
		to := w.arg(*w.to)
		sql += ` AND e.recorded_at < ` + to + ` AND e.position < coalesce(` + stretchBefore(to, `bucket + 1`) + `, 0)`
	}
	return sql
}

// stretches are the same conditions on an account's stretches s.
func (w *window) stretches() string {
	sql := ` AND s.first_position < ` + w.arg(w.before) + ` AND s.bucket < ` + w.arg(w.before/stretch+1)
	if w.from != nil {
		sql += ` AND s.position >= coalesce(` + stretchBefore(w.arg(*w.from), `bucket`) + `, 0)`
	}
	if w.to != nil {
		sql += ` AND s.bucket <= coalesce((` + stretchBefore(w.arg(*w.to), `bucket`) + `) / 1024, -1)`
	}
	return sql
}

// end orders a page, the newest first, and asks for one row more than it has.
func (w *window) end() string { return ` ORDER BY e.position DESC` + w.more() }

// more is one row more than a page has.
func (w *window) more() string { return ` LIMIT ` + w.arg(w.limit+1) }

// stretchBefore is the first position of the last stretch that began before a time, or with "bucket + 1" that of the next
// one; NULL when there is none.
func stretchBefore(time, bucket string) string {
	return `(SELECT (` + bucket + `) * 1024 FROM views.journal_stretches_v2 WHERE recorded_at < ` + time + ` ORDER BY recorded_at DESC, bucket DESC LIMIT 1)`
}
