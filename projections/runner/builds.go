package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// followBuilds takes up the builds beside the live ones that are not where they are to stop, until the context ends.
func (r *Runner) followBuilds(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	busy := &busyBuilds{of: map[build]bool{}}
	for {
		for _, b := range r.unfinished(ctx) {
			if !busy.take(b) {
				continue
			}
			all.Go(func() {
				defer busy.leave(b)
				r.followBuild(ctx, b)
			})
		}
		if pause(ctx, r.options.Takeover) != nil {
			return
		}
	}
}

// build is one build of a projection.
type build struct {
	name string // of the projection
	slot Slot
}

// busyBuilds are those that this process works on.
type busyBuilds struct {
	mu sync.Mutex
	of map[build]bool
}

func (b *busyBuilds) take(one build) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[one] {
		return false
	}
	b.of[one] = true
	return true
}

func (b *busyBuilds) leave(one build) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.of, one)
}

// unfinished are the builds that somebody waits for. When the database cannot say, there are none.
func (r *Runner) unfinished(ctx context.Context) []build {
	//nolint:rowserrcheck // ForEachRow checks it
	rows, err := r.pool.Query(ctx, `SELECT 'views_building', name, version, revision FROM views_building.checkpoints WHERE position < rebuild_to
		UNION ALL SELECT 'views_kept', name, version, revision FROM views_kept.checkpoints WHERE position < rebuild_to`)
	if err != nil {
		return nil
	}
	var found []build
	var slot, name string
	var version, revision int
	_, err = pgx.ForEachRow(rows, []any{&slot, &name, &version, &revision}, func() error {
		for _, p := range r.projections {
			if p.Name() == name && p.Version() == version && (Slot(slot) == Kept || revision == revisionOf(p)) {
				found = append(found, build{name, Slot(slot)})
			}
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return found
}

// followBuild works on a build until it is where it is to stop, is gone, or is somebody else's.
func (r *Runner) followBuild(ctx context.Context, b build) {
	chosen, err := r.choose([]string{b.name})
	if err != nil {
		return
	}
	retry := backoff{first: r.options.Backoff}
	for ctx.Err() == nil {
		moved, err := r.work(ctx, chosen[0], b.slot, never)
		if err == nil || ctx.Err() != nil || errors.Is(err, errOwned) || errors.Is(err, errGone) {
			return
		}
		r.options.OnError(b.name, fmt.Errorf("the %s build: %w", b.slot, err))
		if pause(ctx, retry.next(moved, transient(err))) != nil {
			return
		}
	}
}

// aim says how far a build is to go. It never aims lower.
func (r *Runner) aim(ctx context.Context, p Projection, s Slot, position int64) error {
	tag, err := r.pool.Exec(ctx, s.sql(`UPDATE views.checkpoints SET rebuild_to = greatest(rebuild_to, $3) WHERE name = $1 AND version = $2`),
		p.Name(), p.Version(), position)
	if err != nil {
		return fmt.Errorf("set the goal of the %s build of %s: %w", s, p.Name(), err)
	}
	if tag.RowsAffected() != 1 {
		return errGone
	}
	return nil
}

// beside is a build in a slot, moved by whoever owns it.
type beside struct {
	r    *Runner
	p    Projection
	slot Slot
}

func (b beside) position(ctx context.Context) (int64, error) {
	c, err := readCheckpoint(ctx, b.r.pool, b.p, b.slot)
	if err == nil && !c.found {
		err = errGone
	}
	return c.position, err
}

func (b beside) advance(ctx context.Context, to int64) error {
	if err := b.r.aim(ctx, b.p, b.slot, to); err != nil {
		return err
	}
	return b.r.runTo(ctx, b.p, b.slot, to)
}

func (b beside) open(ctx context.Context) (*content, error) {
	conn, err := b.r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the %s build of %s: %w", b.slot, b.p.Name(), err)
	}
	c, err := openContent(ctx, conn.Conn(), b.p, b.slot)
	if err != nil {
		conn.Release()
		return nil, err
	}
	c.release = conn.Release
	return c, nil
}

// control makes sure that one command at a time changes the builds of a projection. It returns how to end that.
func (r *Runner) control(ctx context.Context, p Projection) (release func(), err error) {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to change the builds of %s: %w", p.Name(), err)
	}
	var got bool
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, lockName(p, Live)+" control").Scan(&got)
	if err != nil || !got {
		conn.Release()
		if err == nil {
			return nil, busy(p)
		}
		return nil, fmt.Errorf("begin to change the builds of %s: %w", p.Name(), err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, lockName(p, Live)+" control")
		if err != nil {
			_ = conn.Conn().Close(ctx) // the lock ends with the session
		}
		conn.Release()
	}, nil
}
