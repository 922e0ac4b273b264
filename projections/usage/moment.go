package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/runner"
)

// past is a state of the log: what the rollups say of the minutes before end, and the events of the minute that was open.
type past struct {
	at   checkpoint.At
	end  time.Time
	tail *batch
}

// recall finds the state that a moment means. All events of its minute are read from the log again.
func (q *Query) recall(ctx context.Context, m Moment) (*past, error) {
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
		least, condition, bound = head.Position, `minute <= $3`, any(m.AsOf)
	}
	var first int64
	p := &past{}
	_, err = q.view.Read(ctx, max(least, m.MinPosition), `SELECT minute, first_position FROM `+minutesTable+` WHERE `+condition+`
		ORDER BY first_position DESC LIMIT 1`, `r.minute`, []any{bound}, func(row checkpoint.Row) error { return row(&p.end, &first) })
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
	if err := q.replay(ctx, p, first, last, m.AsOf); err != nil {
		return nil, err
	}
	if p.at.Position == 0 {
		return nil, invalid("as_of", "as_of is before the beginning")
	}
	return p, nil
}

// block is how many events are read at once.
const block = 2000

// replay folds the events from first to last, but none that was recorded after until (unless that is zero). The event before
// first is only looked at: it is the last one when first was recorded too late.
func (q *Query) replay(ctx context.Context, p *past, first, last int64, until time.Time) error {
	b := newBatch()
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
			// What lies beyond the minute is in no row that is asked for, so a time needs no more than its minute.
			if !until.IsZero() && e.RecordedAt.After(until) || e.Position >= first && e.RecordedAt.Sub(p.end) >= time.Minute {
				after = last
				break
			}
			after, p.at = e.Position, checkpoint.At{Position: e.Position, AsOf: e.RecordedAt.UTC()}
			if e.Position >= first {
				if err := q.refold(ctx, b, e); err != nil {
					return err
				}
			}
		}
	}
	b.addAll()
	p.tail = b
	p.end = p.end.UTC()
	return nil
}

// refold folds one event of the log, if it ends a call that the asker may see: the log has no policies.
func (q *Query) refold(ctx context.Context, b *batch, e *eventstore.Event) error {
	switch e.Type {
	case wallet.UsageCharged{}.EventType(), wallet.ChargeCorrected{}.EventType(), wallet.HoldReleased{}.EventType(), wallet.HoldExpired{}.EventType():
	default:
		return nil
	}
	data, err := q.registry.Decode(e.Type, e.Body)
	if err != nil {
		return fmt.Errorf("position %d: %w", e.Position, err)
	}
	if owner, err := uuid.Parse(e.StreamID.Identity()); err != nil || !wall.Shows(ctx, owner) {
		return err
	}
	event, ok := data.(wallet.Event)
	if !ok {
		return fmt.Errorf("position %d: %s is no event of a wallet", e.Position, e.Type)
	}
	return b.fold(event, &runner.Event{Position: e.Position, RecordedAt: e.RecordedAt, StreamID: e.StreamID, Data: data})
}

// away keeps the end of the caller's context apart from a log that cannot be read now.
func away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read the log: %w", ctx.Err())
	}
	return domain.Errorf(domain.CodeUnavailable, "the log cannot be read now").Wrap(err)
}
