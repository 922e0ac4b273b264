package rankings

import (
	"context"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/runner"
)

// state is a state of the log: the day in which it ends, and for a moment of the past the beginning of its hour and the calls of
// that hour.
type state struct {
	at    checkpoint.At
	today time.Time
	past  bool
	hour  time.Time
	tail  facts
}

// state finds what a moment means.
func (q *Query) state(ctx context.Context, m Moment) (*state, error) {
	if m.past() {
		return q.recall(ctx, m)
	}
	s := &state{}
	var err error
	s.at, err = q.view.Read(ctx, m.MinPosition, `SELECT day FROM views.rankings_clock_v1`, `r.day`, nil,
		func(row checkpoint.Row) error { return row(&s.today) })
	s.today = s.today.UTC()
	return s, err
}

// recall finds a state of the past. All events of its hour are read from the log again.
func (q *Query) recall(ctx context.Context, m Moment) (*state, error) {
	head, err := q.log.Head(ctx)
	if err != nil {
		return nil, away(ctx, err)
	}
	if m.AsOfPosition > head.Position {
		return nil, invalid("as_of", "as_of lies in the future: the log ends at position %d", head.Position)
	}
	// Which position a time means is known when everything that is recorded has been projected.
	least, condition, bound := m.AsOfPosition, `first_position <= $3`, any(m.AsOfPosition)
	if m.AsOfPosition == 0 {
		least, condition, bound = head.Position, `hour <= $3`, any(m.AsOf)
	}
	var first int64
	s := &state{past: true}
	_, err = q.view.Read(ctx, max(least, m.MinPosition), `SELECT hour, first_position FROM views.rankings_hours_v1 WHERE `+condition+`
		ORDER BY first_position DESC LIMIT 1`, `r.hour`, []any{bound}, func(row checkpoint.Row) error { return row(&s.hour, &first) })
	if err != nil {
		return nil, err
	}
	last := head.Position
	if m.AsOfPosition != 0 {
		last = m.AsOfPosition
	}
	if first == 0 {
		return nil, invalid("as_of", "as_of is before the beginning")
	}
	s.hour = s.hour.UTC()
	s.today = Day.Start(s.hour)
	if err := q.replay(ctx, s, first, last, m.AsOf); err != nil {
		return nil, err
	}
	if s.at.Position == 0 {
		return nil, invalid("as_of", "as_of is before the beginning")
	}
	return s, nil
}

// block is how many events are read at once.
const block = 2000

// replay folds the events from first to last, but none that was recorded after until (unless that is zero). The event before
// first is only looked at: it is the last one when first was recorded too late.
func (q *Query) replay(ctx context.Context, s *state, first, last int64, until time.Time) error {
	for after := max(first-2, 0); after < last; {
		events, err := eventstore.ReadDense(ctx, q.log, after, int(min(block, last-after)))
		if err != nil {
			return away(ctx, err)
		}
		if len(events) == 0 {
			return fmt.Errorf("the log ends at position %d, before %d", after, last)
		}
		for i := range events {
			e := &events[i]
			beyond := e.Position >= first && e.RecordedAt.Sub(s.hour) >= time.Hour // a time needs no more than its hour
			if !until.IsZero() && e.RecordedAt.After(until) || beyond {
				return nil
			}
			after, s.at = e.Position, checkpoint.At{Position: e.Position, AsOf: e.RecordedAt.UTC()}
			if e.Position >= first {
				if err := q.refold(s, e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// refold folds one event of the log, if it is a charge or a correction of one.
func (q *Query) refold(s *state, e *eventstore.Event) error {
	if e.Type != (wallet.UsageCharged{}).EventType() && e.Type != (wallet.ChargeCorrected{}).EventType() {
		return nil
	}
	data, err := q.registry.Decode(e.Type, e.Body)
	if err != nil {
		return fmt.Errorf("position %d: %w", e.Position, err)
	}
	id, err := (&runner.Event{Position: e.Position, StreamID: e.StreamID}).Entity()
	if err != nil {
		return fmt.Errorf("position %d: %w", e.Position, err)
	}
	switch event := data.(type) {
	case wallet.UsageCharged:
		s.tail.charge(&event, id, e.RecordedAt)
	case wallet.ChargeCorrected:
		s.tail.correct(&event, id, e.RecordedAt)
	default:
		return fmt.Errorf("position %d: %s is no charge", e.Position, e.Type)
	}
	return nil
}

// away keeps the end of the caller's context apart from a log that cannot be read now.
func away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read the log: %w", ctx.Err())
	}
	return domain.Errorf(domain.CodeUnavailable, "the log cannot be read now").Wrap(err)
}
