package eventstoretest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

func lockCases() []testCase {
	return []testCase{
		{"lock/one append at a time", lockExcludes},
		{"lock/released by rollback", rollbackReleases},
		{"lock/released by a commit that fails", failureReleases},
		{"lock/an append ends once", endsOnce},
		{"lock/rollback after commit leaves the next append alone", lateRollback},
		{"lock/giving up the wait", cancelWait},
		{"lock/a context that has ended before", cancelledBefore},
		{"lock/a context that ends before the commit", cancelledCommit},
		{"lock/readers do not wait for it", readersPass},
	}
}

type begun struct {
	tx  eventstore.Tx
	err error
}

// beginLater begins an append in another goroutine.
func beginLater(ctx context.Context, s eventstore.Appender) <-chan begun {
	done := make(chan begun, 1)
	go func() {
		tx, err := s.Begin(ctx, 0, everything)
		done <- begun{tx, err}
	}()
	return done
}

// lockExcludes: whoever waited sees what the holder of the lock wrote.
func lockExcludes(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	for round := range int64(25) {
		tx, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		waiting := beginLater(ctx, other)
		require.NoError(t, tx.Commit(ctx, steps(tx, "test-a", 2*round, 1)))
		next := <-waiting
		require.NoError(t, next.err)
		require.Equal(t, 2*round+1, next.tx.Head().Position)
		events, complete := next.tx.Tail()
		require.True(t, complete)
		require.Len(t, events, int(2*round+1))
		require.False(t, next.tx.Now().Before(events[2*round].RecordedAt))
		require.NoError(t, next.tx.Commit(ctx, steps(next.tx, "test-a", 2*round+1, 1)))
	}
	// While it is held, nobody else gets it, however long.
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	brief, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = other.Begin(brief, 0, 0)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func rollbackReleases(t *testing.T, h Harness) {
	ctx := within(t)
	stores := []eventstore.Store{h.Store, h.Reopen(t)}
	for i := range 30 { // more often than a pool has connections
		tx, err := stores[i%2].Begin(ctx, 0, 0)
		require.NoError(t, err)
		require.Zero(t, tx.Head().Position)
		waiting := beginLater(ctx, stores[(i+1)%2])
		tx.Rollback(ctx)
		tx.Rollback(ctx)
		next := <-waiting
		require.NoError(t, next.err)
		next.tx.Rollback(ctx)
	}
	require.Empty(t, readAll(t, h.Store, 0))
	require.Equal(t, int64(1), grow(t, h.Store, "test-a", 0, 1).Events[0].Position, "no position was used up")
}

func failureReleases(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	for range 15 {
		tx, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		waiting := beginLater(ctx, other)
		require.ErrorIs(t, tx.Commit(ctx, steps(tx, "test-a", 5, 1)), eventstore.ErrVersionConflict)
		next := <-waiting // although the first was never rolled back
		require.NoError(t, next.err)
		require.Zero(t, next.tx.Head().Position)
		next.tx.Rollback(ctx)
	}
}

func endsOnce(t *testing.T, h Harness) {
	ctx := within(t)
	for name, end := range map[string]func(eventstore.Tx){
		"rolled back":    func(tx eventstore.Tx) { tx.Rollback(ctx) },
		"refused":        func(tx eventstore.Tx) { require.Error(t, tx.Commit(ctx, steps(tx, "test-a", 7, 1))) },
		"empty":          func(tx eventstore.Tx) { require.NoError(t, tx.Commit(ctx, &eventstore.Batch{})) },
		"only a command": func(tx eventstore.Tx) { require.NoError(t, tx.Commit(ctx, onlyCommand(tx))) },
	} {
		tx, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		end(tx)
		require.Error(t, tx.Commit(ctx, steps(tx, "test-a", 0, 1)), name)
		_, err = tx.Load(ctx, nil)
		require.Error(t, err, name)
		_, err = tx.Commands(ctx, nil)
		require.Error(t, err, name)
		tx.Rollback(ctx)
	}
	require.Empty(t, readAll(t, h.Store, 0))
	grow(t, h.Store, "test-a", 0, 1)
}

func onlyCommand(tx decided) *eventstore.Batch {
	return &eventstore.Batch{Commands: []eventstore.Command{newCommand(tx.Head().Position, tx.Now())}}
}

// lateRollback: a deferred Rollback runs when the next append is already under way, maybe on the same connection.
func lateRollback(t *testing.T, h Harness) {
	ctx := within(t)
	for i := range int64(20) {
		first, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		require.NoError(t, first.Commit(ctx, steps(first, "test-a", 2*i, 1)))
		second, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		first.Rollback(ctx)
		brief, cancel := context.WithCancel(ctx)
		waiting := beginLater(brief, h.Store)
		require.NoError(t, second.Commit(ctx, steps(second, "test-a", 2*i+1, 1)))
		third := <-waiting
		require.NoError(t, third.err)
		require.Equal(t, 2*i+2, third.tx.Head().Position)
		third.tx.Rollback(ctx)
		cancel()
	}
}

// cancelWait: who gives up must neither keep the lock nor get it later.
func cancelWait(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	for i := range int64(20) { // more often than a pool has connections
		tx, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		impatient, cancel := context.WithCancel(ctx)
		waiting := beginLater(impatient, other)
		cancel()
		require.ErrorIs(t, (<-waiting).err, context.Canceled)
		require.NoError(t, tx.Commit(ctx, steps(tx, "test-a", i, 1)))
	}
	grow(t, other, "test-a", 20, 1)
	grow(t, h.Store, "test-a", 21, 1)
}

func cancelledBefore(t *testing.T, h Harness) {
	grow(t, h.Store, "test-a", 0, 1)
	ended, cancel := context.WithCancel(within(t))
	cancel()
	for range 20 {
		_, err := h.Store.Begin(ended, 0, 0)
		require.ErrorIs(t, err, context.Canceled)
	}
	_, err := h.Store.Head(ended)
	require.ErrorIs(t, err, context.Canceled)
	_, err = h.Store.Read(ended, 0, 1)
	require.ErrorIs(t, err, context.Canceled)
	_, err = h.Store.Load(ended, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = h.Store.At(ended, time.Now())
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, h.Store.Wait(ended, 1), context.Canceled)
	grow(t, h.Store, "test-a", 1, 1)
}

// cancelledCommit: the outcome may be unknown then, but a look at the commands must tell it, and it is all or nothing.
func cancelledCommit(t *testing.T, h Harness) {
	ctx := within(t)
	for range 10 {
		ending, cancel := context.WithCancel(ctx)
		tx, err := h.Store.Begin(ending, 0, 0)
		require.NoError(t, err)
		before := tx.Head()
		streams, err := tx.Load(ctx, streamIDs("test-a"))
		require.NoError(t, err)
		version := int64(len(streams[0].Events))
		b := steps(tx, "test-a", version, 2)
		cancel()
		require.Error(t, tx.Commit(ending, b))
		tx.Rollback(ending)

		found := lookUp(t, h.Store, b.Commands[0].ID)
		if len(found) == 1 {
			before.Position += 2
			version += 2
		}
		require.Equal(t, before.Position, headOf(t, h.Store).Position)
		requireStream(t, loadOne(t, h.Store, "test-a"), version)
	}
}

func readersPass(t *testing.T, h Harness) {
	ctx := within(t)
	b := grow(t, h.Store, "test-a", 0, 3)
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		requireEvents(t, b.Events, readAll(t, s, 0))
		require.Equal(t, int64(3), headOf(t, s).Position)
		requireStream(t, loadOne(t, s, "test-a"), 3)
		require.NoError(t, s.Wait(ctx, 2))
		at, err := s.At(ctx, b.Events[2].RecordedAt)
		require.NoError(t, err)
		require.Equal(t, int64(3), at)
	}
}
