package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

const (
	// Queries that come while the switch waits for those that read the tables wait with it: never longer than this. It is shorter
	// than the server's patience before it looks for deadlocks, so no query is ever chosen as the victim.
	lockWait = `SET LOCAL lock_timeout = '100ms'`
	// catchUp is how long the live build stands still at most while the other one comes to its position.
	catchUp     = 2 * time.Second
	catchUpPoll = 2 * time.Millisecond
	switchAgain = 300 * time.Millisecond // between two tries
)

// errNotYet: the other build did not come to the live one's position in time.
var errNotYet = errors.New("the build has not reached the position of the live one")

// Switch lets queries read the build that is being made, whatever it has in it, as soon as it is as far as the live one. The
// live one is kept. Errors have code not_found, also when there is no such build, or conflict.
func (r *Runner) Switch(ctx context.Context, name string) error {
	return r.change(ctx, name, Building)
}

// Rollback lets queries read the build again that served before the last switch, after bringing it up to date; the one that
// serves now is kept. Errors have code not_found, also when none is kept, or conflict, also while another build is being made.
func (r *Runner) Rollback(ctx context.Context, name string) error {
	return r.change(ctx, name, Kept)
}

func (r *Runner) change(ctx context.Context, name string, to Slot) error {
	p, release, err := r.take(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	c, err := readCheckpoint(ctx, r.pool, p, to)
	if err != nil {
		return err
	}
	if !c.found {
		return noBuild(p, to)
	}
	return r.swap(ctx, p, to, 0)
}

// swap brings a build to the live one's position, and at least to another, and exchanges the two.
func (r *Runner) swap(ctx context.Context, p Projection, from Slot, least int64) error {
	live, err := readCheckpoint(ctx, r.pool, p, Live)
	if err != nil {
		return err
	}
	other := beside{r, p, from}
	if err := other.advance(ctx, max(live.position, least)); err != nil {
		return fmt.Errorf("bring the %s build of %s up to date: %w", from, p.Name(), err)
	}
	// From here on it follows the log until it is exchanged, so that it passes the live one while that stands still.
	if err := r.aim(ctx, p, from, never); err != nil {
		return err
	}
	following, stop := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.keepUp(following, stop, p, from)
	}()
	err = r.trySwap(following, p, from)
	stop(nil)
	<-ended
	if err != nil { // nobody waits for it any more
		return errors.Join(err, halt(context.WithoutCancel(ctx), r.pool, p, from))
	}
	return nil
}

// keepUp works on a build, as far as nobody else does, until the context ends, and ends it when the build fails.
func (r *Runner) keepUp(ctx context.Context, fail context.CancelCauseFunc, p Projection, s Slot) {
	for ctx.Err() == nil {
		_, err := r.work(ctx, p, s, never)
		switch {
		case errors.Is(err, errGone):
			return
		case err != nil && !errors.Is(err, errOwned) && !transient(err) && ctx.Err() == nil:
			fail(err)
			return
		}
		if pause(ctx, lookAgain) != nil {
			return
		}
	}
}

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// halt lets a build stop where it is.
func halt(ctx context.Context, e execer, p Projection, s Slot) error {
	_, err := e.Exec(ctx, s.sql(`UPDATE views.checkpoints SET rebuild_to = position WHERE name = $1 AND version = $2`), p.Name(), p.Version())
	return err
}

// trySwap tries until it succeeds, fails for good, or the context ends.
func (r *Runner) trySwap(ctx context.Context, p Projection, from Slot) error {
	for {
		err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error { return r.exchange(ctx, tx, p, from) })
		if err == nil {
			return nil
		}
		var server *pgconn.PgError
		if cause := context.Cause(ctx); cause != nil { // the build failed, or the caller gave up
			return fmt.Errorf("switch %s to its %s build: %w", p.Name(), from, cause)
		}
		if !errors.Is(err, errNotYet) && (!errors.As(err, &server) || !checkpoint.Outage(server)) {
			return fmt.Errorf("switch %s to its %s build: %w", p.Name(), from, err)
		}
		if pause(ctx, switchAgain) != nil {
			return fmt.Errorf("switch %s to its %s build: %w: %w", p.Name(), from, context.Cause(ctx), err)
		}
	}
}

// exchange moves the tables and the checkpoints. The live checkpoint is locked first, as its owner does, so that it stands still.
func (r *Runner) exchange(ctx context.Context, tx pgx.Tx, p Projection, from Slot) error {
	if _, err := tx.Exec(ctx, lockWait); err != nil {
		return fmt.Errorf("bound the wait for locks: %w", err)
	}
	live, err := scanCheckpoint(ctx, tx, p, Live, ` FOR UPDATE`)
	if err != nil {
		return err
	}
	if from == Kept {
		building, err := readCheckpoint(ctx, tx, p, Building)
		if err != nil {
			return err
		}
		if building.found {
			return domain.Errorf(domain.CodeConflict, "a build of %s is under way: switch to it or drop it first", p.Name())
		}
	}
	if err := r.passes(ctx, p, from, live.position); err != nil {
		return err
	}
	if _, err := scanCheckpoint(ctx, tx, p, from, ` FOR UPDATE`); err != nil {
		return err
	}
	if err := sameShape(ctx, tx, p, from); err != nil {
		return err
	}
	return moveBuilds(ctx, tx, p, from)
}

// passes waits until a build is at a position.
func (r *Runner) passes(ctx context.Context, p Projection, s Slot, position int64) error {
	waiting, stop := context.WithTimeout(ctx, catchUp)
	defer stop()
	for {
		c, err := readCheckpoint(ctx, r.pool, p, s)
		if err != nil || c.position >= position {
			return err
		}
		if pause(waiting, catchUpPoll) != nil {
			return errNotYet
		}
	}
}

func moveBuilds(ctx context.Context, tx pgx.Tx, p Projection, from Slot) error {
	to := Kept // of the live build
	if from == Kept {
		to = Building // which is free, and only on the way
	} else if err := dropBuild(ctx, tx, p, Kept); err != nil {
		return err
	}
	for _, move := range [][2]Slot{{Live, to}, {from, Live}} {
		if err := moveTables(ctx, tx, p, move[0], move[1]); err != nil {
			return err
		}
	}
	if from == Kept {
		if err := moveTables(ctx, tx, p, Building, Kept); err != nil {
			return err
		}
	}
	return exchangeCheckpoints(ctx, tx, p, from, to)
}

// exchangeCheckpoints goes the way of the tables. The live row stays the same row, for those who wait for it. The old build
// stands still from now on.
func exchangeCheckpoints(ctx context.Context, tx pgx.Tx, p Projection, from, to Slot) error {
	statements := []string{
		copyCheckpoint(Live, to),
		`UPDATE views.checkpoints AS l SET position = b.position, recorded_at = b.recorded_at, build = b.build, revision = b.revision,
			state = CASE WHEN b.position < l.rebuild_to THEN 'rebuilding' ELSE 'following' END, error = '', updated_at = now()
			FROM ` + string(from) + `.checkpoints b WHERE l.name = $1 AND l.version = $2 AND b.name = l.name AND b.version = l.version`,
		removeCheckpoint(from),
	}
	if to == Building {
		statements = append(statements, copyCheckpoint(Building, Kept), removeCheckpoint(Building))
	}
	for _, sql := range statements {
		tag, err := tx.Exec(ctx, sql, p.Name(), p.Version())
		if err != nil {
			return fmt.Errorf("exchange the checkpoints of %s: %w", p.Name(), err)
		}
		if tag.RowsAffected() != 1 {
			return errGone
		}
	}
	return nil
}

func copyCheckpoint(from, to Slot) string {
	return `INSERT INTO ` + string(to) + `.checkpoints (name, version, position, recorded_at, rebuild_to, build, revision)
		SELECT name, version, position, recorded_at, position, build, revision FROM ` + string(from) + `.checkpoints WHERE name = $1 AND version = $2`
}

func removeCheckpoint(s Slot) string {
	return `DELETE FROM ` + string(s) + `.checkpoints WHERE name = $1 AND version = $2`
}
