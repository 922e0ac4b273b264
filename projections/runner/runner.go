package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

const (
	keptBlocks = 4 // beside those of one batch
	patience   = 5 * time.Second
	// lookAgain is how often ToEnd looks at a projection that another process owns.
	lookAgain = 20 * time.Millisecond
	never     = int64(1<<63 - 1) // a position that is never reached
)

// Options tune a Runner. The zero value means the defaults.
type Options struct {
	// BatchSize is the most events of one transaction: 1 to 100,000; 0 means 10,000. So many come together only when a projection is
	// behind. Up to three times as many are in memory.
	BatchSize int
	// Gap is the least time between two batches at the end of the log: an idle log is followed at once, a busy one in batches.
	// At thousands of events a second it grows to five times that. 0 means 20 ms, negative none.
	Gap time.Duration
	// Takeover is how often a process that does not own a projection tries to. 0 means 1 s.
	Takeover time.Duration
	// Backoff is the first wait after a projection has failed; it doubles up to a minute. 0 means 1 s.
	Backoff time.Duration
	// Signal, when given, is told every committed position.
	Signal *checkpoint.Signal
	// OnError, when given, is told why a projection stopped, each time before it is tried again. Called concurrently.
	OnError func(projection string, err error)
}

func (o Options) withDefaults() Options {
	if o.BatchSize <= 0 {
		o.BatchSize = 10_000
	}
	o.BatchSize = min(o.BatchSize, 100_000)
	if o.Gap == 0 {
		o.Gap = 20 * time.Millisecond
	}
	if o.Takeover <= 0 {
		o.Takeover = time.Second
	}
	if o.Backoff <= 0 {
		o.Backoff = time.Second
	}
	if o.Signal == nil {
		o.Signal = &checkpoint.Signal{}
	}
	if o.OnError == nil {
		o.OnError = func(string, error) {}
	}
	return o
}

// Runner runs a list of projections. Any number of processes may run the same ones: each projection has one owner at a
// time, by an advisory lock on the session that also writes its rows.
type Runner struct {
	store       eventstore.Reader
	pool        *pgxpool.Pool
	projections []Projection
	options     Options
	feed        *feed
}

// New makes a runner. Every projection that runs takes one connection out of the pool.
func New(store eventstore.Reader, pool *pgxpool.Pool, registry *domain.Registry, projections []Projection, o Options) *Runner {
	o = o.withDefaults()
	return &Runner{store: store, pool: pool, projections: projections, options: o, feed: newFeed(store, registry, o)}
}

// Run follows the log with all projections until the context ends, and then returns nil. A projection that fails stops
// alone, with its error in its checkpoint, and is tried again later from there; while the database is away, all wait. Builds
// that were begun beside the live ones go on as far as they are to.
func (r *Runner) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, p := range r.projections {
		all.Go(func() { r.follow(ctx, p) })
	}
	all.Go(func() { r.followBuilds(ctx) })
	all.Wait()
	return nil
}

func (r *Runner) follow(ctx context.Context, p Projection) {
	retry := backoff{first: r.options.Backoff}
	for ctx.Err() == nil {
		moved, err := r.work(ctx, p, Live, never)
		if ctx.Err() != nil {
			return
		}
		wait := r.options.Takeover
		if !errors.Is(err, errOwned) {
			r.options.OnError(p.Name(), err)
			wait = retry.next(moved, transient(err))
		}
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// ToEnd returns when the named projections (all, when none is named) have reached the end that the log has now. Those that
// another process owns are waited for. The errors of all that failed are joined.
func (r *Runner) ToEnd(ctx context.Context, names ...string) error {
	chosen, err := r.choose(names)
	if err != nil {
		return err
	}
	head, err := r.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the log: %w", err)
	}
	var all sync.WaitGroup
	failed := make([]error, len(chosen))
	for i, p := range chosen {
		all.Go(func() { failed[i] = r.runTo(ctx, p, Live, head.Position) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// runTo returns when a build has reached a position; whoever owns it does the work.
func (r *Runner) runTo(ctx context.Context, p Projection, s Slot, target int64) error {
	for {
		_, err := r.work(ctx, p, s, target)
		if errors.Is(err, errOwned) {
			err = pause(ctx, lookAgain)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("run %s to position %d: %w", p.Name(), target, err)
		}
		return nil
	}
}

func (r *Runner) choose(names []string) ([]Projection, error) {
	if len(names) == 0 {
		return r.projections, nil
	}
	chosen := make([]Projection, 0, len(names))
	for _, name := range names {
		found := false
		for _, p := range r.projections {
			if p.Name() == name {
				chosen, found = append(chosen, p), true
			}
		}
		if !found {
			return nil, domain.Errorf(domain.CodeNotFound, "there is no projection %q", name)
		}
	}
	return chosen, nil
}
