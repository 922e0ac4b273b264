package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

var errEnded = errors.New("the append has ended")

// tx is an append under way: an open transaction that holds the head row's lock.
type tx struct {
	s        *Store
	conn     *pgxpool.Conn // nil once the append has ended
	head     eventstore.Head
	now      time.Time
	tail     []eventstore.Event
	complete bool
}

// The clock is read after the lock was taken, so it is later than that of the append before.
const lockSQL = `SELECT position, event_id, recorded_at, clock_timestamp() FROM ledger.log_heads WHERE shard = $1 FOR UPDATE`

// Begin locks the head and reads the tail in one round trip.
func (s *Store) Begin(ctx context.Context, since int64, limit int) (eventstore.Tx, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, classify(fmt.Errorf("begin an append: %w", err))
	}
	t := &tx{s: s, conn: conn}
	if err := s.prepare(ctx, conn, s.seen.Load()); err != nil {
		t.abandon(ctx)
		return nil, classify(fmt.Errorf("begin an append: %w", err))
	}
	if err := t.lock(ctx, since, limit); err != nil {
		t.abandon(ctx)
		return nil, classify(fmt.Errorf("begin an append: %w", err))
	}
	return t, nil
}

func (t *tx) lock(ctx context.Context, since int64, limit int) error {
	batch := &pgx.Batch{}
	batch.Queue(`BEGIN`)
	// A process that hangs with the lock must not stop the others for long.
	batch.Queue(`SET LOCAL idle_in_transaction_session_timeout = '10s'`)
	batch.Queue(lockSQL, t.s.o.Shard)
	batch.Queue(readSQL, t.s.o.Shard, since, limit)
	results := t.conn.SendBatch(ctx, batch)
	for range 2 {
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	var clock time.Time
	if err := results.QueryRow().Scan(&t.head.Position, &t.head.EventID, &t.head.RecordedAt, &clock); err != nil {
		return errors.Join(err, results.Close())
	}
	rows, err := results.Query()
	if err != nil {
		return errors.Join(err, results.Close())
	}
	if t.tail, err = scanEvents(rows); err != nil {
		return errors.Join(err, results.Close())
	}
	if err := results.Close(); err != nil {
		return err
	}
	t.head.RecordedAt = t.head.RecordedAt.UTC()
	t.s.seen.Store(t.head.Position)
	t.s.see(clock)
	t.s.versions.follow(t.tail)
	t.s.versions.begin(t.head)
	t.complete = since+int64(len(t.tail)) == t.head.Position
	t.now = t.s.o.Clock(clock).UTC().Truncate(time.Microsecond)
	if t.now.Before(t.head.RecordedAt) {
		t.now = t.head.RecordedAt
	}
	return nil
}

func (t *tx) Head() eventstore.Head { return t.head }

func (t *tx) Now() time.Time { return t.now }

func (t *tx) Tail() ([]eventstore.Event, bool) { return t.tail, t.complete }

func (t *tx) Load(ctx context.Context, ids []domain.StreamID) ([]eventstore.Stream, error) {
	if t.conn == nil {
		return nil, errEnded
	}
	return t.s.load(ctx, t.conn, ids)
}

func (t *tx) Commands(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	if t.conn == nil {
		return nil, errEnded
	}
	found, err := loadCommands(ctx, t.conn, t.s.o.Shard, ids)
	if err != nil {
		return nil, classify(fmt.Errorf("look commands up: %w", err))
	}
	return found, nil
}

func (t *tx) Commit(ctx context.Context, b *eventstore.Batch) error {
	if t.conn == nil {
		return errEnded
	}
	if len(b.Events)+len(b.Streams)+len(b.Commands)+len(b.Snapshots) == 0 {
		t.Rollback(ctx)
		return nil
	}
	if err := b.Check(); err != nil {
		t.Rollback(ctx)
		return fmt.Errorf("append: %w", err)
	}
	if err := eventstore.Seal(b, t.s.o.Shard, t.head, t.now); err != nil {
		t.Rollback(ctx)
		return err
	}
	if err := t.s.moveVersions(ctx, t.conn, t.head, b); err != nil {
		t.Rollback(ctx)
		return err
	}
	if err := t.write(ctx, b); err != nil {
		t.s.versions.forget()
		t.abandon(ctx)
		return err
	}
	t.conn.Release()
	t.conn = nil
	t.s.appended(t.head, b)
	return nil
}

// Rollback ends the append without writing.
func (t *tx) Rollback(ctx context.Context) {
	if t.conn == nil {
		return
	}
	if _, err := t.conn.Exec(ctx, `ROLLBACK`); err != nil {
		t.abandon(ctx)
		return
	}
	t.conn.Release()
	t.conn = nil
}

// abandon gives up a connection whose transaction failed: a rollback if that works, else the connection goes.
func (t *tx) abandon(ctx context.Context) {
	if t.conn == nil {
		return
	}
	if t.conn.Conn().PgConn().TxStatus() != 'I' {
		if _, err := t.conn.Exec(context.WithoutCancel(ctx), `ROLLBACK`); err != nil {
			_ = t.conn.Conn().Close(context.WithoutCancel(ctx))
		}
	}
	t.conn.Release() // the pool discards closed connections
	t.conn = nil
}

// commitError tells what a failed commit means. A lost connection leaves it open whether the commit happened, but only
// once it was sent.
func commitError(err error, sent bool) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		if sent {
			return fmt.Errorf("%w: %w", eventstore.ErrUnknown, err)
		}
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	switch {
	case pgErr.Code == codeHeadMoved:
		return fmt.Errorf("%w: %w", eventstore.ErrHeadMoved, err)
	case pgErr.Code == "23505" && pgErr.SchemaName == "ledger" && isCommands(pgErr.TableName):
		return fmt.Errorf("%w: %w", eventstore.ErrCommandExists, err)
	case pgErr.Code == "23505":
		return fmt.Errorf("%w: %w", eventstore.ErrVersionConflict, err)
	case sent && (pgErr.Code[:2] == "57" || pgErr.Severity == "FATAL" || pgErr.Severity == "PANIC"):
		// The server or the session is going down; it may have committed before it said so.
		return fmt.Errorf("%w: %w", eventstore.ErrUnknown, err)
	case pgErr.Code == "40001", pgErr.Code == "40P01", pgErr.Code == "55P03":
		// Serialisation, deadlock, lock timeout: rolled back, and worth another try.
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	return classify(err)
}
