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
	codeHeadMoved = "MR002" // raised by ledger.move_head and ledger.expect_head
)

func isCommands(table string) bool { return strings.HasPrefix(table, "commands") }

const (
	copyEventsSQL = `COPY ledger.events (shard, position, stream_id, stream_version, event_id, type, schema_version,
		recorded_at, effective_at, actor, correlation_id, causation_id, command_id, salt, body, leaf_hash) FROM STDIN BINARY`
	copyCommandsSQL  = `COPY ledger.commands (shard, command_id, input_hash, position, at, refused, outcome) FROM STDIN BINARY`
	insertStreamsSQL = `INSERT INTO ledger.streams (shard, stream_id, first_position)
		SELECT $1::int2, id, $3::int8 FROM unnest($2::text[]) AS id`
	upsertSnapshotsSQL = `INSERT INTO ledger.snapshots (shard, stream_id, version, position, schema, state)
		SELECT $1::int2, u.* FROM unnest($2::text[], $3::int8[], $4::int8[], $5::int2[], $6::bytea[]) AS u
		ON CONFLICT (stream_id, shard) DO UPDATE SET version = excluded.version, position = excluded.position,
		schema = excluded.schema, state = excluded.state`
	recordNotesSQL = `SELECT audit.record($1::text[], $2::text[])`
	// Takes the head's lock, waits for whoever has it, and goes on only when it is where the caller saw it.
	moveHeadSQL   = `SELECT ledger.move_head($1::int2, $2::int8, $3::uuid, $4::int8, $5::uuid, $6::timestamptz)`
	verifyHeadSQL = `SELECT ledger.expect_head(count(*)), clock_timestamp() FROM ledger.log_heads
		WHERE shard = $1::int2 AND position = $2::int8 AND event_id = $3::uuid`
	ensurePartitionSQL = `SELECT ledger.ensure_partition($1::int8, $2::int8)`
	commitSQL          = `COMMIT`
)

// write sends everything and the commit in one round trip. The server stops at the first error, so the commit happens
// only when every statement, the head's compare-and-set among them, succeeded.
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
	if born := birthParams(shard, head, b); born != nil {
		steps = append(steps, pgwire.Step{SQL: insertStreamsSQL, Params: born})
	}
	if len(b.Snapshots) > 0 {
		steps = append(steps, pgwire.Step{SQL: upsertSnapshotsSQL, Params: snapshotParams(shard, b.Snapshots)})
	}
	if len(b.Notes) > 0 {
		steps = append(steps, pgwire.Step{SQL: recordNotesSQL, Params: noteParams(b.Notes)})
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

// birthParams are the new streams, if there are any.
func birthParams(shard []byte, head eventstore.Head, b *eventstore.Batch) [][]byte {
	n := 0
	for i := range b.Streams {
		if b.Streams[i].From == 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	ids := newTexts(n)
	for i := range b.Streams {
		if w := &b.Streams[i]; w.From == 0 {
			ids = ids.text(string(w.ID))
		}
	}
	// The events of this batch begin after the head: a lower bound of the first position is enough.
	return [][]byte{shard, ids, pgwire.Int8(head.Position + 1)}
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

func noteParams(notes []eventstore.Note) [][]byte {
	body, personal := newTexts(len(notes)), newTexts(len(notes))
	for _, n := range notes {
		body, personal = body.bytes(n.Body), personal.bytes(n.Personal)
	}
	return [][]byte{body, personal}
}
