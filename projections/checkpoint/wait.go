package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
)

// MaxWait bounds how long a query waits for a position, unless its view says otherwise.
const MaxWait = 5 * time.Second

// pollInterval is how often a position is looked up while somebody waits for it.
const pollInterval = 10 * time.Millisecond

// Signal carries the runner's progress to waiters in the same process. The zero value is ready.
type Signal struct {
	mu      sync.Mutex
	reached map[string]int64
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// Set says that the live build of a projection has committed a position.
func (s *Signal) Set(name string, version int, position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reached == nil {
		s.reached = map[string]int64{}
	}
	s.reached[key(name, version)] = position
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// watch returns what is known, and a channel that is closed when more is.
func (s *Signal) watch(name string, version int) (int64, <-chan struct{}) {
	if s == nil {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.reached[key(name, version)], s.changed
}

func key(name string, version int) string { return fmt.Sprintf("%s/%d", name, version) }

// WaitFor returns when the projection has reached the position: woken by the signal, else by polling. After MaxWait
// the error has code ledger_unavailable. Positions below 1 are reached always.
func (v *View) WaitFor(ctx context.Context, position int64) error {
	if position < 1 {
		return nil
	}
	waitCtx, cancel := context.WithTimeout(ctx, v.maxWait)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		reached, changed := v.signal.watch(v.name, v.version)
		if reached >= position {
			return nil
		}
		if ok, err := v.poll(waitCtx, position); ok || err != nil {
			return v.waited(ctx, position, err)
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-waitCtx.Done():
			return v.waited(ctx, position, waitCtx.Err())
		}
	}
}

// poll looks the position up. Only one caller of a view does so at a time: many waiters are no more load than one.
func (v *View) poll(ctx context.Context, position int64) (bool, error) {
	select {
	case v.polling <- struct{}{}:
		defer func() { <-v.polling }()
	default:
		return false, nil
	}
	var reached int64
	err := v.pool.QueryRow(ctx, `SELECT position FROM views.checkpoints WHERE name = $1 AND version = $2`, v.name, v.version).Scan(&reached)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, err
	}
	return reached >= position, nil
}

// waited turns the end of a wait into what the caller may see; the end of the caller's own context stays what it is.
func (v *View) waited(ctx context.Context, position int64, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("wait for the %s view: %w", v.name, ctx.Err())
	case !errors.Is(err, context.DeadlineExceeded):
		return v.failed(err)
	default:
		return domain.Errorf(domain.CodeUnavailable, "the %s view has not reached position %d yet", v.name, position).Wrap(err)
	}
}
