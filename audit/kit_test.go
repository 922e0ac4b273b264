package audit_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
)

// tell writes the story to a log in memory and returns all of it.
func tell(t *testing.T) ([]eventstore.Event, ledgertest.Story) {
	t.Helper()
	clock := ledgertest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	story := ledgertest.New(t, store, clock).Tell(t.Context())
	events, err := store.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	return events, story
}

func registry(t *testing.T) *domain.Registry {
	t.Helper()
	r, err := commands.Registry()
	require.NoError(t, err)
	return r
}

// cut hands the log over in batches.
func cut(events []eventstore.Event, size int) audit.Batches {
	return func(yield func([]eventstore.Event, error) bool) {
		for part := range slices.Chunk(events, size) {
			if !yield(slices.Clone(part), nil) {
				return
			}
		}
	}
}

func verify(t *testing.T, events []eventstore.Event, o audit.Options) *audit.Report {
	t.Helper()
	o.Registry = registry(t)
	report, err := audit.Verify(t.Context(), cut(events, 7), o)
	require.NoError(t, err)
	return report
}

// watcher is an observer made of a function.
type watcher func(*audit.Step) error

func (w watcher) Observe(_ context.Context, s *audit.Step) error { return w(s) }

func (watcher) End(context.Context, *audit.State) error { return nil }
