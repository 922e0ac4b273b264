package limit

import "sync"

// maxCells bounds the memory of the local shares.
const maxCells = 100_000

// cell is one scope's share.
type cell struct {
	requests, tokens bucket
	parallel         int64
	limits           Limits // of the last call, to know when it has flowed off
}

func (c *cell) idle(now int64) bool {
	return c.parallel == 0 && c.requests.owed(max(c.limits.Requests, 1), now) == 0 && c.tokens.owed(max(c.limits.Tokens, 1), now) == 0
}

// local is what this process decides about by itself.
type local struct {
	mu    sync.Mutex
	cells map[string]*cell
}

// share is a process' part of a limit.
func share(l Limits, processes int64) Limits {
	part := func(n int64) int64 {
		if n == 0 {
			return 0
		}
		return max(1, n/processes)
	}
	return Limits{Requests: part(l.Requests), Tokens: part(l.Tokens), Parallel: part(l.Parallel)}
}

// take decides a call against the shares of its scopes, and takes from all of them or from none. A call whose tokens are above the
// share, but not above the limit, comes through when nothing of the share is taken.
func (o *local) take(scopes []taken, tokens, processes, now int64) *Refusal {
	o.mu.Lock()
	defer o.mu.Unlock()
	var worst *Refusal
	refuse := func(r *Refusal) {
		if worst == nil || !worst.Never && (r.Never || r.Retry > worst.Retry) {
			r.Local = true
			worst = r
		}
	}
	for i := range scopes {
		s := &scopes[i]
		part, c := share(s.Limits, processes), o.cells[s.name]
		if c == nil {
			c = &cell{}
		}
		if n := part.Requests; n > 0 {
			if v, ok := c.requests.fits(1, n, n, now); !ok {
				refuse(s.refusal(ByRequests, n, v))
			}
		}
		if n := part.Tokens; n > 0 {
			burst := max(n, min(tokens, s.Limits.Tokens))
			if v, ok := c.tokens.fits(tokens, n, burst, now); !ok {
				r := s.refusal(ByTokens, n, v)
				r.Never = tokens > s.Limits.Tokens
				refuse(r)
			}
		}
		if n := part.Parallel; n > 0 && c.parallel >= n {
			refuse(s.refusal(ByParallel, n, verdict{reset: parallelRetry, wait: parallelRetry}))
		}
	}
	if worst != nil {
		return worst
	}
	for i := range scopes {
		s := &scopes[i]
		part, c := share(s.Limits, processes), o.cell(s.name, now)
		c.limits = part
		if part.Requests > 0 {
			c.requests.take(1, part.Requests, now)
		}
		if part.Tokens > 0 {
			c.tokens.take(tokens, part.Tokens, now)
		}
		c.parallel++
	}
	return nil
}

// done ends a call that take let through.
func (o *local) done(scopes []taken, back, now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range scopes {
		c := o.cells[scopes[i].name]
		c.parallel-- // a cell with a call under way is never forgotten
		if c.limits.Tokens > 0 {
			c.tokens.giveBack(back, c.limits.Tokens, now)
		}
	}
}

func (o *local) cell(name string, now int64) *cell {
	if c := o.cells[name]; c != nil {
		return c
	}
	if len(o.cells) >= maxCells {
		o.forget(now)
	}
	c := &cell{}
	o.cells[name] = c
	return c
}

// forget makes room: by all that is idle or, when nothing is, by anything without a call under way.
func (o *local) forget(now int64) {
	for name, c := range o.cells {
		if c.idle(now) {
			delete(o.cells, name)
		}
	}
	for name, c := range o.cells {
		if len(o.cells) < maxCells*9/10 { // so that the next ones find room without a search
			return
		}
		if c.parallel == 0 {
			delete(o.cells, name)
		}
	}
}

// sweep forgets what is idle.
func (o *local) sweep(now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, c := range o.cells {
		if c.idle(now) {
			delete(o.cells, name)
		}
	}
}
