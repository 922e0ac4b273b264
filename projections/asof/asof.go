// Package asof turns the moment that a query is about into a position of the log, for the read models that keep their history.
package asof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// Moment is a position of the log, or a time: then it means the last event that was recorded at or before it.
type Moment struct {
	Position int64
	Time     time.Time
}

// Log is a log in which moments are looked up. Safe for concurrent use.
type Log struct{ events eventstore.Reader }

// New makes one.
func New(events eventstore.Reader) *Log { return &Log{events} }

// Resolve finds the event that a moment means. Errors: invalid_request with the detail "field" for a moment in the future or
// before the first event, ledger_unavailable.
func (l *Log) Resolve(ctx context.Context, m Moment) (checkpoint.At, error) {
	head, err := l.events.Head(ctx)
	if err != nil {
		return checkpoint.At{}, away(ctx, err)
	}
	position := m.Position
	switch {
	case m.Position != 0 && !m.Time.IsZero():
		return checkpoint.At{}, invalid("as_of is a position or a time, not both")
	case m.Position > head.Position:
		return checkpoint.At{}, invalid("as_of lies in the future: the log ends at position %d", head.Position)
	case m.Position == 0:
		if m.Time.After(head.RecordedAt) && m.Time.After(time.Now()) {
			return checkpoint.At{}, invalid("as_of lies in the future")
		}
		if position, err = l.events.At(ctx, m.Time); err != nil {
			return checkpoint.At{}, away(ctx, err)
		}
	}
	if position < 1 {
		return checkpoint.At{}, invalid("as_of lies before the beginning")
	}
	found, err := eventstore.ReadDense(ctx, l.events, position-1, 1)
	if err != nil {
		return checkpoint.At{}, away(ctx, err)
	}
	if len(found) != 1 {
		return checkpoint.At{}, fmt.Errorf("the log has no event at position %d", position)
	}
	return checkpoint.At{Position: position, AsOf: found[0].RecordedAt.UTC()}, nil
}

func invalid(format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("field", "as_of")
}

// away keeps a log that cannot be read now apart from one that is wrong, and from the end of the caller's context.
func away(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, eventstore.ErrUnavailable) {
		return domain.Errorf(domain.CodeUnavailable, "the log cannot be read now").Wrap(err)
	}
	return fmt.Errorf("look for a moment in the log: %w", err)
}
