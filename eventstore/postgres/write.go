package postgres

import (
	"context"
	"encoding/binary"
	"strings"
	"time"

	"github.com/massrouter/massrouter/eventstore"
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

// step is one prepared statement with its parameters in binary format, or a COPY with its rows.
type step struct {
	sql    string
	params [][]byte
	rows   []byte
}

func bin2(v int16) []byte {
	return binary.BigEndian.AppendUint16(nil, uint16(v)) //nolint:gosec // two's complement is the format
}

func bin8(v int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(v)) //nolint:gosec // two's complement is the format
}

// write sends everything and the commit in one round trip. The server stops at the first error, so the commit happens
// only when every statement, the compare-and-sets among them, succeeded.
func (t *tx) write(ctx context.Context, b *eventstore.Batch) error {
	steps := t.s.rowSteps(t.head, b)
	if len(b.Events) > 0 {
		steps = append(steps, t.s.headStep(t.head, t.now, b))
	}
	_, err := send(ctx, t.conn.Conn(), append(steps, step{sql: commitSQL}))
	return err
}

// rowSteps writes all rows of a batch but the head's.
func (s *Store) rowSteps(head eventstore.Head, b *eventstore.Batch) []step {
	last := head.Position + int64(len(b.Events))
	var steps []step
	for at := head.Position + 1; at <= last && last > s.partition.Load(); at = s.partitionEnd(at) + 1 {
		steps = append(steps, step{sql: ensurePartitionSQL, params: [][]byte{bin8(at), bin8(s.o.PartitionWidth)}})
	}
	shard := bin2(s.o.Shard)
	if len(b.Events) > 0 {
		steps = append(steps, step{sql: copyEventsSQL, rows: eventRows(s.o.Shard, b.Events)})
	}
	if len(b.Commands) > 0 {
		steps = append(steps, step{sql: copyCommandsSQL, rows: commandRows(s.o.Shard, b.Commands)})
	}
	steps = append(steps, streamSteps(shard, head, b)...)
	if len(b.Snapshots) > 0 {
		steps = append(steps, step{sql: upsertSnapshotsSQL, params: snapshotParams(shard, b.Snapshots)})
	}
	return steps
}

func (s *Store) headStep(head eventstore.Head, now time.Time, b *eventstore.Batch) step {
	last := &b.Events[len(b.Events)-1]
	return step{sql: moveHeadSQL, params: [][]byte{
		bin2(s.o.Shard), bin8(head.Position), head.EventID[:], bin8(last.Position), last.EventID[:],
		bin8(now.UnixMicro() - postgresEpoch),
	}}
}

// streamSteps moves the versions of known streams and inserts new ones.
func streamSteps(shard []byte, head eventstore.Head, b *eventstore.Batch) []step {
	var moved, born []eventstore.StreamWrite
	for _, w := range b.Streams {
		if w.From == 0 {
			born = append(born, w)
		} else {
			moved = append(moved, w)
		}
	}
	var steps []step
	if n := len(moved); n > 0 {
		ids, from, to := newTexts(n), newInt8s(n), newInt8s(n)
		for _, w := range moved {
			ids, from, to = ids.text(string(w.ID)), from.int8(w.From), to.int8(w.To)
		}
		steps = append(steps, step{sql: moveStreamsSQL, params: [][]byte{shard, ids, from, to}})
	}
	if n := len(born); n > 0 {
		ids, to, first := newTexts(n), newInt8s(n), newInt8s(n)
		for _, w := range born {
			// The events of this batch begin after the head: a lower bound of the first position is enough.
			ids, to, first = ids.text(string(w.ID)), to.int8(w.To), first.int8(head.Position+1)
		}
		steps = append(steps, step{sql: insertStreamsSQL, params: [][]byte{shard, ids, to, first}})
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
