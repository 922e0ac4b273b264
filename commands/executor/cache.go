package executor

import "github.com/massrouter/massrouter/domain"

// cached is an aggregate as of a version.
type cached struct {
	state   domain.Aggregate
	version int64
}

// generations is one for each batch that may be under way, and one for that which is being decided.
const generations = mostFlights + 1

// cache keeps aggregates in generations, the youngest first. It forgets only when it ages, and then only what was not
// used since it aged some batches ago; so what the batches under way and the open one use stays when it ages once for
// each batch.
type cache struct {
	limit int
	by    [generations]map[domain.StreamID]*cached
}

func newCache(limit int) *cache {
	c := &cache{limit: limit}
	for i := range c.by {
		c.by[i] = map[domain.StreamID]*cached{}
	}
	return c
}

func (c *cache) get(id domain.StreamID) (*cached, bool) {
	if a, ok := c.by[0][id]; ok {
		return a, true
	}
	a, ok := c.peek(id)
	if ok {
		c.put(id, a)
	}
	return a, ok
}

// peek is get without counting as a use.
func (c *cache) peek(id domain.StreamID) (*cached, bool) {
	for _, generation := range c.by {
		if a, ok := generation[id]; ok {
			return a, true
		}
	}
	return nil, false
}

func (c *cache) put(id domain.StreamID, a *cached) { c.by[0][id] = a }

// age makes a full generation older, and forgets the oldest.
func (c *cache) age() {
	if len(c.by[0]) >= c.limit {
		copy(c.by[1:], c.by[:])
		c.by[0] = make(map[domain.StreamID]*cached, c.limit)
	}
}

func (c *cache) drop(id domain.StreamID) {
	for _, generation := range c.by {
		delete(generation, id)
	}
}

func (c *cache) clear() {
	for _, generation := range c.by {
		clear(generation)
	}
}
