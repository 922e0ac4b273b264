// Package runner feeds projections from the log: it follows for ever, runs to the end, and makes new builds beside the
// live ones. Each batch's rows change in one transaction with the build's checkpoint, so each event has its effect exactly
// once.
package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
)

// Projection turns events into the rows of one read model.
type Projection interface {
	// Name, with Version, keys the checkpoint and the ownership. A change of either is a new projection, built from
	// position 0; neither is reused for other tables or another meaning.
	Name() string
	// Version is 1 or more.
	Version() int
	// Tables are the names of all tables that it writes and reads, in schema views. Nothing else writes them. Partitions need no
	// mention. No triggers, foreign keys, clocks or random values: a table's content follows from the log alone.
	Tables() []string
	// Project folds consecutive events, in order, into statements. It is called from one goroutine at a time, must not
	// keep or change the events, which other projections share, and ignores those that are not its own. It may not
	// rely on being called for an event once only: a batch whose transaction failed is given again, maybe cut elsewhere.
	// What it keeps in memory between calls is wrong when several builds are under way at the same time: see Carrier.
	// Statements name tables as views.table: for another build than the live one the schema's name is replaced.
	Project(events []Event, w *Writes) error
}

// Carrier is a projection whose next rows follow from what the rows so far come to, a running balance for example.
type Carrier interface {
	Projection
	// Carry reads that from a build's tables. Project gets it as Writes.Carried and brings it up to date: it is read when
	// the build is taken up, and again after a batch that was not written or a switch: a batch is written only to the build
	// that it was read from.
	Carry(ctx context.Context, query Querier) (any, error)
}

// Querier asks one build: its statements name tables as views.table.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Event is one decoded event of the log.
type Event struct {
	Position   int64
	RecordedAt time.Time
	StreamID   domain.StreamID
	Actor      string // who caused it
	Data       domain.Event
}

// Entity is the identity in the stream id, for streams that are keyed by a UUID.
func (e *Event) Entity() (uuid.UUID, error) {
	id, err := uuid.Parse(e.StreamID.Identity())
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("stream %q at position %d is not keyed by a UUID: %w", e.StreamID, e.Position, err)
	}
	return id, nil
}
