package auth

import (
	"container/list"
	"sync"
	"time"

	"github.com/google/uuid"
)

// entry is what is remembered of a key, also that there is none.
type entry struct {
	id    uuid.UUID
	key   Key
	known bool
	until time.Time
}

// cache remembers the keys used last.
type cache struct {
	size int

	mu    sync.Mutex
	byID  map[uuid.UUID]*list.Element
	order *list.List // of entry, the latest used first
}

func newCache(size int) *cache {
	return &cache{size: size, byID: make(map[uuid.UUID]*list.Element), order: list.New()}
}

func (c *cache) get(id uuid.UUID, now time.Time) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.byID[id]
	if !ok {
		return entry{}, false
	}
	e := el.Value.(*entry)
	if !now.Before(e.until) {
		return entry{}, false
	}
	c.order.MoveToFront(el)
	return *e, true
}

func (c *cache) put(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.byID[e.id]; ok {
		*el.Value.(*entry) = e
		c.order.MoveToFront(el)
		return
	}
	c.byID[e.id] = c.order.PushFront(&e)
	if c.order.Len() > c.size {
		last := c.order.Back()
		delete(c.byID, last.Value.(*entry).id)
		c.order.Remove(last)
	}
}
