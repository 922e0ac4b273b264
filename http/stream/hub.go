// Package stream is GET /console/v1/stream: server-sent events of balances, charges and the lag of the read models.
//
//	stream.go        the handler: what is asked for, what was missed, then what the hub sends
//	hub.go           who is connected, and what each is sent
//	watch.go         whether those who listen may still
//	follow.go        the one reader of the log behind all connections
//	message.go       the events
package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/projections/live"
)

// Source is where updates come from. *live.Source is one. Safe for concurrent use.
type Source interface {
	// State says how far the read models and the log are.
	State(ctx context.Context) (live.State, error)
	// Wait returns when the log may have events after a position.
	Wait(ctx context.Context, after int64) error
	// Changes reads what happened in (after, to] to watched wallets, in order, all of it.
	Changes(ctx context.Context, after, to int64, watched func(uuid.UUID) bool) ([]live.Change, error)
	// Balances reads what wallets have, and the position, not before least, that this is of.
	Balances(ctx context.Context, wallets []uuid.UUID, least int64) ([]live.Balance, int64, error)
	// Charges reads the first charges in (after, to].
	Charges(ctx context.Context, wallets []uuid.UUID, after, to int64, limit int) ([]live.Charge, error)
}

// Options tune a Hub. The zero value means the defaults.
type Options struct {
	MaxConnections int           // 0 means 10,000; beyond it callers get 503
	MaxQueue       int           // updates that may wait for a client before it is let go; 0 means 1,024
	MaxMissed      int           // charges that a client who comes back is sent; 0 means 1,000
	KeepAlive      time.Duration // between two comments of a connection; 0 means 15 s
	LagEvery       time.Duration // least time between two events of the lag; 0 means 1 s
	Patience       time.Duration // for a client to read what was written; 0 means 10 s
	Registry       prometheus.Registerer
	Logger         zerolog.Logger
}

func (o Options) withDefaults() Options {
	preset := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	count := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	count(&o.MaxConnections, 10_000)
	count(&o.MaxQueue, 1024)
	count(&o.MaxMissed, 1000)
	preset(&o.KeepAlive, 15*time.Second)
	preset(&o.LagEvery, time.Second)
	preset(&o.Patience, 10*time.Second)
	return o
}

// Hub sends updates to all connections of the process. One reader serves them all; an idle connection costs neither a query nor a
// timer.
type Hub struct {
	source  Source
	o       Options
	metrics *metrics
	joined  chan struct{}

	mu      sync.Mutex
	cursor  int64 // all up to it was sent, or is being read to be sent
	places  int   // connections, and those that are being opened
	next    int
	all     map[*subscription]struct{}
	wallets map[uuid.UUID]map[*subscription]struct{}
	lagging int // connections that want the lag
	closed  bool
}

// New makes a hub. Run makes it work.
func New(source Source, o Options) (*Hub, error) {
	h := &Hub{
		source: source, o: o.withDefaults(), joined: make(chan struct{}, 1),
		all: map[*subscription]struct{}{}, wallets: map[uuid.UUID]map[*subscription]struct{}{},
	}
	var err error
	h.metrics, err = newMetrics(o.Registry)
	return h, err
}

// Run sends updates until ctx ends; then it ends all streams and returns nil.
func (h *Hub) Run(ctx context.Context) error {
	defer h.Close()
	var both sync.WaitGroup
	both.Go(func() { h.follow(ctx) })
	both.Go(func() { h.keepAlive(ctx) })
	both.Go(func() { h.watch(ctx) })
	both.Wait()
	return nil
}

// Close ends all streams at once and refuses new ones: a server that stops must not wait for them. Clients come back with the
// position that they have, to another process.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.all {
		s.end(false)
	}
}

// errFull and errClosing refuse a connection.
func errFull() error {
	return domain.Errorf(domain.CodeOverloaded, "there are as many live connections as this process takes")
}

func errClosing() error {
	return domain.Errorf(domain.CodeUnavailable, "the service is stopping")
}

// subscribe takes a place. From then on everything after the subscription's floor is queued for it; what is before, and after
// what the client has, is the caller's to read. leave gives the place back.
func (h *Hub) subscribe(ctx context.Context, f filter, since int64, actor auth.Actor, watcher auth.Watcher) (*subscription, live.State, error) {
	if err := h.reserve(); err != nil {
		return nil, live.State{}, err
	}
	state, err := h.source.State(ctx)
	if err == nil && since > state.Head {
		err = domain.Errorf(domain.CodeInvalid, "Last-Event-ID is a position that the log does not have").With("parameter", lastEventID)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && h.closed {
		err = errClosing()
	}
	if err != nil {
		h.places--
		return nil, live.State{}, err
	}
	if len(h.all) == 0 { // nobody was there to be sent what was before
		h.cursor = max(h.cursor, state.Reached)
	}
	h.next++
	s := &subscription{filter: f, floor: max(h.cursor, since), slot: h.next % slots, wake: make(chan struct{}, 1), actor: actor, watcher: watcher}
	if len(h.all) == 0 || s.wants(kindLag) { // else the reader is at work and has nothing to change
		select {
		case h.joined <- struct{}{}:
		default:
		}
	}
	h.add(s)
	return s, state, nil
}

func (h *Hub) reserve() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosing()
	}
	if h.places >= h.o.MaxConnections {
		return errFull()
	}
	h.places++
	return nil
}

func (h *Hub) add(s *subscription) {
	h.all[s] = struct{}{}
	for id := range s.filter.wallets {
		if h.wallets[id] == nil {
			h.wallets[id] = map[*subscription]struct{}{}
		}
		h.wallets[id][s] = struct{}{}
	}
	if s.wants(kindLag) {
		h.lagging++
	}
	h.metrics.open.Inc()
}

func (h *Hub) leave(s *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, s)
	for id := range s.filter.wallets {
		delete(h.wallets[id], s)
		if len(h.wallets[id]) == 0 {
			delete(h.wallets, id)
		}
	}
	if s.wants(kindLag) {
		h.lagging--
	}
	h.places--
	h.metrics.open.Dec()
}

// send queues updates, which are in order, for everybody who wants them, and lets those go who do not keep up.
func (h *Hub) send(updates ...*update) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range updates {
		to := h.all
		if u.kind != kindLag {
			to = h.wallets[u.wallet]
		}
		for s := range to {
			if !s.offer(u, h.o.MaxQueue) && s.end(true) {
				h.metrics.slow.Inc()
			}
		}
	}
}

// slots is into how many parts the keep-alive divides the connections, so that not all are woken at once.
const slots = 16

func (h *Hub) keepAlive(ctx context.Context) {
	tick := time.NewTicker(max(h.o.KeepAlive/slots, time.Millisecond))
	defer tick.Stop()
	for turn := 0; ; turn = (turn + 1) % slots {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h.mu.Lock()
		for s := range h.all {
			if s.slot == turn {
				s.keepAlive()
			}
		}
		h.mu.Unlock()
	}
}

type metrics struct {
	open prometheus.Gauge
	slow prometheus.Counter
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "massrouter_stream_connections", Help: "Live connections that are open."}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "massrouter_stream_slow_total", Help: "Live connections that were ended because their client did not keep up.",
		}),
	}
	if registry == nil {
		return m, nil
	}
	if err := errors.Join(registry.Register(m.open), registry.Register(m.slow)); err != nil {
		return nil, fmt.Errorf("register metrics of live connections: %w", err)
	}
	return m, nil
}
