package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/eventstore"
)

// Replay is a range of the log that a webhook is told of again. It is worked on by whoever owns the follower.
type Replay struct {
	ID               uuid.UUID
	Since            int64 // events after it
	Until            int64 // and up to it
	Position         int64 // done up to here
	IncludeDelivered bool
	Armed            int64 // deliveries that it made due
	RequestedAt      time.Time
	RequestedBy      string
	FinishedAt       time.Time // zero while it is at work
}

// replay works on the replay that has waited longest for its turn, and says whether there was one. A step and its
// progress are one transaction.
func (f *Follower) replay(ctx context.Context) (bool, error) {
	var id, webhook uuid.UUID
	var position, until int64
	err := f.pool.QueryRow(ctx, `SELECT id, webhook_id, position, until FROM webhooks.replays WHERE finished_at IS NULL ORDER BY stepped_at LIMIT 1`).
		Scan(&id, &webhook, &position, &until)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for replays: %w", err)
	}
	var events []eventstore.Event
	if position < until {
		if events, err = eventstore.ReadDense(ctx, f.log, position, int(min(until-position, maxRedelivered))); err != nil {
			return false, fmt.Errorf("read the log after %d: %w", position, err)
		}
	}
	made := 0
	err = pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) (err error) {
		made, err = f.replayStep(ctx, tx, id, webhook, position, events)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("replay after position %d: %w", position, err)
	}
	f.o.OnMade(made)
	return true, nil
}

// replayStep makes the deliveries of some events for the webhook of a replay, as it is now.
func (f *Follower) replayStep(ctx context.Context, tx pgx.Tx, id, webhook uuid.UUID, position int64, events []eventstore.Event) (int, error) {
	if _, err := tx.Exec(ctx, lockQueues, []uuid.UUID{webhook}); err != nil { // first, as everywhere
		return 0, err
	}
	var r Replay
	err := tx.QueryRow(ctx, `SELECT position, include_delivered, requested_by FROM webhooks.replays
		WHERE id = $1 AND finished_at IS NULL FOR NO KEY UPDATE`, id).Scan(&r.Position, &r.IncludeDelivered, &r.RequestedBy)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && r.Position != position) {
		return 0, nil // somebody else was here, or the webhook is gone
	}
	if err != nil {
		return 0, err
	}
	batch, err := f.again(ctx, tx, webhook, events)
	if err != nil {
		return 0, err
	}
	present := failed
	if r.IncludeDelivered {
		present = delivered
	}
	made, err := insert(ctx, tx, batch, f.now(), present, r.RequestedBy)
	if err != nil {
		return 0, err
	}
	if len(events) > 0 {
		position = events[len(events)-1].Position
	}
	_, err = tx.Exec(ctx, `UPDATE webhooks.replays SET position = $2, armed = armed + $3, stepped_at = $4, finished_at = CASE WHEN $2 >= until THEN $4::timestamptz END
		WHERE id = $1`, id, position, made, f.now())
	return made, err
}

// again are the deliveries of some events for one webhook.
func (f *Follower) again(ctx context.Context, tx pgx.Tx, webhook uuid.UUID, events []eventstore.Event) ([]fresh, error) {
	rows, err := tx.Query(ctx, `SELECT id, wallet_id, from_position, event_types, balance_threshold::text FROM webhooks.webhooks WHERE id = $1`, webhook)
	if err != nil {
		return nil, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanReceiver)
	if err != nil {
		return nil, fmt.Errorf("read the webhook: %w", err)
	}
	owners, err := ownersOf(ctx, tx, events)
	if err != nil {
		return nil, err
	}
	var batch []fresh
	for i := range events {
		if owner, ok := owners[events[i].StreamID]; !ok || owner != r.wallet {
			continue
		}
		more, err := f.deliveries(&events[i], r)
		if err != nil {
			return nil, err
		}
		batch = append(batch, more...)
	}
	return batch, nil
}
