package bus_test

import (
	"context"
	"fmt"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
)

// A consumer reacts to events. Publish is what the relay does.
func Example() {
	b, err := bus.Open(bus.Options{URL: "memory:"})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c, err := b.NewConsumer(bus.ConsumerOptions{
		Group: "search-index",
		Handle: func(_ context.Context, e eventstore.Event) error {
			fmt.Println(e.Position, e.StreamID, e.StreamVersion, e.Type)
			return nil
		},
		Marks: bus.NewRecent(10_000),
	})
	if err != nil {
		panic(err)
	}
	if err := b.Prepare(ctx, 0, "search-index"); err != nil {
		panic(err)
	}
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	for b.Publish(ctx, events(1, 2)) != nil { // until the group is there and has acknowledged both
	}
	stop()
	if err := <-ended; err != nil {
		panic(err)
	}
	_ = b.Close()
	// Output:
	// 1 test-a 1 test.happened.v1
	// 2 test-a 2 test.happened.v1
}
