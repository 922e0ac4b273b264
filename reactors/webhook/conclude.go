package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// slowAfter is the time of an attempt from which on a receiver counts as slow.
const slowAfter = 2 * time.Second

// result is a claimed delivery with what its attempt came to.
type result struct {
	claimed
	at      time.Time
	outcome outcome
}

// queue is how a receiver behaves, as its locked row says.
type queue struct {
	failures     int
	failingSince *time.Time
	restUntil    *time.Time
	lastSuccess  *time.Time
	slow         bool
	disable      string // the reason, when it is to be disabled
}

// loose begins a transaction that does not wait for the disk: what a crash of the database takes back is sent again.
const loose = `BEGIN; SET LOCAL synchronous_commit = off`

// conclude records what attempts of a webhook came to, as far as their claims are still this process's.
func (w *Worker) conclude(ctx context.Context, t *turn, results []result) error {
	err := pgx.BeginTxFunc(ctx, w.pool, pgx.TxOptions{BeginQuery: loose}, func(tx pgx.Tx) error {
		q, ok, err := lockQueue(ctx, tx, t.webhook)
		if err != nil || !ok {
			return err // it was deleted meanwhile
		}
		armed, err := stillClaimed(ctx, tx, results)
		if err != nil {
			return err
		}
		var writes pgx.Batch
		now := w.now()
		for _, r := range results {
			if since, mine := armed[r.id]; mine {
				writeAttempt(&writes, r)
				w.settle(&writes, r, since, &q, now)
			}
		}
		q.write(&writes, t.webhook, now)
		if err := tx.SendBatch(ctx, &writes).Close(); err != nil {
			return err
		}
		return reschedule(ctx, tx, []uuid.UUID{t.webhook})
	})
	if err != nil {
		return fmt.Errorf("record attempts: %w", err)
	}
	return nil
}

func lockQueue(ctx context.Context, tx pgx.Tx, webhook uuid.UUID) (q queue, ok bool, err error) {
	err = tx.QueryRow(ctx, `SELECT failures, failing_since, rest_until, last_success_at, slow FROM webhooks.queues WHERE webhook_id = $1 FOR NO KEY UPDATE`, webhook).
		Scan(&q.failures, &q.failingSince, &q.restUntil, &q.lastSuccess, &q.slow)
	if errors.Is(err, pgx.ErrNoRows) {
		return q, false, nil
	}
	return q, err == nil, err
}

// stillClaimed says since when those deliveries are armed whose claims are not over. Somebody else has the others.
func stillClaimed(ctx context.Context, tx pgx.Tx, results []result) (map[uuid.UUID]time.Time, error) {
	ids, claims := make([]uuid.UUID, len(results)), make([]int, len(results))
	for i, r := range results {
		ids[i], claims[i] = r.id, r.claim
	}
	rows, err := tx.Query(ctx, `SELECT d.id, d.armed_at FROM webhooks.deliveries d JOIN unnest($1::uuid[], $2::int[]) AS c(id, claim) USING (id, claim)
		WHERE d.state = 'pending' FOR NO KEY UPDATE OF d`, ids, claims)
	armed := map[uuid.UUID]time.Time{}
	var id uuid.UUID
	var at time.Time
	return armed, each(rows, err, []any{&id, &at}, func() error { armed[id] = at; return nil })
}

func writeAttempt(writes *pgx.Batch, r result) {
	writes.Queue(`INSERT INTO webhooks.attempts (delivery_id, number, started_at, duration_ms, status, error) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.id, r.number, r.at, r.outcome.took.Milliseconds(), status(r.outcome), r.outcome.class)
}

func status(o outcome) *int {
	if o.status == 0 {
		return nil
	}
	return &o.status
}

// settle decides what becomes of a delivery, and notes what it says of the receiver.
func (w *Worker) settle(writes *pgx.Batch, r result, armed time.Time, q *queue, now time.Time) {
	o := r.outcome
	if o.class == ErrorStopped { // this process broke it off, which says nothing of the receiver
		writes.Queue(`UPDATE webhooks.deliveries SET tries = tries - 1, due_at = $2, error = $3, status = NULL WHERE id = $1`, r.id, now, o.class)
		return
	}
	if o.delivered() {
		writes.Queue(`UPDATE webhooks.deliveries SET state = 'delivered', finished_at = $2, status = $3, error = '' WHERE id = $1`, r.id, now, status(o))
		q.failures, q.failingSince, q.restUntil, q.lastSuccess, q.slow = 0, nil, nil, &now, o.took >= w.o.Slow
		return
	}
	gaveUp := o.class == ErrorGone || !now.Before(r.giveUp)
	if gaveUp {
		writes.Queue(`UPDATE webhooks.deliveries SET state = 'failed', finished_at = $2, status = $3, error = $4 WHERE id = $1`, r.id, now, status(o), o.class)
	} else {
		next := now.Add(wait(r.tries, o.retryAfter, w.random))
		if next.After(r.giveUp) {
			next = r.giveUp // the last attempt is at the end of the three days
		}
		writes.Queue(`UPDATE webhooks.deliveries SET due_at = $2, status = $3, error = $4 WHERE id = $1`, r.id, next, status(o), o.class)
	}
	if o.class == ErrorInternal {
		return // it is no fault of the receiver's
	}
	q.failed(now, rest(q.failures+1, w.random))
	switch {
	case o.class == ErrorGone:
		q.disable = DisabledGone
	case gaveUp && (q.lastSuccess == nil || q.lastSuccess.Before(armed)):
		q.disable = DisabledFailing
	}
}

// failed counts a failure; a receiver that goes on failing is given a rest.
func (q *queue) failed(now time.Time, rest time.Duration) {
	q.failures++
	if q.failingSince == nil {
		q.failingSince = &now
	}
	if rest > 0 {
		until := now.Add(rest)
		q.restUntil = &until
	}
}

func (q *queue) write(writes *pgx.Batch, webhook uuid.UUID, now time.Time) {
	writes.Queue(`UPDATE webhooks.queues SET failures = $2, failing_since = $3, rest_until = $4, last_success_at = $5, slow = $6 WHERE webhook_id = $1`,
		webhook, q.failures, q.failingSince, q.restUntil, q.lastSuccess, q.slow)
	if q.disable != "" {
		writes.Queue(`UPDATE webhooks.webhooks SET disabled_reason = $2, disabled_at = $3, updated_at = $3, updated_by = 'system:webhooks'
			WHERE id = $1 AND disabled_reason = ''`, webhook, q.disable, now)
	}
}
