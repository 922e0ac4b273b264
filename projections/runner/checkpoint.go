package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// checkpointRow is where a build stands.
type checkpointRow struct {
	found               bool
	position, rebuildTo int64
	recordedAt          time.Time // of the event at position
	build, revision     int
}

// rowQuerier is a transaction, a connection or a pool.
type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readCheckpoint(ctx context.Context, q rowQuerier, p Projection, s Slot) (checkpointRow, error) {
	return scanCheckpoint(ctx, q, p, s, ``)
}

func scanCheckpoint(ctx context.Context, q rowQuerier, p Projection, s Slot, lock string) (c checkpointRow, err error) {
	sql := s.sql(`SELECT position, recorded_at, rebuild_to, build, revision FROM views.checkpoints WHERE name = $1 AND version = $2`) + lock
	err = q.QueryRow(ctx, sql, p.Name(), p.Version()).Scan(&c.position, &c.recordedAt, &c.rebuildTo, &c.build, &c.revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return checkpointRow{}, nil
	}
	if err != nil {
		return checkpointRow{}, fmt.Errorf("read the checkpoint of the %s build of %s: %w", s, p.Name(), err)
	}
	c.found = true
	return c, nil
}

// The states of builds. A live build that is not yet as far as a version before it is building: queries are refused.
const (
	StateNew      = "new"
	StateLive     = "live"
	StateBuilding = "building"
	StateKept     = "kept"
	StateFailed   = "failed"
)

// Status is where a build of a projection stands.
type Status struct {
	Name          string
	Version       int
	Slot          Slot
	Build         int // counts the builds of this version
	Revision      int // of the code that began it
	Position      int64
	RecordedAt    time.Time // of the event at Position
	Lag           int64     // events between Position and the end of the log
	RebuildTo     int64     // of a live build: queries are refused below; of another: where it stops
	Rows          int64     // in all its tables
	RowsEstimated bool      // Rows is what the planner believes
	State         string
	Error         string // why it failed last; for operators
	UpdatedAt     time.Time
}

// Status says where all builds of the runner's projections stand, in its order: the live one first, then the one that is being
// made, then the one that is kept.
func (r *Runner) Status(ctx context.Context) ([]Status, error) {
	var out []Status
	for _, p := range r.projections {
		for _, slot := range []Slot{Live, Building, Kept} {
			s, found, err := r.statusOf(ctx, p, slot)
			if err != nil {
				return nil, err
			}
			if found || slot == Live {
				out = append(out, s)
			}
		}
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

func (r *Runner) statusOf(ctx context.Context, p Projection, slot Slot) (s Status, found bool, err error) {
	s = Status{Name: p.Name(), Version: p.Version(), Slot: slot, State: StateNew}
	var stored string
	err = r.pool.QueryRow(ctx, slot.sql(`SELECT build, revision, position, recorded_at, rebuild_to, state, error, updated_at
		FROM views.checkpoints WHERE name = $1 AND version = $2`), s.Name, s.Version).
		Scan(&s.Build, &s.Revision, &s.Position, &s.RecordedAt, &s.RebuildTo, &stored, &s.Error, &s.UpdatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("read the checkpoint of %s: %w", s.Name, err)
	}
	s.State = stateOf(slot, stored, s.Position < s.RebuildTo)
	s.Rows, s.RowsEstimated, err = r.countRows(ctx, p, slot)
	return s, true, err
}

func stateOf(slot Slot, stored string, behind bool) string {
	switch {
	case stored == StateFailed:
		return StateFailed
	case slot == Kept:
		return StateKept
	case slot == Building || behind:
		return StateBuilding
	}
	return StateLive
}

const (
	countedRows = 20_000 // of one table; above, an estimate has to do
	estimate    = `SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_partition_tree(to_regclass($1)) t JOIN pg_class c ON c.oid = t.relid WHERE t.isleaf`
)

func (r *Runner) countRows(ctx context.Context, p Projection, slot Slot) (rows int64, estimated bool, err error) {
	names, err := baseNames(p)
	if err != nil {
		return 0, false, err
	}
	for _, name := range names {
		var n, guess int64
		counted := `SELECT count(*) FROM (SELECT FROM ` + slot.name(name) + ` LIMIT $1) AS counted`
		if err = r.pool.QueryRow(ctx, counted, countedRows+1).Scan(&n); err == nil && n > countedRows {
			estimated = true
			err = r.pool.QueryRow(ctx, estimate, slot.name(name)).Scan(&guess)
		}
		if err != nil {
			return 0, false, fmt.Errorf("count the rows of %s: %w", slot.name(name), err)
		}
		rows += max(n, guess)
	}
	return rows, estimated, nil
}
