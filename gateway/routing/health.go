package routing

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// HealthOptions of a Health. Zero values take the defaults named here.
type HealthOptions struct {
	Breaker BreakerOptions
	// Endpoints bounds how many are measured; 4,096. One in constant use takes 20 kB. Those that were not used for a window make room.
	Endpoints int
	// Fresh is how long the sums of a window serve; 1 s.
	Fresh time.Duration
}

// Health measures endpoints, and has their circuits and the credentials that are set aside. It is safe for concurrent use.
type Health struct {
	Keys

	o    HealthOptions
	id   uint64 // of this process among its peers
	mu   sync.RWMutex
	all  map[string]*endpoint
	peer peers
}

// endpoint is what is known of one.
type endpoint struct {
	window   window
	halfHour halfHour
	circuit  *breaker
	used     atomic.Int64 // Unix seconds
	cached   atomic.Pointer[snapshot]
}

// snapshot is a condition at a moment.
type snapshot struct {
	at   time.Time
	cond Condition
}

// NewHealth makes a Health that knows nothing yet.
func NewHealth(o HealthOptions) *Health {
	o.Breaker.setDefaults()
	set(&o.Endpoints, 4096)
	set(&o.Fresh, time.Second)
	return &Health{o: o, id: rand.Uint64() | 1, all: make(map[string]*endpoint)} //nolint:gosec // tells processes apart, no secret
}

// endpoint finds or makes an endpoint; nil when there are too many.
func (h *Health) endpoint(id string, now time.Time) *endpoint {
	h.mu.RLock()
	e := h.all[id]
	h.mu.RUnlock()
	if e != nil {
		return e
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e = h.all[id]; e != nil {
		return e
	}
	if len(h.all) >= h.o.Endpoints && !h.makeRoom(now) {
		return nil
	}
	e = &endpoint{circuit: newBreaker(&h.o.Breaker)}
	e.used.Store(now.Unix())
	h.all[id] = e
	return e
}

// makeRoom drops endpoints of which nothing would be known anyway.
func (h *Health) makeRoom(now time.Time) bool {
	for id, e := range h.all {
		if now.Sub(time.Unix(e.used.Load(), 0)) > slots*slotLength {
			delete(h.all, id)
		}
	}
	return len(h.all) < h.o.Endpoints
}

// Condition implements Stats.
func (h *Health) Condition(id string, credentials []string, now time.Time) Condition {
	var c Condition
	if e := h.endpoint(id, now); e != nil {
		c = h.measured(id, e, now)
		ok, retry := e.circuit.closed(now)
		c.Open, c.Retry = !ok, retry
	}
	if ok, retry := h.Ready(credentials, id, now); !ok {
		c.Locked, c.Retry = true, max(c.Retry, retry)
	}
	return c
}

// Seen is the condition of an endpoint without its credentials, for those who do not call it: one that was not called takes no room and has
// the zero value.
func (h *Health) Seen(id string, now time.Time) Condition {
	h.mu.RLock()
	e := h.all[id]
	h.mu.RUnlock()
	if e == nil {
		var t totals
		h.peer.live(id, now, &t)
		return t.condition()
	}
	c := h.measured(id, e, now)
	ok, retry := e.circuit.closed(now)
	c.Open, c.Retry = !ok, retry
	return c
}

// measured sums the window up, not more often than is useful: sums are a thousand times dearer than records.
func (h *Health) measured(id string, e *endpoint, now time.Time) Condition {
	old := e.cached.Load()
	if old != nil {
		if age := now.Sub(old.at); age >= 0 && age < h.o.Fresh {
			return old.cond
		}
	}
	var t totals
	e.window.live(now, t.add)
	h.peer.live(id, now, &t)
	s := &snapshot{at: now, cond: t.condition()}
	e.cached.CompareAndSwap(old, s)
	return s.cond
}

// Verdict is what a call says about its endpoint.
type Verdict uint8

// The verdicts.
const (
	Neither Verdict = iota // nothing: it was refused for what the caller sent, or for our credential or its rate, or given up
	Well                   // it was answered properly
	Badly                  // not: no connection, no time, 404, 5xx, a stream that broke, a finish reason of error
)

// Trial is one call of an endpoint. It must be ended. It belongs to one goroutine.
type Trial struct {
	e            *endpoint
	done         func(error) // nil once the circuit was told
	begun, first time.Time
	ended        bool
}

// Begin asks to call an endpoint; false when its circuit is open, or half open with enough calls under way.
func (h *Health) Begin(id string, now time.Time) (*Trial, bool) {
	e := h.endpoint(id, now)
	if e == nil {
		return &Trial{begun: now}, true
	}
	done, ok := e.circuit.enter()
	if !ok {
		return nil, false
	}
	e.used.Store(now.Unix())
	return &Trial{e: e, done: done, begun: now}, true
}

// FirstToken notes that the answer began, if it is a stream. The circuit takes that for success: it shall not wait for the end of long
// streams to close.
func (t *Trial) FirstToken(now time.Time) {
	if t.ended || !t.first.IsZero() {
		return
	}
	t.first = now
	if t.e == nil {
		return
	}
	t.e.window.latency(now.Sub(t.begun), now)
	t.done(nil)
	t.done = nil
}

// minTokens is how long a stream is whose throughput means something.
const minTokens = 16

// End notes how the call came out, and with how many tokens of output. Only the first call counts.
func (t *Trial) End(v Verdict, tokens int64, now time.Time) {
	if t.ended {
		return
	}
	t.ended = true
	if t.e == nil {
		return
	}
	if v != Neither {
		t.e.window.count(v == Well, now)
	}
	if took := now.Sub(t.first); !t.first.IsZero() && tokens >= minTokens && took > 0 && v == Well {
		pace := float64(tokens-1) / took.Seconds()
		t.e.window.throughput(pace, now)
		t.e.halfHour.record(pace, now)
	}
	t.tell(v)
}

// tell tells the circuit. One that was told of a success already gets to know of the failure as of another call.
func (t *Trial) tell(v Verdict) {
	done := t.done
	if done == nil {
		if v != Badly {
			return
		}
		var ok bool
		if done, ok = t.e.circuit.enter(); !ok {
			return
		}
	}
	switch v {
	case Well:
		done(nil)
	case Badly:
		done(errBadly)
	case Neither:
		done(errNeither)
	}
}
