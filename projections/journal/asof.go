package journal

import (
	"context"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// AsOf is the moment that a question is about: a position of the log, or a time. The zero value is now.
type AsOf struct {
	Position int64
	Time     time.Time
}

func (a AsOf) now() bool { return a.Position == 0 && a.Time.IsZero() }

const (
	atPosition = `SELECT $3::bigint AS position, now(), coalesce(
		(SELECT recorded_at FROM views.journal_entries_v2 WHERE position <= $3 ORDER BY position DESC LIMIT 1), 'epoch') AS recorded_at`
	atTime = `SELECT coalesce((SELECT max(e.position)
			FROM (SELECT bucket FROM views.journal_stretches_v2 WHERE recorded_at <= $3 ORDER BY recorded_at DESC, bucket DESC LIMIT 1) s
			JOIN views.journal_entries_v2 e ON e.position >= s.bucket * 1024 AND e.position < (s.bucket + 1) * 1024
			WHERE e.recorded_at <= $3), 0) AS position, now(), $3::timestamptz AS recorded_at`
)

// resolve finds the position that a question is about. The answer's time is the asked one, or that of the last entry at or
// before the asked position. Errors: invalid_request when it lies in the future or before the first entry, ledger_unavailable.
func (q *Query) resolve(ctx context.Context, a AsOf, minPosition int64) (checkpoint.At, error) {
	sql, arg, err := a.sql()
	if err != nil {
		return checkpoint.At{}, err
	}
	var found checkpoint.At
	var clock time.Time
	head, err := q.view.Read(ctx, minPosition, sql, `r.position`, []any{arg}, func(row checkpoint.Row) error {
		return row(&found.Position, &clock, &found.AsOf)
	})
	switch {
	case err != nil:
		return checkpoint.At{}, err
	case a.now():
		return head, nil
	case a.Position > head.Position:
		return checkpoint.At{}, domain.Errorf(domain.CodeInvalid, "as_of lies in the future: the journal is at position %d", head.Position)
	case a.Time.After(head.AsOf) && a.Time.After(clock):
		return checkpoint.At{}, domain.Errorf(domain.CodeInvalid, "as_of lies in the future")
	case found.Position == 0:
		return checkpoint.At{}, domain.Errorf(domain.CodeInvalid, "as_of lies before the first entry")
	case found.AsOf.After(head.AsOf): // nothing is known of the time after the last event
		found.AsOf = head.AsOf
	}
	found.AsOf = found.AsOf.UTC()
	return found, nil
}

// sql is the question, rounded down to the microseconds that rows have.
func (a AsOf) sql() (string, any, error) {
	switch year := a.Time.UTC().Year(); {
	case a.Position < 0:
		return "", nil, domain.Errorf(domain.CodeInvalid, "as_of is a position from 1 on, or a time")
	case a.Time.IsZero():
		return atPosition, a.Position, nil
	case a.Position != 0:
		return "", nil, domain.Errorf(domain.CodeInvalid, "as_of is a position or a time, not both")
	case year < 1 || year > 9999:
		return "", nil, domain.Errorf(domain.CodeInvalid, "as_of lies in the years 1 to 9999")
	}
	return atTime, a.Time.UTC().Truncate(time.Microsecond), nil
}
