package postgres

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// channel is where each commit notifies, once, with the new head position.
const channel = "massrouter_log"

// signal wakes waiters when the log grows: at once by this process's own commits, by a notification for those of
// others, and by a poll as back-stop (a replica delivers no notifications).
type signal struct {
	pool   *pgxpool.Pool
	poll   time.Duration
	start  sync.Once
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // the listener's lifetime is the store's
	done   sync.WaitGroup

	mu    sync.Mutex
	known int64
	grown chan struct{} // closed and replaced when known rises
}

func newSignal(pool *pgxpool.Pool, poll time.Duration) *signal {
	ctx, cancel := context.WithCancel(context.Background())
	return &signal{pool: pool, poll: poll, ctx: ctx, cancel: cancel, grown: make(chan struct{})}
}

func (s *signal) close() {
	s.cancel()
	s.done.Wait()
}

func (s *signal) raise(position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if position <= s.known {
		return
	}
	s.known = position
	close(s.grown)
	s.grown = make(chan struct{})
}

func (s *signal) wait(ctx context.Context, after int64) error {
	s.start.Do(func() { //nolint:contextcheck // the listener outlives the call that starts it
		s.done.Add(1)
		go s.listen()
	})
	s.mu.Lock()
	known, grown := s.known, s.grown
	s.mu.Unlock()
	if known > after {
		return nil
	}
	timer := time.NewTimer(s.poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-grown:
	case <-timer.C:
	}
	return nil
}

// listen keeps one connection listening; when it is lost, the poll serves until it is back.
func (s *signal) listen() {
	defer s.done.Done()
	for s.ctx.Err() == nil {
		s.listenOnce()
		select {
		case <-s.ctx.Done():
		case <-time.After(s.poll):
		}
	}
}

func (s *signal) listenOnce() {
	pooled, err := s.pool.Acquire(s.ctx)
	if err != nil {
		return
	}
	conn := pooled.Hijack()
	defer func() { _ = conn.Close(context.WithoutCancel(s.ctx)) }()
	if _, err := conn.Exec(s.ctx, "LISTEN "+channel); err != nil {
		return
	}
	for {
		n, err := conn.WaitForNotification(s.ctx)
		if err != nil {
			return
		}
		if position, err := strconv.ParseInt(n.Payload, 10, 64); err == nil {
			s.raise(position)
		}
	}
}
