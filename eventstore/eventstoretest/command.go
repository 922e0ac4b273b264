package eventstoretest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

func commandCases() []testCase {
	return []testCase{
		{"command/what is recorded is found", commandsFound},
		{"command/an id is recorded once", commandTwice},
		{"command/the same id with other input is visible", commandOtherInput},
		{"command/one winner for an id", raceForCommand},
	}
}

func commandsFound(t *testing.T, h Harness) {
	b := write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 0, 2)
		addSteps(tx, b, "test-b", 0, 1)
		refusal := newCommand(tx.Head().Position, tx.Now())
		refusal.Refused = true
		refusal.Outcome = []byte(`{ "code":"insufficient_credits", "message":"\u0000 é" , "details":{} }`)
		silent := newCommand(tx.Head().Position, tx.Now())
		silent.Outcome = []byte(`null`)
		b.Commands = append(b.Commands, refusal, silent)
		return b
	})
	all := []uuid.UUID{uuid.New()}
	for _, c := range b.Commands {
		all = append(all, c.ID)
	}
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		requireCommands(t, b.Commands, lookUp(t, s, all...))
		requireCommands(t, b.Commands[1:2], lookUp(t, s, b.Commands[1].ID))
		require.Empty(t, lookUp(t, s))
		require.Empty(t, lookUp(t, s, uuid.New(), uuid.Nil))
	}
}

func commandTwice(t *testing.T, h Harness) {
	first := grow(t, h.Store, "test-a", 0, 1).Commands[0]
	refusal := write(t, h.Store, func(tx decided) *eventstore.Batch {
		c := newCommand(tx.Head().Position, tx.Now())
		c.Refused = true
		return &eventstore.Batch{Commands: []eventstore.Command{c}}
	}).Commands[0]
	for _, row := range []struct {
		name string
		id   uuid.UUID
		make func(decided) *eventstore.Batch
	}{
		{"with events", first.ID, func(tx decided) *eventstore.Batch { return steps(tx, "test-a", 1, 1) }},
		{"with a new stream", first.ID, func(tx decided) *eventstore.Batch { return steps(tx, "test-b", 0, 1) }},
		{"alone", first.ID, func(tx decided) *eventstore.Batch {
			return &eventstore.Batch{Commands: []eventstore.Command{newCommand(tx.Head().Position, tx.Now())}}
		}},
		{"after a refusal", refusal.ID, func(tx decided) *eventstore.Batch { return steps(tx, "test-a", 1, 1) }},
		{"last of many", first.ID, func(tx decided) *eventstore.Batch {
			b := &eventstore.Batch{}
			for i := range 50 {
				addSteps(tx, b, domain.NewStreamID("test-many", fmt.Sprint(i)), 0, 1)
			}
			return b
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := refused(t, h, func(tx decided) *eventstore.Batch {
				b := row.make(tx)
				b.Commands[len(b.Commands)-1].ID = row.id
				return b
			})
			require.ErrorIs(t, err, eventstore.ErrCommandExists)
		})
	}
	requireCommands(t, []eventstore.Command{first, refusal}, lookUp(t, h.Reopen(t), first.ID, refusal.ID))
}

// commandOtherInput is how an executor tells a replay from a conflict: it sees the hash of the first input.
func commandOtherInput(t *testing.T, h Harness) {
	first := grow(t, h.Store, "test-a", 0, 2).Commands[0]
	other := sha256.Sum256([]byte("other input"))
	require.NotEqual(t, other, first.InputHash)
	err := refused(t, h, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 2, 1)
		b.Commands[0].ID, b.Commands[0].InputHash = first.ID, other
		return b
	})
	require.ErrorIs(t, err, eventstore.ErrCommandExists)
	found := lookUp(t, h.Reopen(t), first.ID)[first.ID]
	require.Equal(t, first.InputHash, found.InputHash)
	require.Equal(t, first.Outcome, found.Outcome)
	require.Equal(t, int64(2), found.Position)
}

func raceForCommand(t *testing.T, h Harness) {
	const rounds, racers = 15, 4
	ctx := within(t)
	ids := make([]uuid.UUID, rounds)
	for i := range ids {
		ids[i] = uuid.New()
	}
	wins := make([]int, racers)
	var group errgroup.Group
	for r := range racers {
		s := h.Reopen(t)
		group.Go(func() error {
			version := int64(0)
			for i := range rounds {
				_, err := attempt(ctx, s, func(tx decided) *eventstore.Batch {
					b := steps(tx, streamNumber(r), version, 1)
					b.Commands[0].ID, b.Events[0].CommandID = ids[i], ids[i]
					return b
				})
				switch {
				case err == nil:
					wins[r]++
					version++
				case !errors.Is(err, eventstore.ErrCommandExists):
					return fmt.Errorf("racer %d, round %d: %w", r, i, err)
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, rounds, wins[0]+wins[1]+wins[2]+wins[3])
	seen := map[uuid.UUID]bool{}
	for _, e := range readAll(t, h.Store, 0) {
		require.False(t, seen[e.CommandID], "command %s had its effect twice", e.CommandID)
		seen[e.CommandID] = true
	}
	require.Len(t, seen, rounds)
	require.Len(t, lookUp(t, h.Store, ids...), rounds)
}
