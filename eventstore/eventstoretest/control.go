package eventstoretest

import (
	"sync"
	"time"
)

// Fate is what becomes of a commit that is ready to be sent.
type Fate int

// The fates. The caller of a lost commit cannot tell which of the two it was.
const (
	Durable    Fate = iota // nothing is in its way
	LostBefore             // the connection breaks before the commit reaches the log
	LostAfter              // the connection breaks after the commit, before its answer
)

// Control holds what the suite sets and a harness obeys. The zero value is no interference.
type Control struct {
	mu    sync.Mutex
	now   time.Time
	atEnd func() Fate
}

// Now is what the log's clock shall read while the real one reads this.
func (c *Control) Now(actual time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.IsZero() {
		return actual
	}
	return c.now
}

// Fate is asked by the harness for each commit of a batch that is not empty, under the head's lock and before the
// commit can have happened. It may block.
func (c *Control) Fate() Fate {
	c.mu.Lock()
	f := c.atEnd
	c.mu.Unlock()
	if f == nil {
		return Durable
	}
	return f()
}

// setClock stops the clock at a time.
func (c *Control) setClock(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// atCommit puts f in the way of all later commits; nil removes it.
func (c *Control) atCommit(f func() Fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.atEnd = f
}

// once is a fate for the next commit only.
func once(fate Fate) func() Fate {
	var mu sync.Mutex
	return func() Fate {
		mu.Lock()
		defer mu.Unlock()
		f := fate
		fate = Durable
		return f
	}
}
