package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/once"
)

// Ping makes a delivery of TypePing, due at once. Errors: not_found, conflict when the webhook is disabled.
func (r *Registry) Ping(ctx context.Context, q Request, id uuid.UUID) (d Delivery, replayed bool, err error) {
	drawn, err := uuid.NewV7()
	if err != nil {
		return Delivery{}, false, fmt.Errorf("draw an id: %w", err)
	}
	var delivery uuid.UUID
	err = r.write(ctx, "ping a webhook", func(tx pgx.Tx) (err error) {
		delivery, replayed, err = once.Do(ctx, tx, q, []any{"ping a webhook", id}, func() (uuid.UUID, error) { return drawn, r.ping(ctx, tx, q, id, drawn) })
		return err
	})
	if err != nil {
		return Delivery{}, false, err
	}
	d, err = r.sentAgain(ctx, id, delivery, replayed)
	return d, replayed, err
}

func (r *Registry) ping(ctx context.Context, tx pgx.Tx, q Request, id, delivery uuid.UUID) error {
	if err := lockEnabled(ctx, tx, id); err != nil {
		return err
	}
	if err := note(ctx, tx, q, "ping", id, uuid.Nil, nil); err != nil {
		return err
	}
	now := r.now()
	body, err := Message{Type: TypePing, Timestamp: now, Data: Ping{WebhookID: id}}.encode()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO webhooks.deliveries (id, webhook_id, type, event_at, body, state, armed_at, due_at, give_up_at)
		VALUES ($1, $2, $3, $4, $5, 'pending', $4, $4, $6)`, delivery, id, string(TypePing), now, body, now.Add(GiveUpAfter))
	if err != nil {
		return err
	}
	return r.hurry(ctx, tx, id)
}

// sentAgain is a delivery as it is after a request. A repeated one is answered even when the delivery has gone since: then with its ids only.
func (r *Registry) sentAgain(ctx context.Context, webhook, id uuid.UUID, replayed bool) (Delivery, error) {
	d, err := r.Delivery(ctx, webhook, id)
	if replayed && domain.CodeOf(err) == domain.CodeNotFound {
		return Delivery{ID: id, WebhookID: webhook}, nil
	}
	return d, err
}

// lockEnabled is lock for what only an enabled webhook gets.
func lockEnabled(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if err := lock(ctx, tx, id); err != nil {
		return err
	}
	var reason string
	if err := tx.QueryRow(ctx, `SELECT disabled_reason FROM webhooks.webhooks WHERE id = $1`, id).Scan(&reason); err != nil {
		return err
	}
	if reason != "" {
		return domain.Errorf(domain.CodeConflict, "the webhook is disabled; enable it first").With("disabled_reason", reason)
	}
	return nil
}

// hurry ends a receiver's rest: somebody wants to see now whether it works.
func (r *Registry) hurry(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `UPDATE webhooks.queues SET rest_until = NULL WHERE webhook_id = $1`, id); err != nil {
		return err
	}
	return reschedule(ctx, tx, []uuid.UUID{id})
}

// Redeliver makes a delivery due now, whatever became of it, with three days anew. Its id stays, so receivers know it.
// Errors: not_found, conflict when the webhook is disabled.
func (r *Registry) Redeliver(ctx context.Context, q Request, webhook, id uuid.UUID) (d Delivery, replayed bool, err error) {
	replayed, err = r.change(ctx, q, "replay a delivery", []any{webhook, id}, func(tx pgx.Tx) error {
		if err := lockEnabled(ctx, tx, webhook); err != nil {
			return err
		}
		if err := note(ctx, tx, q, "redeliver", webhook, uuid.Nil, nil); err != nil {
			return err
		}
		now := r.now()
		// The new number ends a claim that somebody has on it.
		tag, err := tx.Exec(ctx, `UPDATE webhooks.deliveries SET state = 'pending', tries = 0, claim = claim + 1,
			armed_at = $3, due_at = $3, give_up_at = $4, finished_at = NULL, replayed_by = $5 WHERE id = $1 AND webhook_id = $2`,
			id, webhook, now, now.Add(GiveUpAfter), q.Actor)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return domain.Errorf(domain.CodeNotFound, "no such delivery")
		}
		return r.hurry(ctx, tx, webhook)
	})
	if err != nil {
		return Delivery{}, false, err
	}
	d, err = r.sentAgain(ctx, webhook, id, replayed)
	return d, replayed, err
}

// RangeRequest is a range of the log to be sent again.
type RangeRequest struct {
	SincePosition *int64    // events after it; this or SinceTime
	SinceTime     time.Time // events recorded at or after it
	// IncludeDelivered sends what was delivered once more. Otherwise only what failed, and what the webhook never had, is sent:
	// from the time that it was disabled, say.
	IncludeDelivered bool
}

// ReplayRange sends a webhook what happened since a moment up to now, by its filter of now. Errors: not_found,
// invalid_request with the detail "field" for a moment before the retention or after now, conflict when the webhook is
// disabled or has a replay at work.
func (r *Registry) ReplayRange(ctx context.Context, q Request, id uuid.UUID, want RangeRequest) (w Webhook, replayed bool, err error) {
	since, until, err := r.interval(ctx, want)
	if err != nil {
		return Webhook{}, false, err
	}
	drawn, err := uuid.NewV7()
	if err != nil {
		return Webhook{}, false, fmt.Errorf("draw an id: %w", err)
	}
	replayed, err = r.change(ctx, q, "replay a range", []any{id, want}, func(tx pgx.Tx) error {
		if err := lockEnabled(ctx, tx, id); err != nil {
			return err
		}
		if err := note(ctx, tx, q, "replay", id, uuid.Nil, nil); err != nil {
			return err
		}
		now := r.now()
		tag, err := tx.Exec(ctx, `INSERT INTO webhooks.replays (id, webhook_id, since, until, position, include_delivered, requested_at, stepped_at, requested_by)
			VALUES ($1, $2, $3, $4, $3, $5, $6, $6, $7) ON CONFLICT (webhook_id) WHERE finished_at IS NULL DO NOTHING`,
			drawn, id, since, until, want.IncludeDelivered, now, q.Actor)
		if err == nil && tag.RowsAffected() == 0 {
			err = domain.Errorf(domain.CodeConflict, "a replay of this webhook is at work; wait for its end")
		}
		if err != nil {
			return err
		}
		return r.hurry(ctx, tx, id)
	})
	if err != nil {
		return Webhook{}, false, err
	}
	w, err = r.after(ctx, id, replayed)
	return w, replayed, err
}

// interval is the range in positions, the first excluded.
func (r *Registry) interval(ctx context.Context, want RangeRequest) (since, until int64, err error) {
	head, err := r.log.Head(ctx)
	if err != nil {
		return 0, 0, safe(ctx, "read the end of the log", err)
	}
	oldest := r.now().Add(-r.keep)
	if want.SincePosition == nil {
		if want.SinceTime.IsZero() {
			return 0, 0, invalid("since_time", "a replay begins at since_position or since_time")
		}
		if want.SinceTime.Before(oldest) || want.SinceTime.After(r.now()) {
			return 0, 0, tooOld("since_time", r.keep)
		}
		since, err = r.log.At(ctx, want.SinceTime.Add(-time.Microsecond))
		return since, max(head.Position, since), safe(ctx, "find a moment in the log", err)
	}
	if !want.SinceTime.IsZero() {
		return 0, 0, invalid("since_time", "a replay begins at since_position or since_time, not at both")
	}
	since = *want.SincePosition
	if since < 0 || since > head.Position {
		return 0, 0, invalid("since_position", "since_position is between 0 and the end of the log, %d", head.Position)
	}
	first, err := eventstore.ReadDense(ctx, r.log, since, 1)
	if err != nil {
		return 0, 0, safe(ctx, "read the log", fmt.Errorf("after %d: %w", since, err))
	}
	if len(first) == 1 && first[0].RecordedAt.Before(oldest) {
		return 0, 0, tooOld("since_position", r.keep)
	}
	return since, head.Position, nil
}

func tooOld(field string, keep time.Duration) error {
	return invalid(field, "%s lies between %d days ago and now", field, int(keep/(24*time.Hour)))
}
