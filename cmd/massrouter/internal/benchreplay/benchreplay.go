// Package benchreplay measures how fast all read models are built from a generated history, and how fast it is audited.
package benchreplay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/history"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

// Options of a run.
type Options struct {
	Database string // URL of an empty, migrated scratch database
	Events   int64
	Wallets  int
	Span     time.Duration // of the history
	Batch    int           // events of one transaction; 0: the runner's own
	Progress func(format string, args ...any)
}

// Report is the result. Memory is the largest resident size of this process in each half of the replay, after the history was
// made: it does not grow with history when the second is no larger.
type Report struct {
	Events          int64        `json:"events"`
	EventsPerSecond float64      `json:"events_per_s"`
	Seconds         float64      `json:"seconds"`
	MemoryHalves    [2]float64   `json:"memory_halves_mb"`
	Projections     []Projection `json:"projections"`
	Audit           Audit        `json:"audit"`
	Wallets         int          `json:"wallets"`
	SpanHours       float64      `json:"span_hours"`
}

// Projection is one read model, built alone.
type Projection struct {
	Name            string  `json:"name"`
	EventsPerSecond float64 `json:"events_per_s"`
}

// Audit is the audit of the whole database after the replay.
type Audit struct {
	OK              bool    `json:"ok"`
	EventsPerSecond float64 `json:"events_per_s"`
}

// Run measures. It leaves its rows in the scratch database, which the caller drops.
func Run(ctx context.Context, o Options) (Report, error) {
	pool, err := database.Open(ctx, o.Database, auditdb.Connections+len(projections.All()))
	if err != nil {
		return Report{}, err
	}
	defer pool.Close()
	// A wallet begins with three events: opened, topped up, its key.
	calls := max((o.Events-3*int64(o.Wallets))/2, 1)
	if _, err := history.Generate(ctx, pool, history.Options{Calls: calls, Wallets: o.Wallets, Span: o.Span, Progress: o.Progress}); err != nil {
		return Report{}, err
	}
	// As a server that has run for a while: the history is no longer dirty in memory, and the planner knows its size.
	if _, err := pool.Exec(ctx, `CHECKPOINT`); err != nil {
		return Report{}, fmt.Errorf("flush the history: %w", err)
	}
	r := Report{Wallets: o.Wallets, SpanHours: o.Span.Hours()}
	if err := r.replay(ctx, pool, o); err != nil {
		return Report{}, err
	}
	return r, r.audit(ctx, pool, o)
}

func (r *Report) replay(ctx context.Context, pool *pgxpool.Pool, o Options) error {
	store, err := postgres.Open(ctx, pool, postgres.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	head, err := store.Head(ctx)
	if err != nil {
		return err
	}
	r.Events = head.Position
	registry, err := commands.Registry()
	if err != nil {
		return err
	}
	build := func(list []runner.Projection) (time.Duration, error) {
		for _, p := range list {
			if err := forget(ctx, pool, p); err != nil {
				return 0, err
			}
		}
		started := time.Now()
		err := runner.New(store, pool, registry, list, runner.Options{BatchSize: o.Batch}).ToEnd(ctx)
		return time.Since(started), err
	}
	for _, p := range projections.All() {
		o.Progress("replaying %s alone", p.Name())
		took, err := build([]runner.Projection{p})
		if err != nil {
			return err
		}
		r.Projections = append(r.Projections, Projection{p.Name(), float64(r.Events) / took.Seconds()})
	}
	o.Progress("replaying all together")
	watched, stop := context.WithCancel(ctx)
	memory := make(chan [2]float64)
	go func() { memory <- halves(watched, pool, r.Events/2) }()
	took, err := build(projections.All())
	stop()
	r.MemoryHalves = <-memory
	r.Seconds, r.EventsPerSecond = took.Seconds(), float64(r.Events)/took.Seconds()
	return err
}

// forget empties a read model.
func forget(ctx context.Context, pool *pgxpool.Pool, p runner.Projection) error {
	if _, err := pool.Exec(ctx, `DELETE FROM views.checkpoints WHERE name = $1`, p.Name()); err != nil {
		return fmt.Errorf("forget %s: %w", p.Name(), err)
	}
	for _, table := range p.Tables() {
		if _, err := pool.Exec(ctx, `TRUNCATE `+table); err != nil {
			return fmt.Errorf("forget %s: %w", p.Name(), err)
		}
	}
	return nil
}

func (r *Report) audit(ctx context.Context, pool *pgxpool.Pool, o Options) error {
	o.Progress("auditing")
	registry, err := commands.Registry()
	if err != nil {
		return err
	}
	result, err := auditdb.Verify(ctx, pool, auditdb.Options{Registry: registry, Keep: 10})
	if err != nil {
		return err
	}
	r.Audit = Audit{result.OK, float64(r.Events) / result.Took.Seconds()}
	return nil
}
