package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func positionOf(ctx context.Context, pool *pgxpool.Pool, p Projection) (int64, error) {
	var position int64
	err := pool.QueryRow(ctx, `SELECT position FROM views.checkpoints WHERE name = $1 AND version = $2`, p.Name(), p.Version()).Scan(&position)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, away{fmt.Errorf("read the checkpoint: %w", err)}
	}
	return position, nil
}

// reset empties a projection's tables and sets its checkpoint back, in one transaction. Until rebuildTo is reached again
// the tables count as incomplete.
func reset(ctx context.Context, pool *pgxpool.Pool, p Projection, rebuildTo int64) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO views.checkpoints (name, version, rebuild_to, state) VALUES ($1, $2, $3, 'rebuilding')
			ON CONFLICT (name, version) DO UPDATE SET position = 0, recorded_at = 'epoch', rebuild_to = $3,
			state = 'rebuilding', error = '', updated_at = now()`, p.Name(), p.Version(), rebuildTo)
		if err != nil {
			return err
		}
		tables := make([]string, 0, len(p.Tables()))
		for _, table := range p.Tables() {
			tables = append(tables, pgx.Identifier(strings.Split(table, ".")).Sanitize())
		}
		_, err = tx.Exec(ctx, `TRUNCATE `+strings.Join(tables, ", "))
		return err
	})
}

// Status is where a projection stands.
type Status struct {
	Name       string
	Version    int
	Position   int64
	RecordedAt time.Time // of the event at Position
	Lag        int64     // events between Position and the end of the log
	RebuildTo  int64     // while Position is below, queries are refused
	State      string    // "new", "following", "rebuilding" or "failed"
	Error      string    // why it failed last; for operators
	UpdatedAt  time.Time
}

// Status says where all projections of the runner stand, in its order.
func (r *Runner) Status(ctx context.Context) ([]Status, error) {
	out := make([]Status, 0, len(r.projections))
	for _, p := range r.projections {
		s := Status{Name: p.Name(), Version: p.Version(), State: "new"}
		err := r.pool.QueryRow(ctx, `SELECT position, recorded_at, rebuild_to, state, error, updated_at
			FROM views.checkpoints WHERE name = $1 AND version = $2`, s.Name, s.Version).
			Scan(&s.Position, &s.RecordedAt, &s.RebuildTo, &s.State, &s.Error, &s.UpdatedAt)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return nil, fmt.Errorf("read the checkpoint of %s: %w", s.Name, err)
		}
		out = append(out, s)
	}
	head, err := r.store.Head(ctx) // after the checkpoints, so that no lag is negative
	if err != nil {
		return nil, fmt.Errorf("read the end of the log: %w", err)
	}
	for i := range out {
		out[i].Lag = head.Position - out[i].Position
	}
	return out, nil
}
