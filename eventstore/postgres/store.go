// Package postgres keeps the log in PostgreSQL. One row per shard, locked first by each append, makes commits serial,
// so positions are dense by construction; see ../../migrations/0001_ledger.up.sql for the tables.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/eventstore"
)

// Options of a Store. Zero values take the defaults named here.
type Options struct {
	Shard          int16
	PartitionWidth int64         // positions in one partition; 10,000,000. The same for the whole life of a log
	Poll           time.Duration // how long Wait relies on notifications at most; 250 ms
	// Clock turns the database's clock into the log's; tests turn it back with it. The log never goes back.
	Clock func(database time.Time) time.Time
}

// Store is one shard's log.
type Store struct {
	pool      *pgxpool.Pool
	o         Options
	signal    *signal
	line      *line
	versions  versions
	partition atomic.Int64 // positions up to this one have a partition
	seen      atomic.Int64 // the head as this store saw it last
	clock     atomic.Pointer[sighting]
}

var _ eventstore.Store = (*Store)(nil)

// Open makes a store on a migrated database. Close stops its listener; the pool stays the caller's.
func Open(_ context.Context, pool *pgxpool.Pool, o Options) (*Store, error) {
	if o.PartitionWidth == 0 {
		o.PartitionWidth = 10_000_000
	}
	if o.Poll == 0 {
		o.Poll = 250 * time.Millisecond
	}
	if o.Clock == nil {
		o.Clock = func(t time.Time) time.Time { return t }
	}
	if o.PartitionWidth < 1 || o.Shard < 0 {
		return nil, fmt.Errorf("partition width and shard are not negative")
	}
	return &Store{pool: pool, o: o, signal: newSignal(pool, o.Poll), line: &line{pool: pool}}, nil
}

// Close stops the listener.
func (s *Store) Close() { s.signal.close() }

const eventColumns = `e.shard, e.position, e.stream_id, e.stream_version, e.event_id, e.type, e.schema_version, e.recorded_at,
	e.effective_at, e.actor, e.correlation_id, e.causation_id, e.command_id, e.salt, e.body, e.leaf_hash`

const readSQL = `SELECT ` + eventColumns + ` FROM ledger.events e WHERE e.shard = $1 AND e.position > $2 ORDER BY e.position LIMIT $3`

// Head is the committed end of the log.
func (s *Store) Head(ctx context.Context) (eventstore.Head, error) {
	var h eventstore.Head
	err := s.pool.QueryRow(ctx, `SELECT position, event_id, recorded_at FROM ledger.log_heads WHERE shard = $1`, s.o.Shard).
		Scan(&h.Position, &h.EventID, &h.RecordedAt)
	if err != nil {
		return eventstore.Head{}, classify(fmt.Errorf("read the head: %w", err))
	}
	h.RecordedAt = h.RecordedAt.UTC()
	return h, nil
}

// Read returns at most limit events after a position.
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	rows, err := s.pool.Query(ctx, readSQL, s.o.Shard, after, limit)
	if err != nil {
		return nil, classify(fmt.Errorf("read events: %w", err))
	}
	events, err := scanEvents(rows)
	if err != nil {
		return nil, classify(fmt.Errorf("read events: %w", err))
	}
	s.versions.follow(events)
	return events, nil
}

// Wait returns when there may be events after the position.
func (s *Store) Wait(ctx context.Context, after int64) error { return s.signal.wait(ctx, after) }

// At maps a time to the last position recorded at or before it, by bisection: recorded_at rises with the position.
func (s *Store) At(ctx context.Context, t time.Time) (int64, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return 0, err
	}
	low, high := int64(0), head.Position // the answer is in [low, high]
	for low < high {
		middle := low + (high-low+1)/2
		var at time.Time
		err := s.pool.QueryRow(ctx, `SELECT recorded_at FROM ledger.events WHERE shard = $1 AND position = $2`, s.o.Shard, middle).Scan(&at)
		if err != nil {
			return 0, classify(fmt.Errorf("look for the position at a time: %w", err))
		}
		if at.After(t) {
			high = middle - 1
		} else {
			low = middle
		}
	}
	return low, nil
}

func scanEvents(rows pgx.Rows) ([]eventstore.Event, error) {
	defer rows.Close()
	var events []eventstore.Event
	for rows.Next() {
		var e eventstore.Event
		var salt, leaf []byte
		if err := rows.Scan(&e.Shard, &e.Position, (*string)(&e.StreamID), &e.StreamVersion, &e.EventID, &e.Type, &e.SchemaVersion,
			&e.RecordedAt, &e.EffectiveAt, &e.Actor, &e.CorrelationID, &e.CausationID, &e.CommandID, &salt, &e.Body, &leaf); err != nil {
			return nil, err
		}
		e.RecordedAt, e.EffectiveAt = e.RecordedAt.UTC(), e.EffectiveAt.UTC()
		copy(e.Salt[:], salt)
		copy(e.LeafHash[:], leaf)
		events = append(events, e)
	}
	return events, rows.Err()
}

// classify marks errors that mean that the server is away, so that callers can tell them from refusals.
func classify(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		switch pgErr.Code[:2] {
		case "57", "08", "53": // operator intervention (shutdown, crash), connection exception, insufficient resources
			return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
		}
		if pgErr.Code == "25P03" { // idle in transaction for too long: rolled back
			return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
		}
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	var scan pgx.ScanArgError
	if errors.As(err, &scan) {
		return err
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}
