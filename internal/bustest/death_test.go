package bustest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
)

// The environment of a test process that is only a consumer.
const (
	childURL   = "MASSROUTER_BUSTEST_URL"
	childTopic = "MASSROUTER_BUSTEST_TOPIC"
)

// beConsumer acknowledges five events of group g, says so, takes the sixth and keeps it until it is killed.
func beConsumer(url, topic string) (code int) {
	b, err := bus.Open(bus.Options{URL: url, Topic: topic})
	if err != nil {
		return 1
	}
	handled := 0
	c, err := b.NewConsumer(bus.ConsumerOptions{Group: "g", Handle: func(context.Context, eventstore.Event) error {
		if handled++; handled <= 5 {
			return nil
		}
		fmt.Println("took the sixth")
		select {}
	}})
	if err != nil || c.Run(context.Background()) != nil {
		return 1
	}
	return 0
}

// processDies kills a process with SIGKILL that has an event in hand; another one gets everything that it did not acknowledge.
func processDies(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	require.NoError(t, b.bus.Prepare(t.Context(), 0, "g"))
	b.relay(t, b.bus)
	b.grow(t, 40)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childURL+"="+s.url, childTopic+"="+b.topic)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "took the sixth\n", line)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())

	first := make(chan eventstore.Event, 1)
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: func(ctx context.Context, e eventstore.Event) error {
		select {
		case first <- e:
		default:
		}
		g.mu.Lock()
		if g.versions[e.StreamID] == 0 { // what came before, the dead process had
			g.versions[e.StreamID] = e.StreamVersion - 1
		}
		g.mu.Unlock()
		return g.handle(ctx, e)
	}})
	head := b.grow(t, 20)
	missing := func() (n int) {
		g.mu.Lock()
		defer g.mu.Unlock()
		for p := int64(1); p <= head; p++ {
			if _, ok := g.events[p]; !ok {
				n++
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return missing() <= 5 }, patience, tick, "only what was acknowledged stays away")
	require.Empty(t, g.disorder)
	if b.bus.Name() != "kafka:"+b.topic { // whose partitions have an order each
		require.LessOrEqual(t, (<-first).Position, int64(6), "the event in hand comes before all later ones")
	}
}

// serverHangs stops a server where it is, with all of its connections, and lets it go on.
func serverHangs(t *testing.T, s server) {
	b, g := setup(t, s), newGroup()
	r, err := relay.New(b.store, b.pool, b.bus, relay.Options{
		Name: b.bus.Name(), Batch: 20, Backoff: 10 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, Timeout: 500 * time.Millisecond,
	})
	require.NoError(t, err)
	start(t, r.Run)
	consume(t, b.bus, bus.ConsumerOptions{Group: "g", Handle: g.handle})
	require.Eventually(t, func() bool { return r.State().Owner }, patience, tick)
	b.grow(t, 30)
	b.has(t, g)
	s.freeze(t)
	b.grow(t, 30)
	require.Eventually(t, func() bool { return r.State().Error != "" }, patience, tick)
	b.grow(t, 30)
	s.thaw(t)
	b.has(t, g)
	b.published(t, 90)
}
