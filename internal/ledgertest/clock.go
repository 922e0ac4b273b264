// Package ledgertest writes a ledger in which everything that can happen has happened, through the real use cases, on
// any store: what verifies or replays a log is tested against it.
package ledgertest

import (
	"sync"
	"time"
)

// Clock is a log's clock that only moves when it is told to. Safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts on a Wednesday at noon UTC.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)} }

// Now is the time; it is what memory.Options.Clock wants.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// At ignores the given time; it is what postgres.Options.Clock wants.
func (c *Clock) At(time.Time) time.Time { return c.Now() }

// Step moves on.
func (c *Clock) Step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
