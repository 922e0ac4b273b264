// Package relay publishes the committed events of a log to a message bus, in the order of their positions. It keeps its
// own checkpoint in PostgreSQL, which moves only when the bus has what was published: every event is published at least
// once and none is skipped, whatever is killed when. What is published again comes after its first time and never before,
// so the first time that a reader sees each event is in order.
//
// A bus that is slow or dead holds up nobody: the relay reads the log beside those who append to it, waits, and goes on
// where it was. Package bus has the message buses.
package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/eventstore"
)

// Bus takes events.
type Bus interface {
	// Publish returns nil when the bus keeps all of the events, in their order, as safely as it keeps anything. After an
	// error each stream may have some of its events there, never one without those before it. It ends with ctx.
	Publish(ctx context.Context, events []eventstore.Event) error
}

// Options tune a Relay. The zero value means the defaults, but for Name.
type Options struct {
	// Name is that of the checkpoint: another bus needs another one.
	Name string
	// Batch is the most events published at once. 0 means 500.
	Batch int
	// Takeover is how often a process that does not own the relay tries to, and how often an owner without anything to do
	// looks after its lock. 0 means 1 s.
	Takeover time.Duration
	// Backoff is the first wait after a failure; it doubles up to MaxBackoff. 0 means 100 ms and 5 s.
	Backoff, MaxBackoff time.Duration
	// Timeout is how long the bus may take for a batch. 0 means 30 s, negative as long as it takes.
	Timeout time.Duration
	// OnError, when given, is told why the relay stopped, each time before it tries again.
	OnError func(error)
	// OnPublished, when given, is told of each batch once it is recorded.
	OnPublished func(events int, took time.Duration)
}

func (o Options) withDefaults() Options {
	if o.Batch <= 0 {
		o.Batch = 500
	}
	if o.Takeover <= 0 {
		o.Takeover = time.Second
	}
	if o.Backoff <= 0 {
		o.Backoff = 100 * time.Millisecond
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = 5 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.OnPublished == nil {
		o.OnPublished = func(int, time.Duration) {}
	}
	return o
}

// Relay publishes. Any number of processes may run the same one: it has one owner at a time, by an advisory lock on the
// session that also writes its checkpoint.
type Relay struct {
	store   eventstore.Reader
	pool    *pgxpool.Pool
	bus     Bus
	options Options

	mu    sync.Mutex
	state State
}

// State is what the relay of this process is doing.
type State struct {
	Owner        bool      // this process publishes
	Position     int64     // where the checkpoint was when this process saw it last
	Error        string    // why it does not get on; for operators
	FailingSince time.Time // zero when it gets on
}

// New makes a relay. Running takes one connection out of the pool.
func New(store eventstore.Reader, pool *pgxpool.Pool, bus Bus, o Options) (*Relay, error) {
	if o.Name == "" || len(o.Name) > maxName {
		return nil, fmt.Errorf("a relay needs a name of at most %d bytes", maxName)
	}
	return &Relay{store: store, pool: pool, bus: bus, options: o.withDefaults()}, nil
}

const maxName = 200

// State says what the relay of this process is doing. Safe for concurrent use.
func (r *Relay) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (r *Relay) note(change func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.state)
}

// Run publishes until the context ends, and then returns nil. After a failure it gives the relay up, so that a process
// that can reach the bus may take it, and tries again.
func (r *Relay) Run(ctx context.Context) error {
	wait := r.options.Backoff
	for ctx.Err() == nil {
		moved, err := r.own(ctx)
		r.note(func(s *State) { s.Owner = false })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was asked to end
		}
		if moved {
			wait = r.options.Backoff
		}
		rest := r.options.Takeover
		switch {
		case errors.Is(err, errOwned):
			r.note(func(s *State) { s.Error, s.FailingSince = "", time.Time{} })
		case !errors.Is(err, errMoved):
			r.failed(err)
			rest, wait = wait, min(2*wait, r.options.MaxBackoff)
		}
		_ = pause(ctx, rest) // the loop asks the context
	}
	return nil
}

func (r *Relay) failed(err error) {
	r.note(func(s *State) {
		s.Error = err.Error()
		if s.FailingSince.IsZero() {
			s.FailingSince = time.Now()
		}
	})
	r.options.OnError(err)
}

// own publishes as long as this process has the lock and nothing fails. moved says whether it got anywhere.
func (r *Relay) own(ctx context.Context) (moved bool, err error) {
	s, err := lock(ctx, r.pool, r.options.Name)
	if err != nil {
		return false, err
	}
	defer s.close(ctx)
	position, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	r.note(func(s *State) { s.Owner, s.Position = true, position })
	for {
		next, err := r.step(ctx, s, position)
		if err == nil && next == position { // does the session live, and is all as it was?
			next, err = s.begin(ctx)
		}
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, errMoved) {
				s.fail(ctx, err)
			}
			return moved, err
		}
		moved = moved || next != position
		position = next
	}
}

// step publishes the next events and moves the checkpoint. When none come for a while the position stays.
func (r *Relay) step(ctx context.Context, s *session, position int64) (int64, error) {
	events, err := eventstore.ReadDense(ctx, r.store, position, r.options.Batch)
	if err != nil {
		return 0, fmt.Errorf("read the log after %d: %w", position, err)
	}
	if len(events) == 0 {
		return position, r.rest(ctx, position)
	}
	began := time.Now()
	last := events[len(events)-1].Position
	if err := r.publish(ctx, events); err != nil {
		return 0, fmt.Errorf("publish positions %d to %d: %w", position+1, last, err)
	}
	if err := s.advance(ctx, position, last); err != nil {
		return 0, err
	}
	r.note(func(s *State) { s.Position, s.Error, s.FailingSince = last, "", time.Time{} })
	r.options.OnPublished(len(events), time.Since(began))
	return last, nil
}

func (r *Relay) publish(ctx context.Context, events []eventstore.Event) error {
	if r.options.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, r.options.Timeout)
		defer stop()
	}
	return r.bus.Publish(ctx, events)
}

// rest waits for new events, not longer than a lock may go without being looked after.
func (r *Relay) rest(ctx context.Context, position int64) error {
	waiting, stop := context.WithTimeout(ctx, r.options.Takeover)
	defer stop()
	if err := r.store.Wait(waiting, position); err != nil && waiting.Err() == nil {
		return fmt.Errorf("wait for events after %d: %w", position, err)
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
