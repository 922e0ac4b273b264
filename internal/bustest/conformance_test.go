package bustest_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*testing.T, server){
		"every group gets every event in order":              everyGroupGetsEveryEvent,
		"members of a group share its events":                membersShare,
		"an event whose consumer dies comes again":           consumerDies,
		"an event that cannot be handled is put aside":       poison,
		"a panic and a message that is no event":             panics,
		"a relay that dies before its checkpoint":            relayDies,
		"a relay that takes over":                            relayTakesOver,
		"repetitions are left out":                           repetitions,
		"a group that is away gets what it missed":           away,
		"messages say in their metadata what they are about": metadata,
	}
	for name, launch := range servers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := launch(t)
			t.Run("cases", func(t *testing.T) {
				for name, run := range cases {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						run(t, s)
					})
				}
			})
			if s.kill != nil {
				t.Run("a consumer's process that is killed", func(t *testing.T) { processDies(t, s) })  //nolint:paralleltest // one after the other
				t.Run("a server that hangs", func(t *testing.T) { serverHangs(t, s) })                  //nolint:paralleltest // as above
				t.Run("a server that is killed and restarted", func(t *testing.T) { serverDies(t, s) }) //nolint:paralleltest // as above
			}
		})
	}
}

func everyGroupGetsEveryEvent(t *testing.T, s server) {
	b := setup(t, s)
	one, two := newGroup(), newGroup()
	consume(t, b.bus, bus.ConsumerOptions{Group: "one", Handle: one.handle})
	consume(t, b.bus, bus.ConsumerOptions{Group: "two", Handle: two.handle})
	b.grow(t, 100)
	b.relay(t, b.bus)
	b.has(t, one)
	b.grow(t, 100)
	b.has(t, one)
	b.has(t, two)
}

func membersShare(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	for range 3 {
		consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	}
	b.relay(t, b.bus)
	for range 5 {
		b.grow(t, 40)
	}
	b.has(t, g)
}

// consumerDies lets consumers take an event and vanish without a word about it, several times.
func consumerDies(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	require.NoError(t, b.bus.Prepare(t.Context(), 0, "g"))
	b.relay(t, b.bus)
	b.grow(t, 60)
	for _, after := range []int32{3, 1, 10} {
		var handled atomic.Int32
		took := make(chan struct{})
		stop := consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: func(ctx context.Context, e eventstore.Event) error {
			if n := handled.Add(1); n > after {
				if n == after+1 {
					close(took)
				}
				<-ctx.Done()
				return ctx.Err()
			}
			return g.handle(ctx, e)
		}})
		<-took
		stop()
	}
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	b.has(t, g)
}

func poison(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	const bad, retries = 12, 3
	attempts := 0
	g.fail = func(e eventstore.Event) error {
		if e.Position == bad {
			attempts++
			return errBroken
		}
		return nil
	}
	poisoned := make(chan string, 1)
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle, Retries: retries, OnPoison: func(id, _ string) {
		g.skip(bad, b.events(t)[bad-1])
		poisoned <- id
	}})
	b.relay(t, b.bus)
	b.grow(t, 60)
	b.has(t, g)
	event := b.events(t)[bad-1]
	require.Equal(t, event.EventID.String(), <-poisoned)

	messages, closeIt, err := b.bus.Poisoned(t.Context(), 0, "g")
	require.NoError(t, err)
	defer func() { require.NoError(t, closeIt()) }()
	m := <-messages
	require.Equal(t, event.EventID.String(), m.UUID)
	require.Equal(t, errBroken.Error(), m.Metadata.Get(bus.KeyReason))
	require.Equal(t, b.bus.Topic(0), m.Metadata.Get(bus.KeyTopic))
	require.Equal(t, "g", m.Metadata.Get(bus.KeyGroup))
	require.Equal(t, strconv.Itoa(retries+1), m.Metadata.Get(bus.KeyAttempts))
	decoded, err := relay.Decode(m.Payload)
	require.NoError(t, err)
	require.Equal(t, event, decoded)
	m.Ack()
	g.mu.Lock()
	defer g.mu.Unlock()
	require.Equal(t, retries+1, attempts)
}

// skip counts an event as seen that never was.
func (g *group) skip(position int64, e eventstore.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events[position], g.versions[e.StreamID] = e, max(g.versions[e.StreamID], e.StreamVersion)
}

func panics(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	calls := 0
	g.fail = func(e eventstore.Event) error {
		if e.Position == 3 && calls == 0 {
			calls++
			panic("a mistake")
		}
		return nil
	}
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	b.relay(t, tampering{b.bus})
	b.grow(t, 20)
	messages, closeIt, err := b.bus.Poisoned(t.Context(), 0, "g")
	require.NoError(t, err)
	defer func() { require.NoError(t, closeIt()) }()
	m := <-messages
	require.Contains(t, m.Metadata.Get(bus.KeyReason), "is not the event that its leaf hash is of")
	require.Equal(t, "1", m.Metadata.Get(bus.KeyAttempts), "such a message never becomes an event")
	m.Ack()
	g.skip(20, b.events(t)[19])
	b.has(t, g)
}

// tampering changes the twentieth event on its way.
type tampering struct{ relay.Bus }

func (c tampering) Publish(ctx context.Context, events []eventstore.Event) error {
	changed := append([]eventstore.Event(nil), events...)
	for i := range changed {
		if changed[i].Position == 20 {
			changed[i].Body = []byte(`{"amount":"1000000"}`)
		}
	}
	return c.Bus.Publish(ctx, changed)
}

func relayDies(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	b.grow(t, 50)
	for range 3 {
		ctx, die := context.WithCancel(t.Context())
		r, err := relay.New(b.store, b.pool, dying{b.connectLike(t), die}, relay.Options{Name: b.bus.Name(), Batch: 20})
		require.NoError(t, err)
		require.NoError(t, r.Run(ctx))
		require.Zero(t, b.checkpoint(t), "it died before it could record anything")
	}
	b.relay(t, b.bus)
	b.published(t, 50)
	b.has(t, g)
	_, deliveries := g.count()
	require.GreaterOrEqual(t, deliveries, 50+3*20, "each death published a batch once more")
}

// connectLike opens the bus as another process does; the one in process is one process.
func (b *bench) connectLike(t *testing.T) *bus.Bus {
	t.Helper()
	if b.server.kill == nil {
		return b.bus
	}
	return b.connect(t)
}

func relayTakesOver(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	first, stopFirst := b.relay(t, b.bus)
	b.published(t, b.grow(t, 30))
	second, _ := b.relay(t, b.connectLike(t))
	require.True(t, first.State().Owner)
	b.published(t, b.grow(t, 30))
	require.False(t, second.State().Owner, "there is one owner")
	stopFirst()
	b.published(t, b.grow(t, 30))
	require.True(t, second.State().Owner)
	b.has(t, g)
	_, deliveries := g.count()
	require.Equal(t, 90, deliveries, "nobody died: nothing was repeated")
}

func repetitions(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle, Marks: bus.NewRecent(100)})
	_, stop := b.relay(t, b.bus)
	b.published(t, b.grow(t, 40))
	b.has(t, g)
	stop()
	was, err := relay.Seek(t.Context(), b.pool, b.store, b.bus.Name(), 10, false)
	require.NoError(t, err)
	require.Equal(t, int64(40), was)
	b.relay(t, b.bus)
	b.published(t, b.grow(t, 5))
	b.has(t, g)
	_, deliveries := g.count()
	require.Equal(t, 45, deliveries, "30 events were on the bus twice")
}

func away(t *testing.T, s server) {
	if s.kill == nil {
		// The bus in process keeps nothing: the relay waits until everybody is there.
		b, g := setup(t, s), newGroup()
		require.NoError(t, b.bus.Prepare(t.Context(), 0, "g"))
		r, _ := b.relay(t, b.bus)
		b.grow(t, 10)
		require.Eventually(t, func() bool { return r.State().Error != "" }, patience, tick)
		require.Zero(t, b.checkpoint(t))
		consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
		b.has(t, g)
		return
	}
	b, g := setup(t, s), newGroup()
	b.relay(t, b.bus)
	stop := consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	b.published(t, b.grow(t, 30))
	b.has(t, g)
	stop()
	b.published(t, b.grow(t, 30))
	consume(t, b.connect(t), bus.ConsumerOptions{Group: "g", Handle: g.handle})
	b.has(t, g)
	require.Len(t, positions(g.events), 60)
}

func metadata(t *testing.T, s server) {
	b := setup(t, s)
	require.NoError(t, b.bus.Prepare(t.Context(), 0, "g"))
	messages, closeIt, err := b.bus.Read(t.Context(), 0, "g")
	require.NoError(t, err)
	defer func() { require.NoError(t, closeIt()) }()
	b.relay(t, b.bus)
	b.grow(t, 1)
	m, e := <-messages, b.events(t)[0]
	m.Ack()
	require.Equal(t, e.EventID.String(), m.UUID)
	for key, want := range map[string]string{
		bus.KeyShard: "0", bus.KeyPosition: "1", bus.KeyStream: "test-0", bus.KeyVersion: "1", bus.KeyType: "test.happened.v1", bus.KeySchema: "1",
		bus.KeyRecordedAt: relay.Stamp(e.RecordedAt), bus.KeyLeaf: hexOf(e.LeafHash[:]),
	} {
		require.Equal(t, want, m.Metadata.Get(key), key)
	}
}

// serverDies kills the server under load, lets the log grow without it, and starts it again, twice.
func serverDies(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	r, _ := b.relay(t, b.bus)
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	for range 2 {
		b.grow(t, 200)
		require.Eventually(t, func() bool { n, _ := g.count(); return n > len(b.events(t))-150 }, patience, tick, "it is in full swing")
		s.kill(t)
		b.grow(t, 100) // nobody who appends waits for the bus
		require.Eventually(t, func() bool { return r.State().Error != "" }, patience, tick)
		require.False(t, r.State().FailingSince.IsZero())
		s.restart(t)
		b.published(t, b.grow(t, 50))
		require.Empty(t, r.State().Error)
		b.has(t, g)
	}
}
