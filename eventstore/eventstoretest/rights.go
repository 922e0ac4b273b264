package eventstoretest

import (
	"bytes"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

func rightsCases() []testCase {
	return []testCase{
		{"append only/what a caller holds is not what is stored", nothingShared},
		{"append only/no statement changes what is written", nothingChanged},
	}
}

func spoil(b []byte) {
	for i := range b {
		b[i] = 'X'
	}
}

func nothingShared(t *testing.T, h Harness) {
	ctx := within(t)
	b := write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 0, 3)
		addSnapshot(tx, b, "test-a")
		return b
	})
	grow(t, h.Store, "test-b", 0, 1)
	ids := streamIDs("test-a", "test-b")
	before := look(t, h.Store, ids, b).clone()
	require.Equal(t, b.Events[0].Body, before.events[0].Body)
	spoilBatch(b)
	require.Equal(t, before, look(t, h.Store, ids, b))

	again := look(t, h.Store, ids, b)
	spoilPicture(again)
	require.Equal(t, before, look(t, h.Store, ids, b))
	for _, e := range readAll(t, h.Store, 0) {
		spoil(e.Body)
	}
	streams, err := h.Store.Load(ctx, ids)
	require.NoError(t, err)
	for _, s := range streams {
		spoilStream(s)
	}
	require.Equal(t, before, look(t, h.Store, ids, b))
	require.Equal(t, before, look(t, h.Reopen(t), ids, b))
}

// clone shares no byte with its original.
func (p picture) clone() picture {
	out := picture{head: p.head, events: cloneEvents(p.events), commands: map[uuid.UUID]eventstore.Command{}}
	for id, c := range p.commands {
		c.Outcome = bytes.Clone(c.Outcome)
		out.commands[id] = c
	}
	for _, s := range p.streams {
		s.Events = cloneEvents(s.Events)
		if s.Snapshot != nil {
			snapshot := *s.Snapshot
			snapshot.State = bytes.Clone(snapshot.State)
			s.Snapshot = &snapshot
		}
		out.streams = append(out.streams, s)
	}
	return out
}

func cloneEvents(events []eventstore.Event) []eventstore.Event {
	out := make([]eventstore.Event, len(events))
	for i, e := range events {
		e.Body = bytes.Clone(e.Body)
		out[i] = e
	}
	return out
}

func spoilBatch(b *eventstore.Batch) {
	for i := range b.Events {
		spoil(b.Events[i].Body)
	}
	for i := range b.Commands {
		spoil(b.Commands[i].Outcome)
	}
	for i := range b.Snapshots {
		spoil(b.Snapshots[i].State)
	}
}

func spoilPicture(p picture) {
	for _, e := range p.events {
		spoil(e.Body)
	}
	for _, c := range p.commands {
		spoil(c.Outcome)
	}
	for _, s := range p.streams {
		spoilStream(s)
	}
}

func spoilStream(s eventstore.Stream) {
	for _, e := range s.Events {
		spoil(e.Body)
	}
	if s.Snapshot != nil {
		spoil(s.Snapshot.State)
		s.Snapshot.Version = 99
	}
}

// tampering is what the application's role must not be able to do: not in bulk, not to one row, not to no row at all,
// not by way of the partitions, and not inside another statement.
func tampering() []string {
	statements := []string{
		`MERGE INTO ledger.events e USING (SELECT 1::bigint AS p) s ON e.position = s.p WHEN MATCHED THEN DELETE`,
		`INSERT INTO ledger.events SELECT * FROM ledger.events WHERE position = 1
			ON CONFLICT (shard, position) DO UPDATE SET body = '{}'`,
		`WITH gone AS (DELETE FROM ledger.events WHERE position = 1 RETURNING *) SELECT count(*) FROM gone`,
		`TRUNCATE ledger.events, ledger.commands, ledger.streams, ledger.snapshots`,
	}
	for _, table := range []string{"ledger.events", "ledger.events_p1"} {
		statements = append(statements,
			`UPDATE `+table+` SET body = '{}'`,
			`UPDATE `+table+` SET position = position + 1000 WHERE position = 2`,
			`UPDATE `+table+` SET leaf_hash = leaf_hash WHERE false`,
			`DELETE FROM `+table,
			`DELETE FROM `+table+` WHERE position = 4`,
			`TRUNCATE `+table,
			`TRUNCATE `+table+` CASCADE`)
	}
	statements = append(statements,
		`UPDATE ledger.streams SET first_position = first_position + 1`, `DELETE FROM ledger.streams`, `TRUNCATE ledger.streams`)
	for _, table := range []string{"ledger.commands", "ledger.commands_h0", "ledger.commands_h7"} {
		statements = append(statements,
			`UPDATE `+table+` SET input_hash = '\x'`,
			`UPDATE `+table+` SET refused = NOT refused`,
			`DELETE FROM `+table,
			`TRUNCATE `+table)
	}
	return statements
}

func nothingChanged(t *testing.T, h Harness) {
	b := write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := &eventstore.Batch{}
		for i := range 40 { // enough commands to have some in each partition
			addSteps(tx, b, streamNumber(i), 0, 1)
		}
		return b
	})
	before := look(t, h.Store, streamIDs("test-1"), b)
	if h.TryTamper != nil {
		for _, statement := range tampering() {
			require.Error(t, h.TryTamper(within(t), statement), statement)
		}
		require.NoError(t, h.TryTamper(within(t), `SELECT 1`), "a harmless statement passes, so the others were refused")
	}
	require.Equal(t, before, look(t, h.Store, streamIDs("test-1"), b))
	require.Equal(t, int64(41), grow(t, h.Store, "test-1", 1, 1).Events[0].Position)
}
