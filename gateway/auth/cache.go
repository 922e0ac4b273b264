package auth

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// entry is what is remembered of a key, also that there is none.
type entry struct {
	id    uuid.UUID
	key   Key
	known bool
	state State     // that it is as of
	until time.Time // it is believed, whatever is known of changes
	// A change of the key will be noticed, and the entry is believed so long.
	noticed bool
	watched time.Time

	newer, older *entry // in the order of use
}

// cache remembers the keys used last.
type cache struct {
	size int

	mu   sync.Mutex
	byID map[uuid.UUID]*entry
	ring entry // its older is the one used last, its newer the one used longest ago
}

func newCache(size int) *cache {
	c := &cache{size: size, byID: make(map[uuid.UUID]*entry)}
	c.ring.newer, c.ring.older = &c.ring, &c.ring
	return c
}

func (c *cache) get(id uuid.UUID) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byID[id]
	if !ok {
		return entry{}, false
	}
	e.leave()
	c.enter(e)
	return *e, true
}

func (c *cache) put(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.byID[e.id]; ok {
		old.leave()
	}
	c.byID[e.id] = &e
	c.enter(&e)
	if len(c.byID) > c.size {
		last := c.ring.newer
		last.leave()
		delete(c.byID, last.id)
	}
}

func (c *cache) forget(id uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byID[id]; ok {
		e.leave()
		delete(c.byID, id)
	}
}

// enter makes an entry the one used last.
func (c *cache) enter(e *entry) {
	e.newer, e.older = &c.ring, c.ring.older
	e.older.newer, c.ring.older = e, e
}

func (e *entry) leave() { e.newer.older, e.older.newer = e.older, e.newer }
