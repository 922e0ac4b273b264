// Package live reads what changes in wallets while it changes: the events of the log as far as the read models are, and what
// somebody who was away has missed. It keeps nothing; see http/stream for who delivers it.
package live

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/runner"
)

// Model is a live read model.
type Model struct {
	Name     string
	Version  int
	Position int64
}

// State is how far the read models are.
type State struct {
	// Reached is the position that balance, statement and generations have reached: who asks them after being told of an event up to
	// there sees it.
	Reached int64
	Head    int64 // the end of the log, never before any model
	Models  []Model
}

// Source is where live updates come from. Safe for concurrent use.
type Source struct {
	pool     *pgxpool.Pool
	log      eventstore.Reader
	registry *domain.Registry
	shown    map[modelKey]bool
	balances *checkpoint.View
	entries  *checkpoint.View
}

type modelKey struct {
	name    string
	version int
}

// New makes a source over the log and the read models; State shows the given projections.
func New(pool *pgxpool.Pool, log eventstore.Reader, registry *domain.Registry, shown []runner.Projection, options ...checkpoint.Option) *Source {
	s := &Source{
		pool: pool, log: log, registry: registry, shown: map[modelKey]bool{},
		balances: checkpoint.NewView(pool, balance.Name, balance.Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...),
		entries:  checkpoint.NewView(pool, journal.Name, journal.Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...),
	}
	for _, p := range shown {
		s.shown[modelKey{p.Name(), p.Version()}] = true
	}
	return s
}

const never = int64(1<<63 - 1) // a position that no log reaches

// State says how far everything is. Errors: ledger_unavailable, also while a model that answers for wallets is built.
func (s *Source) State(ctx context.Context) (State, error) {
	gate := map[modelKey]bool{
		{balance.Name, balance.Version}: true, {journal.Name, journal.Version}: true, {generations.Name, generations.Version}: true,
	}
	rows, err := s.pool.Query(ctx, `SELECT name, version, position, position < rebuild_to FROM views.checkpoints ORDER BY name, version`)
	if err != nil {
		return State{}, away(ctx, err)
	}
	type row struct {
		Model
		building bool
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (m row, err error) {
		return m, r.Scan(&m.Name, &m.Version, &m.Position, &m.building)
	})
	if err != nil {
		return State{}, away(ctx, err)
	}
	state := State{Reached: never}
	for _, m := range all {
		key := modelKey{m.Name, m.Version}
		if s.shown[key] {
			state.Models = append(state.Models, m.Model)
		}
		if gate[key] && !m.building {
			delete(gate, key)
			state.Reached = min(state.Reached, m.Position)
		}
	}
	if len(gate) > 0 {
		return State{}, domain.Errorf(domain.CodeUnavailable, "the read models have not been built yet")
	}
	head, err := s.log.Head(ctx) // after the checkpoints, so that no lag is negative
	if err != nil {
		return State{}, away(ctx, err)
	}
	state.Head = head.Position
	return state, nil
}

// Wait returns when the log may have events after a position.
func (s *Source) Wait(ctx context.Context, after int64) error {
	if err := s.log.Wait(ctx, after); err != nil {
		return away(ctx, err)
	}
	return nil
}

// away keeps a store that does not answer now apart from the end of the caller's context.
func away(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, eventstore.ErrGap) {
		return fmt.Errorf("read live updates: %w", err)
	}
	return domain.Errorf(domain.CodeUnavailable, "live updates cannot be read now").Wrap(err)
}
