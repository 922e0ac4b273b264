package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
)

// The suite of all buses against their servers is in internal/bustest; here is what needs no server, under the race detector.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = time.Minute
	tick     = time.Millisecond
)

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	for _, address := range []string{
		"", ":", "nats://host", "redis://:" + secret + "@host:port:0/x", "redis://:" + secret + "@host/notanumber", "kafka://", "kafka://host:1?partitions=0",
		"kafka://u:" + secret + "@host:1?partitions=many", "kafka://host:1?replication=-2", "amqp://u:" + secret + "@host:port/", "amqp://u:" + secret + "@ho st/",
	} {
		err := bus.CheckURL(address)
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), secret)
	}
	for address, name := range map[string]string{
		"memory:": "memory:massrouter.events", "redis://:" + secret + "@host:1/2": "redis:massrouter.events", "rediss://host:1": "redis:massrouter.events",
		"kafka://a:1,b:2?partitions=3&replication=2&tls=true": "kafka:massrouter.events", "amqp://u:p@host:1/v": "amqp:massrouter.events",
		"amqps://host": "amqp:massrouter.events",
	} {
		require.NoError(t, bus.CheckURL(address), address)
		b, err := bus.Open(bus.Options{URL: address})
		require.NoError(t, err, "opening needs no server")
		require.Equal(t, name, b.Name())
		require.NoError(t, b.Close())
	}
}

func TestNamesThatABrokerWouldNotTake(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "a b", "a/b", "a*", "ü", strings.Repeat("a", 101), "a\n"} {
		require.Error(t, bus.CheckName(name), "%q", name)
		if name != "" { // which is the default
			_, err := bus.Open(bus.Options{URL: "memory:", Topic: name})
			require.Error(t, err)
		}
	}
	require.NoError(t, bus.CheckName("Some-topic_1.x"))
	b := open(t)
	_, err := b.NewConsumer(bus.ConsumerOptions{Group: "a b", Handle: func(context.Context, eventstore.Event) error { return nil }})
	require.Error(t, err)
	_, err = b.NewConsumer(bus.ConsumerOptions{Group: "g"})
	require.Error(t, err, "no handler")
	require.Error(t, b.Prepare(t.Context(), 0, "a b"))
}

func open(t *testing.T) *bus.Bus {
	t.Helper()
	b, err := bus.Open(bus.Options{URL: "memory:"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// events are consecutive ones of one stream.
func events(from, to int64) []eventstore.Event {
	var all []eventstore.Event
	for p := from; p <= to; p++ {
		e := eventstore.Event{
			Position: p, StreamID: "test-a", StreamVersion: p, EventID: uuid.New(), Type: "test.happened.v1", SchemaVersion: 1,
			RecordedAt: time.UnixMicro(p).UTC(), EffectiveAt: time.UnixMicro(p).UTC(), Body: []byte(`{}`),
		}
		e.LeafHash = eventstore.Leaf(&e)
		all = append(all, e)
	}
	return all
}

// consume runs a consumer until the test or the returned function ends it.
func consume(t *testing.T, b *bus.Bus, o bus.ConsumerOptions) (stop func()) {
	t.Helper()
	require.NoError(t, b.Prepare(t.Context(), 0, o.Group))
	c, err := b.NewConsumer(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

// publish publishes as the relay does: again until it succeeds.
func publish(t *testing.T, b *bus.Bus, all []eventstore.Event) {
	t.Helper()
	require.Eventually(t, func() bool { return b.Publish(t.Context(), all) == nil }, patience, tick)
}

func TestInProcessAnEventCountsWhenEveryGroupHasAcknowledgedIt(t *testing.T) {
	t.Parallel()
	b := open(t)
	require.NoError(t, b.Publish(t.Context(), events(1, 3)), "nobody wants them")
	require.NoError(t, b.Publish(t.Context(), nil))
	release, got := make(chan struct{}), make(chan int64, 10)
	slow := func(ctx context.Context, e eventstore.Event) error {
		select {
		case <-release:
			select {
			case got <- e.Position:
			default: // it came again
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	stop := consume(t, b, bus.ConsumerOptions{Group: "slow", Handle: slow})
	consume(t, b, bus.ConsumerOptions{Group: "fast", Handle: func(context.Context, eventstore.Event) error { return nil }})
	done := make(chan error, 1)
	go func() {
		for {
			if err := b.Publish(t.Context(), events(4, 4)); err == nil || t.Context().Err() != nil {
				done <- err
				return
			}
		}
	}()
	stop()
	require.Error(t, b.Publish(t.Context(), events(4, 4)), "the group is known and nobody is there")
	select {
	case err := <-done:
		require.Fail(t, "published without an acknowledgement", "%v", err)
	default:
	}
	close(release)
	consume(t, b, bus.ConsumerOptions{Group: "slow", Handle: slow})
	require.NoError(t, <-done)
	require.Equal(t, int64(4), <-got)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	consume(t, b, bus.ConsumerOptions{Group: "never", Handle: func(ctx context.Context, _ eventstore.Event) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	require.Error(t, b.Publish(ctx, events(5, 5)), "the relay ends, whoever takes how long")
}

func TestRetriesAreBoundedAndHopelessOnesAreNone(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		retries, attempts int
		err               error
	}{
		"as many as asked for": {3, 4, errors.New("no")},
		"none":                 {-1, 1, errors.New("no")},
		"hopeless":             {3, 1, fmt.Errorf("no: %w", bus.ErrHopeless)},
		"coded":                {1, 2, domain.Errorf(domain.CodeWalletNotFound, "no")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			var attempts int
			poisoned := make(chan string, 1)
			consume(t, b, bus.ConsumerOptions{
				Group: "g", Retries: row.retries, Backoff: tick, OnPoison: func(_, reason string) { poisoned <- reason },
				Handle: func(context.Context, eventstore.Event) error {
					attempts++
					return row.err
				},
			})
			publish(t, b, events(1, 1))
			reason := <-poisoned
			require.Contains(t, reason, "no")
			if code := domain.CodeOf(row.err); code == domain.CodeWalletNotFound {
				require.Contains(t, reason, string(code))
			}
			require.Equal(t, row.attempts, attempts)
		})
	}
}

func TestAReasonIsBounded(t *testing.T) {
	t.Parallel()
	b := open(t)
	poisoned := make(chan string, 1)
	consume(t, b, bus.ConsumerOptions{
		Group: "g", Retries: -1, OnPoison: func(_, reason string) { poisoned <- reason },
		Handle: func(context.Context, eventstore.Event) error { return errors.New(strings.Repeat("é\x00\xff", 5000)) },
	})
	publish(t, b, events(1, 1))
	reason := <-poisoned
	require.LessOrEqual(t, len(reason), 2000)
	require.NotContains(t, reason, "\x00")
	require.True(t, strings.HasPrefix(reason, "é?é?"))
}

func TestMarksThatFailAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	handled := make(chan int64, 10)
	consume(t, b, bus.ConsumerOptions{
		Group: "g", Backoff: tick, Marks: &shaky{Recent: bus.NewRecent(1), fails: 2},
		Handle: func(_ context.Context, e eventstore.Event) error {
			handled <- e.Position
			return nil
		},
	})
	publish(t, b, events(1, 2))
	require.Equal(t, int64(1), <-handled)
	require.Equal(t, int64(2), <-handled)
}

// shaky are marks that cannot be read a few times.
type shaky struct {
	*bus.Recent
	fails int
}

func (s *shaky) Seen(ctx context.Context, e *eventstore.Event) (bool, error) {
	if s.fails--; s.fails >= 0 {
		return false, errors.New("the marks cannot be read")
	}
	return s.Recent.Seen(ctx, e)
}

func TestEventsOfSeveralShardsAreNotOneBatch(t *testing.T) {
	t.Parallel()
	all := events(1, 2)
	all[1].Shard = 1
	require.Error(t, open(t).Publish(t.Context(), all))
}

// TestRecentLeavesOutRepetitionsOnly compares the marks with a set of all addresses, for streams that it does not forget.
func TestRecentLeavesOutRepetitionsOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const streams = 4
		r, handled, next := bus.NewRecent(streams), map[string]bool{}, [streams]int64{}
		for range rapid.IntRange(1, 60).Draw(t, "deliveries") {
			s := rapid.IntRange(0, streams-1).Draw(t, "stream")
			// A delivery is the next event of its stream or a repetition of one before.
			version := rapid.Int64Range(1, next[s]+1).Draw(t, "version")
			e := eventstore.Event{StreamID: domain.NewStreamID("test", fmt.Sprint(s)), StreamVersion: version}
			key := fmt.Sprint(s, "/", version)
			seen, err := r.Seen(context.Background(), &e)
			require.NoError(t, err)
			require.Equal(t, handled[key], seen, key)
			if !seen {
				require.NoError(t, r.Mark(context.Background(), &e))
				handled[key], next[s] = true, version
			}
		}
	})
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	ctx, r := t.Context(), bus.NewRecent(2)
	at := func(stream string) *eventstore.Event {
		return &eventstore.Event{StreamID: domain.StreamID(stream), StreamVersion: 1}
	}
	for _, stream := range []string{"a", "b", "c"} {
		require.NoError(t, r.Mark(ctx, at(stream)))
	}
	for stream, want := range map[string]bool{"a": false, "b": true, "c": true} {
		seen, err := r.Seen(ctx, at(stream))
		require.NoError(t, err)
		require.Equal(t, want, seen, stream)
	}
	other := at("b")
	other.Shard = 1
	seen, err := r.Seen(ctx, other)
	require.NoError(t, err)
	require.False(t, seen, "another shard is another stream")
}
