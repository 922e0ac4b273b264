package eventstoretest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/eventstore"
)

func unlockedCases() []testCase {
	return []testCase{
		{"without the lock/one after the other", unlockedInTurn},
		{"without the lock/the head has moved", headMoved},
		{"without the lock/the head is another event", otherHead},
		{"without the lock/sent behind another", sentBehind},
		{"without the lock/sent behind one that fails", sentBehindFailure},
		{"without the lock/an empty batch only verifies the head", unlockedEmpty},
		{"without the lock/commands without events", unlockedCommands},
		{"without the lock/it waits for who has the lock", unlockedWaits},
		{"without the lock/one winner for a head", raceForHead},
		{"without the lock/time", unlockedTime},
		{"without the lock/a commit under way is invisible", unlockedIsInvisible},
		{"without the lock/lost", unlockedLost},
		{"without the lock/a context that has ended", unlockedCancelled},
	}
}

// seenBy is the committed head and the store's time, as somebody has them who does not hold the lock.
func seenBy(t *testing.T, s eventstore.Store) seen {
	t.Helper()
	head := headOf(t, s)
	return seen{head, clockAfter(s, head)}
}

// unlockedInTurn keeps the head itself, as an executor does that has the log for itself.
func unlockedInTurn(t *testing.T, h Harness) {
	ctx := within(t)
	at := seenBy(t, h.Store)
	var want []eventstore.Event
	for i := range int64(60) {
		at.now = clockAfter(h.Store, at.head)
		b := steps(at, "test-a", 2*i, 2)
		addSteps(at, b, "test-b", 3*i, 3)
		addSnapshot(at, b, "test-b")
		require.NoError(t, h.Store.Append(ctx, at.head, at.now, b))
		last := b.Events[4]
		require.Equal(t, at.head.Position+5, last.Position)
		require.True(t, at.now.Equal(last.RecordedAt))
		requireCommands(t, b.Commands, lookUp(t, h.Store, b.Commands[0].ID, b.Commands[1].ID))
		at.head = eventstore.HeadAfter(&last)
		requireHead(t, at.head, headOf(t, h.Store))
		want = append(want, b.Events...)
	}
	other := h.Reopen(t)
	requireEvents(t, want, readAll(t, other, 0))
	requireStream(t, loadOne(t, other, "test-a"), 120)
	requireStream(t, loadOne(t, other, "test-b"), 180)
}

func headMoved(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	grow(t, h.Store, "test-a", 0, 3)
	old := seenBy(t, h.Store)
	grow(t, other, "test-b", 0, 2)
	current := seenBy(t, h.Store)
	for _, position := range []int64{0, old.head.Position, current.head.Position - 1, current.head.Position + 1, 1 << 40} {
		wrong := current
		wrong.head.Position = position
		for _, b := range []*eventstore.Batch{steps(wrong, "test-a", 3, 1), steps(wrong, "test-new", 0, 1), onlyCommand(wrong)} {
			before := look(t, h.Store, streamIDs("test-a", "test-new"), b)
			require.ErrorIs(t, h.Store.Append(ctx, wrong.head, wrong.now, b), eventstore.ErrHeadMoved)
			require.Equal(t, before, look(t, other, streamIDs("test-a", "test-new"), b), "nothing was written")
		}
	}
	require.NoError(t, h.Store.Append(ctx, current.head, current.now, steps(current, "test-a", 3, 1)))
	requireStream(t, loadOne(t, other, "test-a"), 4)
}

func unlockedEmpty(t *testing.T, h Harness) {
	ctx := within(t)
	for i := range int64(3) {
		at := seenBy(t, h.Store)
		for range 20 { // more often than a pool has connections
			require.NoError(t, h.Store.Append(ctx, at.head, at.now, &eventstore.Batch{}))
		}
		requireHead(t, at.head, headOf(t, h.Store))
		grow(t, h.Reopen(t), "test-a", i, 1)
		require.ErrorIs(t, h.Store.Append(ctx, at.head, at.now, &eventstore.Batch{}), eventstore.ErrHeadMoved)
	}
}

func unlockedCommands(t *testing.T, h Harness) {
	ctx := within(t)
	for i := range int64(3) { // on an empty log, too
		at := seenBy(t, h.Store)
		b := onlyCommand(at)
		b.Commands[0].Refused = true
		require.NoError(t, h.Store.Append(ctx, at.head, at.now, b))
		requireHead(t, at.head, headOf(t, h.Store))
		requireCommands(t, b.Commands, lookUp(t, h.Reopen(t), b.Commands[0].ID))
		require.ErrorIs(t, h.Store.Append(ctx, at.head, at.now, b), eventstore.ErrCommandExists)
		require.NoError(t, h.Store.Append(ctx, at.head, at.now, steps(at, "test-a", i, 1)))
	}
}

func unlockedWaits(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	for i := range int64(20) {
		at := seenBy(t, other)
		tx, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		at.now = tx.Now()
		appended := make(chan error, 1)
		go func() { appended <- other.Append(ctx, at.head, at.now, steps(at, "test-b", i/2, 1)) }()
		if i%2 == 0 {
			tx.Rollback(ctx)
			require.NoError(t, <-appended)
			continue
		}
		require.NoError(t, tx.Commit(ctx, steps(tx, "test-a", i/2, 1)))
		require.ErrorIs(t, <-appended, eventstore.ErrHeadMoved)
	}
	require.Len(t, readAll(t, h.Store, 0), 20)

	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	at := seen{tx.Head(), tx.Now()}
	brief, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	b := steps(at, "test-b", 10, 1)
	require.Error(t, other.Append(brief, at.head, at.now, b), "while the lock is held, however long")
	tx.Rollback(ctx)
	// It may still get the lock after its caller gave up, but not once the head has moved.
	grow(t, h.Store, "test-c", 0, 1)
	found := lookUp(t, other, b.Commands[0].ID)
	requireStream(t, loadOne(t, h.Store, "test-b"), int64(10+len(found)))
}

// raceForHead: several stores append to what each believes to be the head, and go on from the true one when it is not.
func raceForHead(t *testing.T, h Harness) {
	const racers, each = 4, 25
	ctx := within(t)
	var group errgroup.Group
	for r := range racers {
		s := h.Reopen(t)
		group.Go(func() error {
			for i := range int64(each) {
				for {
					done, err := appendUnlocked(ctx, s, streamNumber(r), 2*i)
					if err != nil {
						return err
					}
					if done > 0 {
						break
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	events := readAll(t, h.Store, 0)
	require.Len(t, events, 2*racers*each)
	for i := 1; i < len(events); i++ {
		require.False(t, events[i].RecordedAt.Before(events[i-1].RecordedAt))
	}
	for r := range racers {
		requireStream(t, loadOne(t, h.Store, streamNumber(r)), 2*each)
	}
}

func unlockedTime(t *testing.T, h Harness) {
	ctx := within(t)
	h.setClock(noon.Add(1_999 * time.Nanosecond))
	require.True(t, h.Store.Now().Equal(noon.Add(time.Microsecond)), "%s", h.Store.Now())
	grow(t, h.Store, "test-a", 0, 1)
	at := seenBy(t, h.Store)
	for _, early := range []time.Duration{-time.Microsecond, -time.Hour} {
		past := at.head.RecordedAt.Add(early)
		require.Error(t, h.Store.Append(ctx, at.head, past, steps(at, "test-a", 1, 1)), "the log never goes back")
		forged := eventstore.Head{Position: at.head.Position, EventID: at.head.EventID, RecordedAt: past}
		require.Error(t, h.Store.Append(ctx, forged, past, steps(at, "test-a", 1, 1)), "nor by a wrong head")
	}
	require.Len(t, readAll(t, h.Store, 0), 1)

	b := steps(at, "test-a", 1, 2)
	require.NoError(t, h.Store.Append(ctx, at.head, at.head.RecordedAt, b), "the same time is not back")
	at = seenBy(t, h.Store)
	later := noon.Add(time.Hour + 1_999*time.Nanosecond).In(time.FixedZone("", 3600))
	b = steps(at, "test-a", 3, 2)
	require.NoError(t, h.Store.Append(ctx, at.head, later, b))
	events := readAll(t, h.Reopen(t), 3)
	requireEvents(t, b.Events, events)
	require.True(t, events[0].RecordedAt.Equal(noon.Add(time.Hour+time.Microsecond)))
	require.True(t, b.Events[0].RecordedAt.Equal(events[0].RecordedAt), "what is filled in is what is stored")
	require.True(t, events[1].EffectiveAt.Equal(events[1].RecordedAt))
}

func unlockedIsInvisible(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	for round := range int64(4) {
		at := seenBy(t, h.Store)
		ready, release := make(chan struct{}), make(chan struct{})
		h.atCommit(func() Fate {
			close(ready)
			<-release
			return Durable
		})
		b := steps(at, "test-a", 3*round, 3)
		appended := make(chan error, 1)
		go func() { appended <- h.Store.Append(ctx, at.head, at.now, b) }()
		<-ready
		requireHead(t, at.head, headOf(t, other))
		require.Empty(t, readAll(t, other, at.head.Position))
		requireStream(t, loadOne(t, other, "test-a"), 3*round)
		close(release)
		require.NoError(t, <-appended)
		h.atCommit(nil)
		requireEvents(t, b.Events, readAll(t, other, at.head.Position))
	}
}

func unlockedLost(t *testing.T, h Harness) {
	ctx := within(t)
	version := int64(0)
	for i, fate := range []Fate{LostBefore, LostAfter, LostAfter, LostBefore, Durable, LostAfter} {
		at := seenBy(t, h.Store)
		b := steps(at, "test-a", version, 2)
		h.atCommit(once(fate))
		err := h.Store.Append(ctx, at.head, at.now, b)
		h.atCommit(nil)
		if fate == Durable {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, eventstore.ErrUnknown, "%d", i)
		}
		found := lookUp(t, h.Store, b.Commands[0].ID)
		if fate == LostBefore {
			require.Empty(t, found)
			requireHead(t, at.head, headOf(t, h.Store))
			continue
		}
		requireCommands(t, b.Commands, found)
		requireEvents(t, b.Events, readAll(t, h.Reopen(t), at.head.Position))
		err = h.Store.Append(ctx, at.head, at.now, b)
		require.ErrorIs(t, err, eventstore.ErrHeadMoved, "written twice")
		version += 2
	}
	requireStream(t, loadOne(t, h.Store, "test-a"), version)
}

func unlockedCancelled(t *testing.T, h Harness) {
	ended, cancel := context.WithCancel(within(t))
	cancel()
	for range 20 {
		at := seenBy(t, h.Store)
		b := steps(at, "test-a", 0, 1)
		err := h.Store.Append(ended, at.head, at.now, b)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, eventstore.ErrUnknown, "nothing was sent")
		require.Empty(t, lookUp(t, h.Store, b.Commands[0].ID))
	}
	grow(t, h.Store, "test-a", 0, 1)
}
