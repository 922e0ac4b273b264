// Package executor runs the commands of one process against one shard of the log: it groups what has arrived while the
// previous commit was under way, decides each command in arrival order against cached aggregates under the head's lock,
// and writes all of it in one commit. Safety is the lock and what the store compares; the cache is only speed.
package executor

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Kind tells how the aggregates of one stream kind are made and how often they are snapshotted.
type Kind struct {
	New           func() domain.Aggregate
	SnapshotEvery int64 // events between snapshots; 0 means none. The state must survive JSON.
	Schema        int16 // of the snapshot's encoding; a new one comes with a migration that empties the snapshots
}

// Options of an Executor. Zero values take the defaults named here.
type Options struct {
	Kinds     map[string]Kind
	Registry  *domain.Registry
	Queue     int                                                     // commands waiting at most; 8192
	Batch     int                                                     // commands in one commit at most; 1024
	Second    int                                                     // commands that make a second commit under way worth its fixed cost; 48
	Cache     int                                                     // aggregates kept at least; 50,000
	Timeout   time.Duration                                           // for one commit with all it needs, and for finishing after a stop; 15 s
	Tail      int                                                     // events of other processes that are folded rather than dropping the cache; 20,000
	OnBatch   func(commands, events int, took time.Duration)          // after each commit, one at a time
	OnCommand func(name string, code domain.Code, took time.Duration) // after each answer, many at a time; code is "" for success
	Logger    zerolog.Logger
}

func (o *Options) setDefaults() {
	if o.Queue == 0 {
		o.Queue = 8192
	}
	if o.Batch == 0 {
		o.Batch = 1024
	}
	if o.Second == 0 {
		o.Second = 48
	}
	if o.Cache == 0 {
		o.Cache = 50_000
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Tail == 0 {
		o.Tail = 20_000
	}
	if o.OnBatch == nil {
		o.OnBatch = func(int, int, time.Duration) {}
	}
	if o.OnCommand == nil {
		o.OnCommand = func(string, domain.Code, time.Duration) {}
	}
}

// Request is one command as the executor sees it.
type Request struct {
	ID            uuid.UUID
	Name          string
	InputHash     [32]byte
	Actor         string
	CorrelationID uuid.UUID
	CausationID   uuid.UUID
	Streams       []domain.StreamID // every aggregate that Decide reads or writes
	// Decide looks at the aggregates and appends events, or refuses with a *domain.Error before it has appended any.
	// It must be a pure function of the Decision: it runs again when the commit has to be repeated.
	Decide func(*Decision) (any, error)
	// Forgets says of a refusal's code that it leaves no idempotency row; nil is none. It means that this call had no
	// effect, not that none before it had: whoever asks again with the same id is decided on anew, and may be refused
	// although the first answer, which got lost, was a success.
	Forgets func(domain.Code) bool
	// Note makes the entry of the audit trail for the events that Decide appended, the last of which has the position; nil makes none. It is
	// committed with them. A refusal has none.
	Note func(events []eventstore.Event, position int64) (eventstore.Note, error)

	arrived time.Time
	done    chan Result
}

// Result is a command's outcome.
type Result struct {
	Value      any    // what Decide returned; nil when the outcome was read back
	Stored     []byte // the outcome's JSON when it was read back
	Position   int64
	RecordedAt time.Time
	Replayed   bool
	Err        error // a *domain.Error
}

// Executor is one process's writer for one shard.
type Executor struct {
	o     Options
	store eventstore.Appender
	queue chan *Request
	cache *cache
	last  eventstore.Head // up to which the cache is current
	quiet int             // turns or appends in a row before which nobody else had appended
	turn  turn

	mu      sync.RWMutex
	stopped bool

	reporting sync.Mutex
}

// New makes an executor; Run makes it work.
func New(store eventstore.Appender, o Options) *Executor {
	o.setDefaults()
	return &Executor{o: o, store: store, queue: make(chan *Request, o.Queue), cache: newCache(o.Cache)}
}

// report tells of a commit. Two may land at once.
func (e *Executor) report(b *building, took time.Duration) {
	e.reporting.Lock()
	defer e.reporting.Unlock()
	e.o.OnBatch(len(b.answers), len(b.out.Events), took)
}

// Do hands a command over and waits for its outcome. When the queue is full it answers overloaded at once. When ctx
// ends first the outcome is unknown to the caller: the same id and input will tell.
func (e *Executor) Do(ctx context.Context, r *Request) Result {
	r.arrived, r.done = time.Now(), make(chan Result, 1)
	if err := e.enqueue(r); err != nil {
		e.o.OnCommand(r.Name, err.Code, 0)
		return Result{Err: err}
	}
	select {
	case res := <-r.done:
		e.o.OnCommand(r.Name, domain.CodeOf(res.Err), time.Since(r.arrived))
		return res
	case <-ctx.Done():
		return Result{Err: domain.Errorf(domain.CodeUnavailable, "the wait for the ledger's answer was given up").Wrap(ctx.Err())}
	}
}

func (e *Executor) enqueue(r *Request) *domain.Error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.stopped {
		return domain.Errorf(domain.CodeUnavailable, "the ledger is shutting down")
	}
	select {
	case e.queue <- r:
		return nil
	default:
		return domain.Errorf(domain.CodeOverloaded, "too many commands are waiting")
	}
}

// Run works until ctx ends, then finishes what was accepted, in the Timeout at most, and returns.
func (e *Executor) Run(ctx context.Context) error {
	work, cancel := outlive(ctx, e.o.Timeout)
	defer cancel()
	p := &pipeline{e: e, runway: make(chan *flight, mostFlights)}
	defer close(p.runway)
	defer e.endTurn()
	go p.pilot(work)
	stop := ctx.Done()
	for {
		p.launch(work)
		if p.idle() && (e.turn.over() || len(e.queue) == 0) {
			e.endTurn()
		}
		queue := e.queue
		if p.busy() || e.turn.over() {
			queue = nil
		}
		if stop == nil && p.idle() && len(e.queue) == 0 {
			return nil
		}
		select {
		case err := <-p.landing():
			p.land(work, err)
			continue
		default:
		}
		select {
		case r := <-queue:
			p.take(work, r)
		case err := <-p.landing():
			p.land(work, err)
		case <-stop:
			stop = nil
			e.close()
		}
	}
}

// outlive is ctx, but it ends that much later.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return longer, cancel
}

// close refuses what comes from now on.
func (e *Executor) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
}

// collect takes what is waiting now, without lingering for more.
func (e *Executor) collect(first *Request, most int) []*Request {
	batch := append(make([]*Request, 0, min(len(e.queue)+1, most)), first)
	for len(batch) < most {
		select {
		case r := <-e.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}
