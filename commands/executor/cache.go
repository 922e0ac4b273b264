package executor

import "github.com/massrouter/massrouter/domain"

// cached is an aggregate as of a version.
type cached struct {
	state   domain.Aggregate
	version int64
}

// cache keeps aggregates in two generations. It forgets only when it ages, and then only what was not used since it
// aged before; so what the batch under way and the one after it use stays when it ages once for each batch.
type cache struct {
	limit      int
	young, old map[domain.StreamID]*cached
}

func newCache(limit int) *cache {
	return &cache{limit: limit, young: map[domain.StreamID]*cached{}, old: map[domain.StreamID]*cached{}}
}

func (c *cache) get(id domain.StreamID) (*cached, bool) {
	if a, ok := c.young[id]; ok {
		return a, true
	}
	a, ok := c.old[id]
	if ok {
		c.put(id, a)
	}
	return a, ok
}

// peek is get without counting as a use.
func (c *cache) peek(id domain.StreamID) (*cached, bool) {
	if a, ok := c.young[id]; ok {
		return a, true
	}
	a, ok := c.old[id]
	return a, ok
}

func (c *cache) put(id domain.StreamID, a *cached) { c.young[id] = a }

// age makes a full young generation the old one, and forgets the old one.
func (c *cache) age() {
	if len(c.young) >= c.limit {
		c.old, c.young = c.young, make(map[domain.StreamID]*cached, c.limit)
	}
}

func (c *cache) drop(id domain.StreamID) {
	delete(c.young, id)
	delete(c.old, id)
}

func (c *cache) clear() {
	clear(c.young)
	clear(c.old)
}
