package executor_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

// The aggregate of these tests is a jar: marbles go in up to its size, and each event says how many are in it after.

type added struct {
	N     int `json:"n"`
	After int `json:"after"`
}

func (added) EventType() string { return "jar.added.v1" }

type jar struct {
	In int `json:"in"`
}

func (j *jar) Apply(event domain.Event, _ time.Time) {
	if e, ok := event.(added); ok {
		j.In = e.After
	}
}

func (j *jar) Check() error {
	if j.In < 0 {
		return domain.Errorf(domain.CodeInternal, "a jar holds no fewer than none")
	}
	return nil
}

const size = 1000

func stream(name string) domain.StreamID { return domain.NewStreamID("jar", name) }

// add is a command: n marbles into a jar, refused when they do not fit.
func add(id uuid.UUID, name string, n int) *executor.Request {
	input, _ := json.Marshal([]any{name, n})
	return &executor.Request{
		ID: id, Name: "add", InputHash: sha256.Sum256(input), Actor: "system:test",
		Streams: []domain.StreamID{stream(name)},
		Decide: func(d *executor.Decision) (any, error) {
			in := d.Get(stream(name)).(*jar).In
			if in+n > size {
				return nil, domain.Errorf(domain.CodeConflict, "the jar is full").With("in", "many")
			}
			return in + n, d.Append(stream(name), added{N: n, After: in + n})
		},
	}
}

// look is a command that changes nothing and says what is in the jars.
func look(id uuid.UUID, names ...string) *executor.Request {
	r := &executor.Request{ID: id, Name: "look", Actor: "system:test"}
	for _, name := range names {
		r.Streams = append(r.Streams, stream(name))
	}
	r.Decide = func(d *executor.Decision) (any, error) {
		in := map[string]int{}
		for _, name := range names {
			in[name] = d.Get(stream(name)).(*jar).In
		}
		return in, nil
	}
	return r
}

type bundle struct {
	store *memory.Store
	exec  *executor.Executor
}

func options(t *testing.T, change func(*executor.Options)) executor.Options {
	t.Helper()
	registry, err := domain.NewRegistry([]domain.EventSpec{domain.Spec[added]("Marbles were added.")})
	require.NoError(t, err)
	o := executor.Options{
		Kinds:    map[string]executor.Kind{"jar": {New: func() domain.Aggregate { return &jar{} }, SnapshotEvery: 8, Schema: 1}},
		Registry: registry,
	}
	if change != nil {
		change(&o)
	}
	return o
}

func setup(t *testing.T, faults memory.Options, change func(*executor.Options)) bundle {
	t.Helper()
	store := memory.New(faults)
	return bundle{store: store, exec: run(t, store, options(t, change))}
}

// run starts an executor and stops it at the end of the test, which must leave it with nothing to do.
func run(t *testing.T, store eventstore.Appender, o executor.Options) *executor.Executor {
	t.Helper()
	exec := executor.New(store, o)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = exec.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return exec
}

// warmUp makes the executor decide ahead of its commits.
func (b bundle) warmUp(t *testing.T) {
	t.Helper()
	for range 10 {
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "warm", 1)).Err)
	}
}

func (b bundle) marbles(t *testing.T, name string) int {
	t.Helper()
	return marbles(t, b.store, name)
}

// marbles reads a jar from the log alone.
func marbles(t *testing.T, log eventstore.Reader, name string) int {
	t.Helper()
	events, err := eventstore.ReadDense(t.Context(), log, 0, 1_000_000)
	require.NoError(t, err)
	in := 0
	for _, e := range events {
		if e.StreamID != stream(name) {
			continue
		}
		var a added
		require.NoError(t, json.Unmarshal(e.Body, &a))
		in += a.N
		require.Equal(t, in, a.After, "position %d was decided on a state that was not the log's", e.Position)
	}
	return in
}
