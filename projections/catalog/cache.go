package catalog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultMaxAge is how old a cached snapshot may be.
	defaultMaxAge = 500 * time.Millisecond
	// renewAge is how old one may be that somebody has not found something in.
	renewAge = 20 * time.Millisecond
)

// Cache keeps the last snapshot for the hot path. Only what was published since is read again.
type Cache struct {
	query  *Query
	maxAge time.Duration
	last   atomic.Pointer[cached]
	mu     sync.Mutex // held by the one caller that refreshes
}

type cached struct {
	snapshot *Snapshot
	at       time.Time // of the last attempt to refresh
}

// NewCache makes a cache whose snapshots are at most maxAge old while the database answers; 0 means 500 ms.
func NewCache(q *Query, maxAge time.Duration) *Cache {
	if maxAge <= 0 {
		maxAge = defaultMaxAge
	}
	return &Cache{query: q, maxAge: maxAge}
}

// Get returns a snapshot: usually the cached one, without waiting. At most one caller at a time refreshes it while the
// others go on with the last one; when the database is away, or the view is being built, all do. Only before there is
// a first snapshot can it fail, with ledger_unavailable, or wait.
func (c *Cache) Get(ctx context.Context) (*Snapshot, error) {
	last := c.last.Load()
	if last == nil {
		c.mu.Lock()
	} else if time.Since(last.at) < c.maxAge || !c.mu.TryLock() {
		return last.snapshot, nil
	}
	defer c.mu.Unlock()
	return c.refresh(ctx, c.maxAge)
}

// Renew is Get for who has not found what may have been published just now: it waits for a snapshot that was read a moment ago at most.
// However many ask, the database is asked 50 times a second.
func (c *Cache) Renew(ctx context.Context) (*Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refresh(ctx, renewAge)
}

// refresh reads what was published since, unless that was done while we came here. The lock is held.
func (c *Cache) refresh(ctx context.Context, age time.Duration) (*Snapshot, error) {
	last := c.last.Load()
	if last != nil && time.Since(last.at) < age {
		return last.snapshot, nil
	}
	old := empty()
	if last != nil {
		old = last.snapshot
	}
	fresh, err := c.query.since(ctx, old)
	if err != nil {
		if last == nil {
			return nil, err
		}
		fresh = old
	}
	c.last.Store(&cached{snapshot: fresh, at: time.Now()})
	return fresh, nil
}
