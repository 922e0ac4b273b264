package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/pgwire"
)

const (
	codeConflict  = "MR001" // raised by ledger.move_streams: a compare-and-set did not touch every row it had to
	codeHeadMoved = "MR002" // raised by ledger.move_head and ledger.expect_head
)

func isCommands(table string) bool { return strings.HasPrefix(table, "commands") }

const (
	copyEventsSQL = `COPY ledger.events (shard, position, stream_id, stream_version, event_id, type, schema_version,
		recorded_at, effective_at, actor, correlation_id, causation_id, command_id, salt, body, leaf_hash) FROM STDIN BINARY`
	copyCommandsSQL  = `COPY ledger.commands (shard, command_id, input_hash, position, at, refused, outcome) FROM STDIN BINARY`
	moveStreamsSQL   = `SELECT ledger.move_streams($1::int2, $2::text[], $3::int8[], $4::int8[])`
	insertStreamsSQL = `INSERT INTO ledger.streams (shard, stream_id, version, first_position)
		SELECT $1::int2, u.* FROM unnest($2::text[], $3::int8[], $4::int8[]) AS u`
	upsertSnapshotsSQL = `INSERT INTO ledger.snapshots (shard, stream_id, version, position, schema, state)
		SELECT $1::int2, u.* FROM unnest($2::text[], $3::int8[], $4::int8[], $5::int2[], $6::bytea[]) AS u
		ON CONFLICT (stream_id, shard) DO UPDATE SET version = excluded.version, position = excluded.position,
		schema = excluded.schema, state = excluded.state`
	// Takes the head's lock, waits for whoever has it, and goes on only when it is where the caller saw it.
	moveHeadSQL   = `SELECT ledger.move_head($1::int2, $2::int8, $3::uuid, $4::int8, $5::uuid, $6::timestamptz)`
	verifyHeadSQL = `SELECT ledger.expect_head(count(*)), clock_timestamp() FROM ledger.log_heads
		WHERE shard = $1::int2 AND position = $2::int8 AND event_id = $3::uuid`
	ensurePartitionSQL = `SELECT ledger.ensure_partition($1::int8, $2::int8)`
	commitSQL          = `COMMIT`
)

// write sends everything and the commit in one round trip. The server stops at the first error, so the commit happens
// only when every statement, the compare-and-sets among them, succeeded.
func (t *tx) write(ctx context.Context, b *eventstore.Batch) error {
	steps := t.s.rowSteps(t.head, b)
	if len(b.Events) > 0 {
		steps = append(steps, t.s.headStep(t.head, t.now, b))
	}
	return send(ctx, t.conn.Conn(), append(steps, pgwire.Step{SQL: commitSQL}))
}

// send runs the steps of a commit. Its error tells what that means.
func send(ctx context.Context, conn *pgx.Conn, steps []pgwire.Step) error {
	if err := pgwire.Prepare(ctx, conn, steps); err != nil {
		return commitError(fmt.Errorf("append: %w", err), false)
	}
	err := pgwire.Put(ctx, conn, steps)
	if err == nil {
		_, err = pgwire.Get(ctx, conn)
	}
	if err != nil {
		return commitError(fmt.Errorf("append: %w", err), true)
	}
	return nil
}

// rowSteps writes all rows of a batch but the head's.
func (s *Store) rowSteps(head eventstore.Head, b *eventstore.Batch) []pgwire.Step {
	last := head.Position + int64(len(b.Events))
	var steps []pgwire.Step
	for at := head.Position + 1; at <= last && last > s.partition.Load(); at = s.partitionEnd(at) + 1 {
		steps = append(steps, pgwire.Step{SQL: ensurePartitionSQL, Params: [][]byte{pgwire.Int8(at), pgwire.Int8(s.o.PartitionWidth)}})
	}
	shard := pgwire.Int2(s.o.Shard)
	if len(b.Events) > 0 {
		steps = append(steps, pgwire.Step{SQL: copyEventsSQL, Rows: eventRows(s.o.Shard, b.Events)})
	}
	if len(b.Commands) > 0 {
		steps = append(steps, pgwire.Step{SQL: copyCommandsSQL, Rows: commandRows(s.o.Shard, b.Commands)})
	}
	steps = append(steps, streamSteps(shard, head, b)...)
	if len(b.Snapshots) > 0 {
		steps = append(steps, pgwire.Step{SQL: upsertSnapshotsSQL, Params: snapshotParams(shard, b.Snapshots)})
	}
	return steps
}

func (s *Store) headStep(head eventstore.Head, now time.Time, b *eventstore.Batch) pgwire.Step {
	last := &b.Events[len(b.Events)-1]
	return pgwire.Step{SQL: moveHeadSQL, Params: [][]byte{
		pgwire.Int2(s.o.Shard), pgwire.Int8(head.Position), head.EventID[:], pgwire.Int8(last.Position), last.EventID[:],
		pgwire.Instant(now),
	}}
}

// streamSteps moves the versions of known streams and inserts new ones.
func streamSteps(shard []byte, head eventstore.Head, b *eventstore.Batch) []pgwire.Step {
	var moved, born []eventstore.StreamWrite
	for _, w := range b.Streams {
		if w.From == 0 {
			born = append(born, w)
		} else {
			moved = append(moved, w)
		}
	}
	var steps []pgwire.Step
	if n := len(moved); n > 0 {
		ids, from, to := newTexts(n), newInt8s(n), newInt8s(n)
		for _, w := range moved {
			ids, from, to = ids.text(string(w.ID)), from.int8(w.From), to.int8(w.To)
		}
		steps = append(steps, pgwire.Step{SQL: moveStreamsSQL, Params: [][]byte{shard, ids, from, to}})
	}
	if n := len(born); n > 0 {
		ids, to, first := newTexts(n), newInt8s(n), newInt8s(n)
		for _, w := range born {
			// The events of this batch begin after the head: a lower bound of the first position is enough.
			ids, to, first = ids.text(string(w.ID)), to.int8(w.To), first.int8(head.Position+1)
		}
		steps = append(steps, pgwire.Step{SQL: insertStreamsSQL, Params: [][]byte{shard, ids, to, first}})
	}
	return steps
}

func snapshotParams(shard []byte, snapshots []eventstore.Snapshot) [][]byte {
	n := len(snapshots)
	id, version, position, schema, state := newTexts(n), newInt8s(n), newInt8s(n), newInt2s(n), newBytes(n)
	for i := range snapshots {
		s := &snapshots[i]
		id, version, position = id.text(string(s.StreamID)), version.int8(s.Version), position.int8(s.Position)
		schema, state = schema.int2(s.Schema), state.bytes(s.State)
	}
	return [][]byte{shard, id, version, position, schema, state}
}
