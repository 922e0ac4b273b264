package executor

import "github.com/massrouter/massrouter/domain"

// cached is an aggregate as of a version.
type cached struct {
	state   domain.Aggregate
	version int64
}

// cache keeps aggregates in two generations: when the young one is full it becomes the old one, and what was not
// touched since is forgotten. Between limit and twice limit aggregates are kept.
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

func (c *cache) put(id domain.StreamID, a *cached) {
	if len(c.young) >= c.limit {
		c.old, c.young = c.young, make(map[domain.StreamID]*cached, c.limit)
	}
	c.young[id] = a
}

func (c *cache) drop(id domain.StreamID) {
	delete(c.young, id)
	delete(c.old, id)
}

func (c *cache) clear() {
	clear(c.young)
	clear(c.old)
}
