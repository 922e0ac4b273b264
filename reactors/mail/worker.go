package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/reactors/outbox"
)

const (
	// lease is how long a process has for what it took; longer than one message may take.
	lease = 2 * time.Minute
	// batch is how many mails a process takes at once.
	batch = 8
	// Attempts are made of one mail, the last about a day after the first. Those of processes that died count, too.
	Attempts = 9
	// keep is how long what was sent is remembered.
	keep = 30 * 24 * time.Hour
)

// pauses are how long after each attempt the next one is made.
func pause(attempt int) time.Duration {
	waits := []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}
	d := waits[min(max(attempt, 1), len(waits))-1]
	return d + rand.N(d/5) //nolint:gosec // so that not all come back at once
}

// Links makes the secrets of links. See account.Service.
type Links interface {
	MakeLink(ctx context.Context, of uuid.UUID, to address.Email, p account.Purpose) (string, error)
}

// Options of a Worker. Zero durations take the defaults named here.
type Options struct {
	Now     func() time.Time
	Poll    time.Duration // between two looks; 1 s
	OnError func(error)   // never with what a mail says
	OnEnd   func(kind account.Kind, outcome string)
}

// Worker sends what is due. Any number of processes may run one.
type Worker struct {
	pool   *pgxpool.Pool
	links  Links
	writer *Writer
	sender Sender
	o      Options
}

// NewWorker makes a Worker.
func NewWorker(pool *pgxpool.Pool, links Links, writer *Writer, sender Sender, o Options) *Worker {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.OnEnd == nil {
		o.OnEnd = func(account.Kind, string) {}
	}
	return &Worker{pool: pool, links: links, writer: writer, sender: sender, o: o}
}

// Run sends until the context ends; what is under way is finished.
func (w *Worker) Run(ctx context.Context) {
	(&outbox.Worker[due]{Take: w.take, Batch: batch, Send: w.send, Poll: w.o.Poll, OnError: w.o.OnError}).Run(ctx)
}

// due is a mail that this process has taken.
type due struct {
	id       uuid.UUID
	of       *uuid.UUID // whose link it has: a user's or a sign-up's
	to       address.Email
	kind     account.Kind
	language account.Language
	details  []byte
	attempt  int
	let      bool // it was let through before
}

// take claims what is due; what a process that dies has taken is due again when its lease ends.
func (w *Worker) take(ctx context.Context) ([]due, error) {
	now := domain.Moment(w.o.Now())
	rows, err := w.pool.Query(ctx, `UPDATE identity.mails SET attempts = attempts + 1, due_at = $1::timestamptz + $2::interval WHERE mail_id IN (
			SELECT mail_id FROM identity.mails WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING mail_id, coalesce(user_id, sign_up_id), recipient, kind, language, details, attempts, let_at IS NOT NULL`, now, lease, batch)
	if err != nil {
		return nil, fmt.Errorf("take mails that are due: %w", err)
	}
	taken, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d due, err error) {
		return d, r.Scan(&d.id, &d.of, &d.to, &d.kind, &d.language, &d.details, &d.attempt, &d.let)
	})
	if err != nil {
		return nil, fmt.Errorf("take mails that are due: %w", err)
	}
	return taken, nil
}

// send sends one mail and notes what came of it.
func (w *Worker) send(ctx context.Context, d due) error {
	through, err := w.letThrough(ctx, d)
	if err != nil {
		return err // it is due again when the lease ends
	}
	if !through {
		w.o.OnEnd(d.kind, "late")
		return nil
	}
	err = w.deliver(ctx, d)
	switch {
	case err == nil:
		return w.ended(ctx, d, "sent", `UPDATE identity.mails SET sent_at = $2, details = '{}', error = '' WHERE mail_id = $1`, d.id, w.o.Now())
	case errors.Is(err, errGone):
		return w.ended(ctx, d, "gone", `DELETE FROM identity.mails WHERE mail_id = $1`, d.id)
	case errors.Is(err, ErrRefused) || d.attempt >= Attempts:
		return w.ended(ctx, d, "failed", `UPDATE identity.mails SET failed_at = $2, error = $3 WHERE mail_id = $1`, d.id, w.o.Now(), outbox.Clip(err.Error()))
	}
	return w.ended(ctx, d, "retry", `UPDATE identity.mails SET due_at = $2, error = $3 WHERE mail_id = $1`, d.id, w.o.Now().Add(pause(d.attempt)), outbox.Clip(err.Error()))
}

func (w *Worker) ended(ctx context.Context, d due, outcome, sql string, args ...any) error {
	w.o.OnEnd(d.kind, outcome)
	if _, err := w.pool.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("note what came of a mail: %w", err)
	}
	return nil
}

// errGone: whom it was for is no more.
var errGone = errors.New("there is nobody to be told")

// errDied: the last attempt was of a process that did not note what came of it.
var errDied = errors.New("all attempts were made, and nobody knows what came of the last one")

// deliver writes a mail, with a link of its own, and hands it to the server.
func (w *Worker) deliver(ctx context.Context, d due) error {
	if d.attempt > Attempts {
		return errDied
	}
	details := map[string]string{}
	if err := json.Unmarshal(d.details, &details); err != nil {
		return fmt.Errorf("%w: read the details of a mail: %w", ErrRefused, err)
	}
	secret := ""
	if p := d.kind.Link(); p != "" {
		if d.of == nil {
			return errGone
		}
		var err error
		if secret, err = w.links.MakeLink(ctx, *d.of, d.to, p); domain.CodeOf(err) == domain.CodeNotFound {
			return errGone
		} else if err != nil {
			return err
		}
	}
	m, err := w.writer.Write(d.kind, d.language, details, secret)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	m.ID, m.To = d.id.String(), d.to
	return w.sender.Send(ctx, m)
}

// Prune forgets mails that ended long ago, a batch at a time until none is left, and says how many.
func (w *Worker) Prune(ctx context.Context) (n int64, err error) {
	const most = 1000
	for {
		tag, err := w.pool.Exec(ctx, `DELETE FROM identity.mails WHERE mail_id IN (
			SELECT mail_id FROM identity.mails WHERE coalesce(sent_at, failed_at) < $1 LIMIT $2)`, w.o.Now().Add(-keep), most)
		if err != nil {
			return n, fmt.Errorf("forget old mails: %w", err)
		}
		if n += tag.RowsAffected(); tag.RowsAffected() < most {
			return n, nil
		}
	}
}
