package sms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/reactors/outbox"
)

const (
	// lease is how long a process has for what it took; longer than one call of a provider may take.
	lease = 3 * callTime
	// batch is how many messages a process takes at once.
	batch = 8
	// Attempts are made of one message: each may cost, and may have been sent although its answer was lost. Those of processes that died count, too.
	Attempts = 5
)

// pause is how long after an attempt the next one is made: a code does not live long.
func pause(attempt int) time.Duration {
	waits := []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}
	d := waits[min(max(attempt, 1), len(waits))-1]
	return d + rand.N(d/5) //nolint:gosec // so that not all come back at once
}

// Codes makes the codes of messages. See phone.Store.
type Codes interface {
	// MakeCode answers not_found when nobody waits for the message any more.
	MakeCode(ctx context.Context, message uuid.UUID) (string, error)
}

// Options of a Worker.
type Options struct {
	Now     func() time.Time
	Poll    time.Duration // between two looks; 0 is 500 ms
	OnError func(error)   // never with a number or a code
	OnEnd   func(purpose phone.Purpose, outcome string)
}

// Worker sends what is due. Any number of processes may run one. There is no way to make one try again what was given up: its code is over by then, and
// whoever waits for it asks for another.
type Worker struct {
	pool   *pgxpool.Pool
	codes  Codes
	sender Sender
	o      Options
}

// NewWorker makes a Worker.
func NewWorker(pool *pgxpool.Pool, codes Codes, sender Sender, o Options) *Worker {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Poll <= 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.OnEnd == nil {
		o.OnEnd = func(phone.Purpose, string) {}
	}
	return &Worker{pool: pool, codes: codes, sender: sender, o: o}
}

// Run sends until the context ends; what is under way is finished.
func (w *Worker) Run(ctx context.Context) {
	(&outbox.Worker[due]{Take: w.take, Batch: batch, Send: w.send, Poll: w.o.Poll, OnError: w.o.OnError}).Run(ctx)
}

// due is a message that this process has taken.
type due struct {
	id       uuid.UUID
	to       phone.Number
	purpose  phone.Purpose
	language string
	late     time.Time
	attempt  int
}

// take claims what is due; what a process that dies has taken is due again when its lease ends.
func (w *Worker) take(ctx context.Context) ([]due, error) {
	rows, err := w.pool.Query(ctx, `UPDATE identity.messages SET attempts = attempts + 1, due_at = $1::timestamptz + $2::interval WHERE message_id IN (
			SELECT message_id FROM identity.messages WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING message_id, number, purpose, language, late_at, attempts`, domain.Moment(w.o.Now()), lease, batch)
	if err != nil {
		return nil, fmt.Errorf("take text messages that are due: %w", err)
	}
	taken, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d due, err error) {
		return d, r.Scan(&d.id, &d.to, &d.purpose, &d.language, &d.late, &d.attempt)
	})
	if err != nil {
		return nil, fmt.Errorf("take text messages that are due: %w", err)
	}
	return taken, nil
}

// errLate: what is sent now is of no use.
var errLate = errors.New("the message was not sent in time")

// errDied: the last attempt was of a process that did not note what came of it.
var errDied = errors.New("all attempts were made, and nobody knows what came of the last one")

// send sends one message and notes what came of it.
func (w *Worker) send(ctx context.Context, d due) error {
	id, err := w.deliver(ctx, d)
	now := domain.Moment(w.o.Now())
	const failed = `UPDATE identity.messages SET failed_at = $2, error = $3 WHERE message_id = $1`
	switch {
	case err == nil:
		return w.ended(ctx, d, "sent", `UPDATE identity.messages SET sent_at = $2, provider_id = $3, error = '' WHERE message_id = $1`, d.id, now, outbox.Clip(id))
	case domain.CodeOf(err) == domain.CodeNotFound:
		return w.ended(ctx, d, "gone", `DELETE FROM identity.messages WHERE message_id = $1`, d.id)
	case errors.Is(err, errLate):
		return w.ended(ctx, d, "late", failed, d.id, now, outbox.Clip(err.Error()))
	case errors.Is(err, ErrRefused) || d.attempt >= Attempts:
		return w.ended(ctx, d, "failed", failed, d.id, now, outbox.Clip(err.Error()))
	}
	return w.ended(ctx, d, "retry", `UPDATE identity.messages SET due_at = $2, error = $3 WHERE message_id = $1`, d.id, now.Add(pause(d.attempt)), outbox.Clip(err.Error()))
}

func (w *Worker) ended(ctx context.Context, d due, outcome, sql string, args ...any) error {
	w.o.OnEnd(d.purpose, outcome)
	if _, err := w.pool.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("note what came of a text message: %w", err)
	}
	return nil
}

// deliver makes the code, which is known by its hash before it leaves, and hands the message to a provider.
func (w *Worker) deliver(ctx context.Context, d due) (string, error) {
	if !w.o.Now().Before(d.late) {
		return "", errLate
	}
	if d.attempt > Attempts {
		return "", errDied
	}
	digits, err := w.codes.MakeCode(ctx, d.id)
	if err != nil {
		return "", err
	}
	return w.sender.Send(ctx, Message{ID: d.id.String(), To: d.to, Code: digits, Language: d.language, Attempt: d.attempt})
}
