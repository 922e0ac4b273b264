package limit

import (
	"sync/atomic"
	"time"
)

// taken is a scope of a call, with its name.
type taken struct {
	Scope
	name string
}

func (s *taken) refusal(by By, limit int64, v verdict) *Refusal {
	return &Refusal{
		Scope: s.Scope, By: by, Limit: limit, Remaining: v.remaining,
		Reset: time.Duration(v.reset) * time.Millisecond, Retry: time.Duration(v.wait) * time.Millisecond,
	}
}

// Grant is a call that was let through. nil is that of a call without limits.
type Grant struct {
	limiter *Limiter
	scopes  []taken
	tokens  int64  // that were taken
	lease   string // "" when no scope bounds parallel calls
	local   bool   // this process decided by itself
	ended   atomic.Bool
}

// Done ends the call. tokens is what it has used: what was taken beyond that is given back, what is missing is taken. It returns at
// once, and may be called more than once: the first one counts.
func (g *Grant) Done(tokens int64) {
	if g == nil || g.ended.Swap(true) {
		return
	}
	l, back := g.limiter, g.tokens-min(max(tokens, 0), mostTokens)
	l.leases.drop(g)
	if g.local {
		l.local.done(g.scopes, back, l.now())
		back = 0
	}
	if back != 0 && !g.metered() {
		back = 0
	}
	if l.redis != nil && (back != 0 || g.lease != "") {
		l.enqueue(correction{grant: g, back: back})
	}
}

// metered says whether any scope bounds tokens.
func (g *Grant) metered() bool {
	for i := range g.scopes {
		if g.scopes[i].Limits.Tokens > 0 {
			return true
		}
	}
	return false
}
