package executor_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// op is a call of the store that can go wrong.
type op int

const (
	load op = iota
	begin
	commit // of an append under the lock
	send   // of an append without it
)

// fate is what becomes of one call.
type fate int

const (
	fine       fate = iota
	away            // the server cannot be reached
	refused         // the database does not take it
	moved           // somebody appended
	conflict        // a stream is elsewhere
	lostBefore      // the connection breaks, the server never got it
	lostAfter       // the connection breaks, it has happened
	lostDuring      // the connection breaks, the server is still at it
	hung            // no answer for ever, and the server is still at it
)

// fault is what a call meets.
type fault struct {
	fate   fate
	delay  time.Duration // before the answer, or before the connection breaks
	linger time.Duration // until a server that is still at it is done
}

var errRefused = errors.New("the database refuses the batch")

// faulty is a store behind a bad network.
type faulty struct {
	eventstore.Appender
	meet   func(op, *eventstore.Batch) fault
	before chan struct{} // closed when what was sent last is done with
	turns  atomic.Int64  // that were asked for
}

// settle waits, in a bubble, until no server can be at anything any more.
func settle() { <-time.After(24 * time.Hour) }

func (f *faulty) Load(ctx context.Context, ids []domain.StreamID) ([]eventstore.Stream, error) {
	if err := f.ask(ctx, load); err != nil {
		return nil, err
	}
	return f.Appender.Load(ctx, ids)
}

func (f *faulty) Begin(ctx context.Context, since int64, limit int) (eventstore.Tx, error) {
	if err := f.ask(ctx, begin); err != nil {
		return nil, err
	}
	inner, err := f.Appender.Begin(ctx, since, limit)
	if err != nil {
		return nil, err
	}
	return &faultyTx{Tx: inner, f: f}, nil
}

func (f *faulty) ask(ctx context.Context, o op) error {
	ft := f.meet(o, nil)
	if err := pass(ctx, ft.delay); err != nil {
		return err
	}
	switch ft.fate {
	case fine:
		return nil
	case hung:
		<-ctx.Done()
		return ctx.Err()
	case refused:
		return errRefused
	default:
		return eventstore.ErrUnavailable
	}
}

func (f *faulty) Turn(ctx context.Context, patience time.Duration) (end func(), err error) {
	f.turns.Add(1)
	return f.Appender.Turn(ctx, patience)
}

// Send meets its fault at once and is done with it when what was sent before is.
func (f *faulty) Send(ctx context.Context, head eventstore.Head, now time.Time, b *eventstore.Batch, done func(error)) {
	ft := f.meet(send, b)
	before, after := f.before, make(chan struct{})
	f.before = after
	go func() {
		if before != nil {
			<-before
		}
		err := f.write(ctx, ft, func(ctx context.Context) error { return f.Appender.Append(ctx, head, now, b) }, func() {})
		close(after)
		done(err)
	}()
}

// write does what the fault says; drop is for a write that will never happen.
func (f *faulty) write(ctx context.Context, ft fault, write func(context.Context) error, drop func()) error {
	if err := pass(ctx, ft.delay); err != nil && ft.fate == fine {
		ft.fate = hung
	}
	switch ft.fate {
	case fine:
		return write(ctx)
	case lostAfter:
		if err := write(ctx); err != nil {
			return err
		}
		return errLost
	case lostDuring, hung:
		go func() {
			<-time.After(ft.linger)
			_ = write(context.WithoutCancel(ctx)) // nobody is there to hear it
		}()
		if ft.fate == hung {
			<-ctx.Done()
			return fmt.Errorf("%w: %w", errLost, ctx.Err())
		}
		return errLost
	default:
		drop()
		return map[fate]error{
			away: eventstore.ErrUnavailable, refused: errRefused, moved: eventstore.ErrHeadMoved,
			conflict: eventstore.ErrVersionConflict, lostBefore: errLost,
		}[ft.fate]
	}
}

var errLost = fmt.Errorf("%w: reset by peer", eventstore.ErrUnknown)

// pass waits for a time, but not for longer than the context allows.
func pass(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type faultyTx struct {
	eventstore.Tx
	f    *faulty
	left bool // the server has the transaction now
}

func (t *faultyTx) Commit(ctx context.Context, b *eventstore.Batch) error {
	t.left = true
	ft := t.f.meet(commit, b)
	if ft.fate == moved { // nobody can append under the lock
		ft.fate = conflict
	}
	return t.f.write(ctx, ft,
		func(ctx context.Context) error { return t.Tx.Commit(ctx, b) }, func() { t.Tx.Rollback(ctx) })
}

func (t *faultyTx) Rollback(ctx context.Context) {
	if !t.left {
		t.Tx.Rollback(ctx)
	}
}
