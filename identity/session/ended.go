package session

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/identity/token"
)

const (
	poll = 300 * time.Millisecond
	// overlap is how far back each look goes: processes have clocks of their own, and a transaction commits later than it began.
	overlap = time.Minute
	// stale is when what is known is too old to be relied on.
	stale = time.Second
	// remember is how long an ended session is known: no access token of it is good after that.
	remember = token.Life + 2*time.Minute
)

// Ended knows which sessions have ended while their access tokens are still good, within a second of it. It is safe for concurrent use.
type Ended struct {
	pool    *pgxpool.Pool
	onError func(error)

	mu    sync.RWMutex
	ended map[uuid.UUID]time.Time // when it was learned, by this process' clock
	at    time.Time               // of the last look; zero before the first
}

// NewEnded makes a Ended. Run it; onError hears of looks that failed.
func NewEnded(pool *pgxpool.Pool, onError func(error)) *Ended {
	return &Ended{pool: pool, onError: onError, ended: make(map[uuid.UUID]time.Time)}
}

// Run looks until the context ends.
func (r *Ended) Run(ctx context.Context) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.onError(err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// look learns what has ended.
func (r *Ended) look(ctx context.Context) error {
	r.mu.RLock()
	first := r.at.IsZero()
	r.mu.RUnlock()
	back := overlap
	if first {
		back = remember + overlap
	}
	began := time.Now()
	rows, err := r.pool.Query(ctx, `SELECT session_id FROM identity.sessions WHERE revoked_at > now() - $1::interval`, back)
	if err != nil {
		return fmt.Errorf("look for sessions that have ended: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("look for sessions that have ended: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if _, known := r.ended[id]; !known {
			r.ended[id] = began
		}
	}
	for id, at := range r.ended {
		if began.Sub(at) > remember {
			delete(r.ended, id)
		}
	}
	r.at = began
	return nil
}

// Has says whether a session has ended. When the last look is too old, as while the database is away, the database is asked; an error means that it
// cannot be known.
func (r *Ended) Has(ctx context.Context, session uuid.UUID) (bool, error) {
	r.mu.RLock()
	_, ended := r.ended[session]
	fresh := time.Since(r.at) < stale
	r.mu.RUnlock()
	if ended || fresh {
		return ended, nil
	}
	var live bool
	if err := r.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.sessions WHERE session_id = $1 AND revoked_at IS NULL)`, session).Scan(&live); err != nil {
		return false, fmt.Errorf("ask whether a session has ended: %w", err)
	}
	return !live, nil
}
