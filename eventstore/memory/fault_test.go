package memory_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

const stream domain.StreamID = "test-a"

// step is the batch of one more event.
func step(head eventstore.Head) *eventstore.Batch {
	at := head.Position
	return &eventstore.Batch{
		Events:   []eventstore.Event{{StreamID: stream, StreamVersion: at + 1, Body: []byte("{}")}},
		Streams:  []eventstore.StreamWrite{{ID: stream, From: at, To: at + 1}},
		Commands: []eventstore.Command{{ID: uuid.New(), Position: at + 1}},
	}
}

// commit appends one event by each of the two ways, and returns what came of both.
func commit(t *testing.T, s *memory.Store) (locked, unlocked error) {
	t.Helper()
	ctx := t.Context()
	tx, err := s.Begin(ctx, 0, 0)
	if err != nil {
		locked = err
	} else {
		locked = tx.Commit(ctx, step(tx.Head()))
	}
	head, err := s.Head(ctx)
	require.NoError(t, err)
	return locked, s.Append(ctx, head, head.RecordedAt, step(head))
}

func position(t *testing.T, s *memory.Store) int64 {
	t.Helper()
	head, err := s.Head(t.Context())
	require.NoError(t, err)
	return head.Position
}

func TestCommitFault(t *testing.T) {
	t.Parallel()
	poison := errors.New("the database refuses this batch")
	for _, row := range []struct {
		name    string
		fault   memory.Fault
		want    error
		written bool
	}{
		{"none", memory.Fault{}, nil, true},
		{"lost before", memory.Fault{Before: eventstore.ErrUnknown}, eventstore.ErrUnknown, false},
		{"lost after", memory.Fault{After: eventstore.ErrUnknown}, eventstore.ErrUnknown, true},
		{"unavailable", memory.Fault{Before: eventstore.ErrUnavailable}, eventstore.ErrUnavailable, false},
		{"conflict", memory.Fault{Before: eventstore.ErrVersionConflict}, eventstore.ErrVersionConflict, false},
		{"poison", memory.Fault{Before: poison}, poison, false},
		{"both: it never got there", memory.Fault{Before: poison, After: eventstore.ErrUnknown}, poison, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var fault memory.Fault
			s := memory.New(memory.Options{CommitFault: func(*eventstore.Batch) memory.Fault { return fault }})
			other := s.Reopen(memory.Options{})
			for range 3 {
				before := position(t, s)
				fault = row.fault
				locked, unlocked := commit(t, s)
				require.ErrorIs(t, locked, row.want)
				require.ErrorIs(t, unlocked, row.want)
				written := position(t, s) - before
				require.Equal(t, map[bool]int64{true: 2, false: 0}[row.written], written)
				// The fault is of this store and this moment.
				fault = memory.Fault{}
				locked, unlocked = commit(t, s)
				require.NoError(t, errors.Join(locked, unlocked))
				locked, unlocked = commit(t, other)
				require.NoError(t, errors.Join(locked, unlocked))
			}
		})
	}
}

// TestCommitFaultSeesTheBatch: a test poisons one command of many by looking at what is committed.
func TestCommitFaultSeesTheBatch(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	poisoned := uuid.New()
	asked := 0
	s := memory.New(memory.Options{CommitFault: func(b *eventstore.Batch) memory.Fault {
		asked++
		for i := range b.Commands {
			if b.Commands[i].ID == poisoned {
				return memory.Fault{Before: errors.New("poison")}
			}
		}
		return memory.Fault{}
	}})
	b := step(eventstore.Head{})
	b.Commands[0].ID = poisoned
	head := eventstore.Head{}
	require.Error(t, s.Append(ctx, head, s.Now(), b))
	require.NoError(t, s.Append(ctx, head, s.Now(), step(head)))
	require.Equal(t, 2, asked)

	tx, err := s.Begin(ctx, 0, 0)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(ctx, &eventstore.Batch{}))
	require.Equal(t, 2, asked, "an empty batch is no commit")
}

// TestCommitFaultDoesNotHideRefusals: a batch that the store refuses fails for its own reason, not for the lost answer.
func TestCommitFaultDoesNotHideRefusals(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := memory.New(memory.Options{CommitFault: func(*eventstore.Batch) memory.Fault {
		return memory.Fault{After: eventstore.ErrUnknown}
	}})
	tx, err := s.Begin(ctx, 0, 0)
	require.NoError(t, err)
	err = tx.Commit(ctx, step(eventstore.Head{Position: 7}))
	require.ErrorIs(t, err, eventstore.ErrVersionConflict)
	require.NotErrorIs(t, err, eventstore.ErrUnknown)
	require.Zero(t, position(t, s))
}

func TestBeginFault(t *testing.T) {
	t.Parallel()
	down := eventstore.ErrUnavailable
	s := memory.New(memory.Options{BeginFault: func() error { return down }})
	for range 2 {
		down = eventstore.ErrUnavailable
		locked, unlocked := commit(t, s)
		require.ErrorIs(t, locked, eventstore.ErrUnavailable)
		require.ErrorIs(t, unlocked, eventstore.ErrUnavailable, "an append without the lock needs the server, too")
		before := position(t, s)
		down = nil
		locked, unlocked = commit(t, s)
		require.NoError(t, errors.Join(locked, unlocked), "the lock was not taken")
		require.Equal(t, before+2, position(t, s))
	}
}

// TestSnapshotsAreOfEvents: the memory store refuses what would make a reader fold the wrong events.
func TestSnapshotsAreOfEvents(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, snapshot := range map[string]eventstore.Snapshot{
		"of version zero":      {StreamID: stream, Version: 0, Position: 0},
		"past its stream":      {StreamID: stream, Version: 3, Position: 3},
		"at another position":  {StreamID: stream, Version: 1, Position: 2},
		"of an unknown stream": {StreamID: "test-b", Version: 1, Position: 1},
	} {
		s := memory.New(memory.Options{})
		head := eventstore.Head{}
		require.NoError(t, s.Append(ctx, head, s.Now(), step(head)))
		tx, err := s.Begin(ctx, 0, 0)
		require.NoError(t, err)
		b := step(tx.Head())
		b.Snapshots = []eventstore.Snapshot{snapshot}
		require.Error(t, tx.Commit(ctx, b), name)
		require.Equal(t, int64(1), position(t, s), name)
	}
}
