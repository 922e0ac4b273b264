package program

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
)

// task is work that one process at a time does again and again. Who does it holds an advisory lock on a session of its
// own, so that it passes on by itself when the process or its connection dies.
type task struct {
	name  string
	every time.Duration
	// takeover is how often a process that does not own it tries to; 0 means every.
	takeover time.Duration
	pool     *pgxpool.Pool
	log      zerolog.Logger
	tick     func(ctx context.Context) error
}

// run owns the task, or waits to own it, until ctx ends. A failure is logged, and what failed is tried again.
func (t task) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := t.own(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn().Err(err).Str("task", t.name).Msg("background work failed and is tried again")
		}
		if pause(ctx, max(t.every, t.takeover)) != nil {
			break
		}
	}
	return nil
}

// errOwned: another process does the task.
var errOwned = errors.New("another process owns the task")

// own does the task as long as this process holds the lock and nothing fails; nil when another process has the lock.
func (t task) own(ctx context.Context) error {
	conn, err := t.lock(ctx)
	if errors.Is(err, errOwned) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // gives the lock back, whatever it says
	for {
		if err := t.tick(ctx); err != nil {
			return err
		}
		if err := pause(ctx, t.every); err != nil {
			return err
		}
		if err := conn.Ping(ctx); err != nil {
			return fmt.Errorf("keep the lock: %w", err)
		}
	}
}

func (t task) lock(ctx context.Context) (*pgx.Conn, error) {
	pooled, err := t.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the lock: %w", err)
	}
	conn := pooled.Hijack() // the pool's own connections come and go
	var got bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, t.key()).Scan(&got); err != nil {
		return nil, errors.Join(fmt.Errorf("take the lock: %w", err), conn.Close(context.WithoutCancel(ctx)))
	}
	if !got {
		return nil, errors.Join(errOwned, conn.Close(ctx))
	}
	return conn, nil
}

// key is the lock's number.
func (t task) key() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("massrouter task " + t.name)) // a hash takes everything
	return int64(h.Sum64())                             //nolint:gosec // only the bits matter
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
