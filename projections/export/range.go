package export

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Bound is one end of a range: a position or a time. The zero value is none.
type Bound struct {
	Position int64
	Time     time.Time
}

// ParseBound reads a position (digits), an RFC 3339 time, or a date, which is its first moment in UTC. The empty text
// is no bound. Errors: invalid_request.
func ParseBound(text string) (Bound, error) {
	if text == "" {
		return Bound{}, nil
	}
	if strings.Trim(text, "0123456789") == "" {
		position, err := strconv.ParseInt(text, 10, 64)
		if err != nil || position < 1 {
			return Bound{}, domain.Errorf(domain.CodeInvalid, "%q is no position: positions begin at 1", text)
		}
		return Bound{Position: position}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return Bound{Time: t.UTC()}, nil
		}
	}
	return Bound{}, domain.Errorf(domain.CodeInvalid, "%q is neither a position nor a time such as 2026-03-01 or 2026-03-01T00:00:00Z", text)
}

// Range is which events: the positions First to Last, both in it.
type Range struct {
	First, Last int64
	Period      *Period // when it was given by times
	// OpenEnd says that the end was not given: Last is where the log ended. An export that was begun keeps its end.
	OpenEnd bool
}

// Resolve maps bounds to positions. A position is in the range at both ends; of times, from is in it and to is not, so
// that months join without a gap. No from is the beginning of the log, no to its end. now is the present time: what is
// later than that cannot be exported whole. Errors: invalid_request, or those of the log.
func Resolve(ctx context.Context, log eventstore.Reader, from, to Bound, now time.Time) (Range, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return Range{}, err
	}
	r := Range{First: max(from.Position, 1), Last: head.Position, OpenEnd: to == Bound{}}
	if !from.Time.IsZero() {
		before, err := lastBefore(ctx, log, from.Time)
		if err != nil {
			return Range{}, err
		}
		r.First = before + 1
	}
	switch {
	case to.Position > head.Position:
		return Range{}, domain.Errorf(domain.CodeInvalid, "the log ends at position %d", head.Position)
	case to.Position > 0:
		r.Last = to.Position
	case to.Time.After(now):
		return Range{}, domain.Errorf(domain.CodeInvalid, "%s has not come yet: events before it may still be recorded", to.Time.Format(time.RFC3339))
	case !to.Time.IsZero():
		if r.Last, err = lastBefore(ctx, log, to.Time); err != nil {
			return Range{}, err
		}
	}
	if !from.Time.IsZero() || !to.Time.IsZero() {
		r.Period = &Period{From: from.Time, To: to.Time}
	}
	if r.First > r.Last+1 {
		return Range{}, domain.Errorf(domain.CodeInvalid, "the range ends at position %d, before it begins at %d", r.Last, r.First)
	}
	return r, nil
}

// lastBefore is the last position recorded before a time; the log keeps microseconds.
func lastBefore(ctx context.Context, log eventstore.Reader, t time.Time) (int64, error) {
	whole := t.Truncate(time.Microsecond)
	if whole.Before(t) {
		return log.At(ctx, whole)
	}
	return log.At(ctx, whole.Add(-time.Microsecond))
}
