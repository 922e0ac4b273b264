package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
)

// Broker is a running, frozen or killed broker. Its methods are for the goroutine of a test.
type Broker struct {
	engine engine
	secure *Secure
}

// engine runs a broker in some way. Its port and its data outlive a kill.
type engine interface {
	kind() Kind
	address() string
	start(ctx context.Context) error // on the data that is there; returns before the broker answers
	ended() <-chan struct{}          // closed when the broker that start started has ended
	log() string                     // the end of what the broker wrote, for an error
	kill() error                     // SIGKILL, and wait; no error when it has ended already
	freeze(stop bool) error          // SIGSTOP and SIGCONT
	remove() error                   // after kill: gives everything back
}

//nolint:gochecknoglobals // said once a process
var announce sync.Once

// launch starts a broker of the best kind that can be had. A kind that can be had but does not start is an error: a
// lesser one would hide it.
func launch(ctx context.Context, o Options) (*Broker, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var errs []error
	for _, choose := range []func(context.Context, Options) (*Broker, error){newJava, newContainer, newFake} {
		b, err := choose(ctx, o)
		if errors.Is(err, errNotHere) {
			errs = append(errs, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		announce.Do(func() {
			for _, why := range errs {
				fmt.Fprintln(os.Stderr, "kafkatest:", why)
			}
			fmt.Fprintln(os.Stderr, "kafkatest: the broker is", b.Kind())
		})
		if err := b.start(ctx); err != nil {
			return nil, errors.Join(err, b.remove())
		}
		return b, nil
	}
	return nil, errors.Join(errs...)
}

// Choose says which kind of broker this machine gives, after fetching what that needs. Nothing is started.
func Choose(ctx context.Context) (Kind, error) {
	_, err := javaProgram(ctx)
	if err == nil {
		_, err = jarFolder(ctx)
	}
	switch {
	case err == nil:
		return Jars, nil
	case !errors.Is(err, errNotHere):
		return "", err
	}
	if _, err := docker(ctx, "info"); err == nil {
		return Docker, nil
	}
	return Fake, nil
}

// errNotHere says that a kind of broker cannot be had on this machine.
var errNotHere = errors.New("cannot be had here")

// Kind says what the broker really is.
func (b *Broker) Kind() Kind { return b.engine.kind() }

// Address is host:port of the listener without encryption. It stays the same when the broker is killed and restarted.
func (b *Broker) Address() string { return b.engine.address() }

// Kill ends the broker with SIGKILL, as a crash would, and waits until it is gone. The data stays.
func (b *Broker) Kill(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, b.engine.kill())
}

// Restart kills the broker if it runs, starts it on the same data and port, and waits until it answers.
func (b *Broker) Restart(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	require.NoError(tb, b.engine.kill())
	require.NoError(tb, b.start(ctx))
}

// Freeze stops the broker's process where it is (SIGSTOP): connections stay open and nothing answers.
func (b *Broker) Freeze(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, b.engine.freeze(true))
}

// Thaw lets a frozen broker go on.
func (b *Broker) Thaw(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, b.engine.freeze(false))
}

// Fill makes the broker's disk full, as far as the broker can see: it may not make any file longer than it is. Restart makes
// room again. Only the jars on Linux have it.
func (b *Broker) Fill(tb testing.TB) {
	tb.Helper()
	j, ok := b.engine.(*java)
	require.True(tb, ok, "only Kafka's own process can be limited")
	require.NoError(tb, j.fill())
}

// Topic makes a topic with a name of its own and waits until its partitions have leaders.
func (b *Broker) Topic(tb testing.TB, partitions int, settings ...kafka.ConfigEntry) string {
	tb.Helper()
	name := b.Name()
	client, done := b.client()
	defer done()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: name, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: settings,
	}}})
	require.NoError(tb, err)
	require.NoError(tb, answer.Errors[name])
	require.NoError(tb, until(ctx, nil, func() error {
		metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
		switch {
		case err != nil:
			return err
		case len(metadata.Topics) != 1 || metadata.Topics[0].Error != nil || len(metadata.Topics[0].Partitions) != partitions:
			return fmt.Errorf("the topic is not there yet: %+v", metadata.Topics)
		}
		for _, p := range metadata.Topics[0].Partitions {
			if p.Error != nil || p.Leader.Host == "" {
				return fmt.Errorf("partition %d has no leader yet: %w", p.ID, p.Error)
			}
		}
		return leads(ctx, client, name, partitions)
	}))
	return name
}

// leads asks every partition for its end: a leader that was named may not know it yet.
func leads(ctx context.Context, client *kafka.Client, topic string, partitions int) error {
	ask := make([]kafka.OffsetRequest, partitions)
	for p := range ask {
		ask[p] = kafka.LastOffsetOf(p)
	}
	answer, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return err
	}
	for _, o := range answer.Topics[topic] {
		if o.Error != nil {
			return fmt.Errorf("partition %d does not answer yet: %w", o.Partition, o.Error)
		}
	}
	return nil
}

// Name is a topic's name that nobody else uses; the topic is not made.
func (*Broker) Name() string { return "test-" + uuid.NewString() }

// Records reads everything that is in a topic now, in the order of each partition; the index is the partition.
func (b *Broker) Records(tb testing.TB, topic string) [][]kafka.Message {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	client, done := b.client()
	defer done()
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	require.NoError(tb, err)
	require.Len(tb, metadata.Topics, 1)
	require.NoError(tb, metadata.Topics[0].Error)
	all := make([][]kafka.Message, len(metadata.Topics[0].Partitions))
	for p := range all {
		all[p] = b.partition(ctx, tb, topic, p)
	}
	return all
}

func (b *Broker) partition(ctx context.Context, tb testing.TB, topic string, partition int) []kafka.Message {
	tb.Helper()
	conn, err := kafka.DialLeader(ctx, "tcp", b.Address(), topic, partition)
	require.NoError(tb, err)
	first, end, err := conn.ReadOffsets()
	require.NoError(tb, errors.Join(err, conn.Close()))
	if first == end {
		return nil
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{b.Address()}, Topic: topic, Partition: partition, MaxWait: 100 * time.Millisecond,
	})
	defer func() { require.NoError(tb, reader.Close()) }()
	require.NoError(tb, reader.SetOffset(first))
	messages := make([]kafka.Message, 0, end-first)
	for next := first; next < end; {
		m, err := reader.ReadMessage(ctx)
		require.NoError(tb, err)
		if m.Offset != next { // the client passes over what it did not get in time; offsets have no gaps
			require.NoError(tb, reader.SetOffset(next))
			continue
		}
		messages, next = append(messages, m), next+1
	}
	return messages
}

func (b *Broker) client() (*kafka.Client, func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{Addr: kafka.TCP(b.Address()), Transport: transport, Timeout: 10 * time.Second},
		transport.CloseIdleConnections
}

// start starts the broker and waits until it is a member of its own cluster.
func (b *Broker) start(ctx context.Context) error {
	if err := b.engine.start(ctx); err != nil {
		return err
	}
	err := until(ctx, b.engine.ended(), func() error {
		client, done := b.client() // a new one: connections to the broker before are dead
		defer done()
		metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
		if err == nil && len(metadata.Brokers) == 0 {
			err = errors.New("the broker has not joined its cluster yet")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("start %s: %w\n%s", b.Kind(), err, lastLines(b.engine.log()))
	}
	return nil
}

func (b *Broker) remove() error { return errors.Join(b.engine.kill(), b.engine.remove()) }

// until repeats a question until it has no error any more, done is closed, or ctx ends.
func until(ctx context.Context, done <-chan struct{}, ask func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// lastLines keeps the end of a log.
func lastLines(text string) string {
	const most = 15
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
