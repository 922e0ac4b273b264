package runner

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errOwned: another process owns the projection.
var errOwned = errors.New("another process owns the projection")

// errMoved: the checkpoint is not where this process left it: a switch, or another process owned it in between.
var errMoved = errors.New("the checkpoint was moved by somebody else")

// errGone: the build was switched to or dropped.
var errGone = errors.New("there is no such build any more")

// work owns a build and runs it until it has reached the target, or where it is to stop. The error is errOwned when it is
// somebody else's. moved says whether it got anywhere.
func (r *Runner) work(ctx context.Context, p Projection, slot Slot, target int64) (moved bool, err error) {
	session, err := own(ctx, r.pool, p, slot)
	if err != nil {
		if errors.Is(err, errOwned) {
			return false, r.reached(ctx, p, slot, target)
		}
		return false, err
	}
	defer session.close(ctx)
	return r.run(ctx, session, p, target)
}

func (r *Runner) run(ctx context.Context, session *session, p Projection, target int64) (moved bool, err error) {
	at, stop, err := session.begin(ctx, p, place{})
	if err != nil {
		return false, err
	}
	reader := r.feed.join(at.position)
	defer r.feed.leave(reader)
	for at.position < min(target, stop) {
		next, err := r.step(ctx, session, p, reader, at, min(target, stop))
		switch {
		case errors.Is(err, errMoved):
			next, stop, err = session.begin(ctx, p, place{})
		case err == nil && next.position == at.position: // does the session live, and is all as it was?
			next, stop, err = session.begin(ctx, p, at)
		}
		if err != nil {
			if session.gone(ctx, p) {
				return moved, errGone // a statement looked for tables that had moved
			}
			r.stop(ctx, session, p, err)
			return moved, err
		}
		moved = moved || next.position != at.position
		at = next
		if session.slot == Live {
			r.options.Signal.Set(p.Name(), p.Version(), at.position)
		}
	}
	return moved, nil
}

// reached is nil when a build that somebody else owns is at the target already.
func (r *Runner) reached(ctx context.Context, p Projection, slot Slot, target int64) error {
	c, err := readCheckpoint(ctx, r.pool, p, slot)
	if err != nil {
		return away{err}
	}
	if c.position >= target {
		return nil
	}
	return errOwned
}

// step takes the next events, up to the one at which to stop, and commits their effect together with the checkpoint. When
// none come the place stays.
func (r *Runner) step(ctx context.Context, session *session, p Projection, reader *reader, at place, stop int64) (place, error) {
	events, err := r.feed.batch(ctx, reader, at.position, stop)
	if err != nil {
		return place{}, err
	}
	if len(events) == 0 {
		return at, nil
	}
	w := Writes{Since: at.recordedAt, Carried: at.carried}
	if err := project(p, events, &w); err != nil {
		return place{}, fmt.Errorf("project positions %d to %d: %w", events[0].Position, events[len(events)-1].Position, err)
	}
	last := &events[len(events)-1]
	if err := session.commit(ctx, p, at, last, &w); err != nil {
		return place{}, fmt.Errorf("write positions %d to %d: %w", events[0].Position, last.Position, err)
	}
	return place{at.build, last.Position, last.RecordedAt, at.carried}, nil
}

// project turns a panic into an error: a mistake in one projection stops this one alone.
func project(p Projection, events []Event, w *Writes) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return p.Project(events, w)
}

// stop records why a projection stopped, unless it is only that the database or the log was away.
func (r *Runner) stop(ctx context.Context, session *session, p Projection, cause error) {
	if ctx.Err() != nil || transient(cause) || session.conn.IsClosed() {
		return
	}
	if err := session.fail(ctx, p, cause); err != nil {
		r.options.OnError(p.Name(), fmt.Errorf("record the failure: %w", err))
	}
}

// backoff doubles the waits between tries until the projection gets on again.
type backoff struct {
	first time.Duration
	tries int
}

const (
	longestWait    = time.Minute
	longestOutage  = 2 * time.Second // the database may be back at any moment
	firstReconnect = 50 * time.Millisecond
)

func (b *backoff) next(moved, outage bool) time.Duration {
	if moved {
		b.tries = 0
	}
	wait, longest := b.first, longestWait
	if outage {
		wait, longest = firstReconnect, longestOutage
	}
	for range b.tries {
		wait = min(2*wait, longest)
	}
	b.tries = min(b.tries+1, 16)
	return min(wait, longest)
}
