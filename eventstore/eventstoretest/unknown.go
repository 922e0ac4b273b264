package eventstoretest

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

func unknownCases() []testCase {
	return []testCase{
		{"unknown/lost before the commit", lostBefore},
		{"unknown/lost after the commit", lostAfter},
		{"unknown/tried again until it is certain", triedUntilCertain},
	}
}

// lose commits a batch whose connection breaks.
func lose(t *testing.T, h Harness, fate Fate, fill func(decided) *eventstore.Batch) *eventstore.Batch {
	t.Helper()
	ctx := within(t)
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	b := fill(tx)
	h.atCommit(once(fate))
	err = tx.Commit(ctx, b)
	h.atCommit(nil)
	require.ErrorIs(t, err, eventstore.ErrUnknown)
	tx.Rollback(ctx)
	return b
}

func lostBefore(t *testing.T, h Harness) {
	grow(t, h.Store, "test-a", 0, 2)
	head := headOf(t, h.Store)
	b := lose(t, h, LostBefore, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 2, 2)
		addSnapshot(tx, b, "test-a")
		return b
	})
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		require.Empty(t, lookUp(t, s, b.Commands[0].ID))
		requireHead(t, head, headOf(t, s))
		stream := loadOne(t, s, "test-a")
		requireStream(t, stream, 2)
		require.Nil(t, stream.Snapshot)
	}
	again := write(t, h.Store, func(decided) *eventstore.Batch { return b })
	require.Equal(t, int64(3), again.Events[0].Position)
	requireEvents(t, again.Events, readAll(t, h.Store, 2))
}

func lostAfter(t *testing.T, h Harness) {
	grow(t, h.Store, "test-a", 0, 2)
	b := lose(t, h, LostAfter, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 2, 2)
		addSnapshot(tx, b, "test-a")
		return b
	})
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		requireCommands(t, b.Commands, lookUp(t, s, b.Commands[0].ID))
		require.Equal(t, int64(4), headOf(t, s).Position)
		require.Equal(t, &b.Snapshots[0], loadOne(t, s, "test-a").Snapshot)
	}
	require.Len(t, readAll(t, h.Store, 2), 2)
	err := refused(t, h, func(decided) *eventstore.Batch { return b })
	require.True(t, isConflict(err), "%s", err)
}

// triedUntilCertain is what an executor does: after an unknown outcome it asks for the command under a new lock and
// writes again only when it is not there. Every command has its effect exactly once, and the log stays dense.
func triedUntilCertain(t *testing.T, h Harness) {
	const rounds = 24
	fates := []Fate{LostBefore, LostAfter, Durable, LostAfter, LostBefore, LostBefore}
	ctx := within(t)
	asked := 0
	h.atCommit(func() Fate {
		asked++
		return fates[asked%len(fates)]
	})
	for i := range int64(rounds) {
		id := uuid.New()
		for done := false; !done; {
			tx, err := h.Store.Begin(ctx, 0, 0)
			require.NoError(t, err)
			found, err := tx.Commands(ctx, []uuid.UUID{id})
			require.NoError(t, err)
			if len(found) == 1 {
				tx.Rollback(ctx)
				break
			}
			b := steps(tx, "test-a", i, 1)
			b.Commands[0].ID, b.Events[0].CommandID = id, id
			err = tx.Commit(ctx, b)
			if done = err == nil; !done {
				require.ErrorIs(t, err, eventstore.ErrUnknown)
			}
		}
	}
	h.atCommit(nil)
	require.Greater(t, asked, rounds)
	require.Len(t, readAll(t, h.Reopen(t), 0), rounds)
	requireStream(t, loadOne(t, h.Store, "test-a"), rounds)
}
