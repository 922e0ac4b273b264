// Package projectiontest helps tests of projections: a log in memory whose clock the test sets, a fresh database, and runs to the
// end between the two.
package projectiontest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/projections/runner"
)

// T is what the kit needs of a test; rapid's has it too.
type T interface {
	require.TestingT
	Helper()
}

// Kit is one log and one database. Not safe for concurrent use, but for its Pool and Store.
type Kit struct {
	Pool     *pgxpool.Pool
	Store    *memory.Store
	Registry *domain.Registry
	Now      time.Time // of the next append
	versions map[domain.StreamID]int64
}

// New makes a kit on a migrated database.
func New(t T, pool *pgxpool.Pool) *Kit {
	t.Helper()
	registry, err := domain.NewRegistry(wallet.Events(), apikey.Events(), app.Events(), catalog.Events(), charge.Events())
	require.NoError(t, err)
	k := &Kit{
		Pool: pool, Registry: registry, Now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), versions: map[domain.StreamID]int64{},
	}
	k.Store = memory.New(memory.Options{Clock: func() time.Time { return k.Now }})
	return k
}

// Fact is an event and its stream.
type Fact struct {
	Stream domain.StreamID
	Event  domain.Event
}

// Wallet makes facts of one wallet.
func Wallet(id uuid.UUID, events ...wallet.Event) []Fact {
	return facts(wallet.Stream(id), events)
}

// Key makes facts of one key.
func Key(id uuid.UUID, events ...apikey.Event) []Fact {
	return facts(apikey.Stream(id), events)
}

// App makes facts of one app.
func App(id uuid.UUID, events ...app.Event) []Fact {
	return facts(app.Stream(id), events)
}

func facts[E domain.Event](stream domain.StreamID, events []E) []Fact {
	out := make([]Fact, len(events))
	for i, e := range events {
		out[i] = Fact{stream, e}
	}
	return out
}

// Append commits facts in one batch, recorded at Now, and returns the last position.
func (k *Kit) Append(ctx context.Context, t T, facts ...[]Fact) int64 {
	t.Helper()
	tx, err := k.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	var b eventstore.Batch
	from := map[domain.StreamID]int64{}
	for _, fact := range flat(facts) {
		if _, seen := from[fact.Stream]; !seen {
			from[fact.Stream] = k.versions[fact.Stream]
		}
		k.versions[fact.Stream]++
		body, err := domain.Encode(fact.Event)
		require.NoError(t, err)
		b.Events = append(b.Events, eventstore.Event{
			StreamID: fact.Stream, StreamVersion: k.versions[fact.Stream], Type: fact.Event.EventType(), SchemaVersion: 1,
			EventID: uuid.New(), Actor: "system:test", Body: body,
		})
	}
	for stream, version := range from {
		b.Streams = append(b.Streams, eventstore.StreamWrite{ID: stream, From: version, To: k.versions[stream]})
	}
	require.NoError(t, tx.Commit(ctx, &b))
	return k.Head(ctx, t)
}

// Head is the last position of the log.
func (k *Kit) Head(ctx context.Context, t T) int64 {
	t.Helper()
	head, err := k.Store.Head(ctx)
	require.NoError(t, err)
	return head.Position
}

func flat(facts [][]Fact) []Fact {
	var out []Fact
	for _, f := range facts {
		out = append(out, f...)
	}
	return out
}

// Runner makes a runner on the kit's log and database.
func (k *Kit) Runner(o runner.Options, projections ...runner.Projection) *runner.Runner {
	return runner.New(k.Store, k.Pool, k.Registry, projections, o)
}

// ToEnd runs projections to the end of the log, in batches of at most so many events.
func (k *Kit) ToEnd(ctx context.Context, t T, batch int, projections ...runner.Projection) {
	t.Helper()
	require.NoError(t, k.Runner(runner.Options{BatchSize: batch}, projections...).ToEnd(ctx))
}

// Dump is the whole content of the projections' tables as text, each table sorted by its rows.
func (k *Kit) Dump(ctx context.Context, t T, projections ...runner.Projection) string {
	t.Helper()
	var out strings.Builder
	for _, p := range projections {
		for _, table := range p.Tables() {
			rows, err := k.Pool.Query(ctx, `SELECT r::text FROM `+table+` r ORDER BY r::text COLLATE "C"`)
			require.NoError(t, err)
			fmt.Fprintf(&out, "-- %s\n", table)
			for rows.Next() {
				var row string
				require.NoError(t, rows.Scan(&row))
				out.WriteString(row + "\n")
			}
			require.NoError(t, rows.Err())
		}
	}
	return out.String()
}

// Twice shows that rows depend on the log alone: it runs projections to the end, delivers everything again, and replays in
// small batches; each time the tables are the same.
func (k *Kit) Twice(ctx context.Context, t T, projections ...runner.Projection) {
	t.Helper()
	k.ToEnd(ctx, t, 0, projections...)
	live := k.Dump(ctx, t, projections...)
	k.ToEnd(ctx, t, 0, projections...)
	require.Equal(t, live, k.Dump(ctx, t, projections...), "delivered twice")
	k.Rebuilt(ctx, t, 1, projections...)
	k.Rebuilt(ctx, t, 3, projections...)
}

// Rebuilt replays the log in batches of at most so many events and finds the same tables as before.
func (k *Kit) Rebuilt(ctx context.Context, t T, batch int, projections ...runner.Projection) {
	t.Helper()
	live := k.Dump(ctx, t, projections...)
	r := k.Runner(runner.Options{BatchSize: batch}, projections...)
	for _, p := range projections {
		require.NoError(t, r.Rebuild(ctx, p.Name()))
	}
	require.Equal(t, live, k.Dump(ctx, t, projections...), "rebuilt in batches of %d", batch)
}
