// Package bus has the message buses that the relay feeds, behind watermill's interfaces: in process (gochannel), Redis
// Streams, Kafka and RabbitMQ. What all of them promise is in docs/event-bus.md: each consumer group gets each event at
// least once, and the first deliveries of each stream's events are in the order of their versions.
//
// The package brings the clients of three brokers along; nobody but the wiring imports it.
package bus

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/massrouter/massrouter/eventstore"
)

// DefaultTopic is the topic before the shard's number.
const DefaultTopic = "massrouter.events"

// Options of a Bus.
type Options struct {
	// URL names the backend and its server: memory:, redis://, rediss://, kafka://, amqp:// or amqps://.
	URL string
	// Topic is the topic before the shard's number. "" means DefaultTopic.
	Topic string
	// Logger gets what the libraries have to say. nil is silence.
	Logger watermill.LoggerAdapter
}

// Bus is a connection to a message bus. Opening it needs no server: it connects, and connects again, when it is used.
// Safe for concurrent use.
type Bus struct {
	backend backend
	kind    string
	topic   string
	logger  watermill.LoggerAdapter
}

// backend is one kind of bus.
type backend interface {
	// publish returns nil when all messages are kept, in their order. After an error each stream may have some of its
	// messages there, never one without those before it.
	publish(ctx context.Context, topic string, messages []*message.Message) error
	// prepare makes sure that a group gets what is published to the topic from now on, read or not.
	prepare(ctx context.Context, topic, group string) error
	// subscribe returns a subscriber for one topic. It delivers a message after the one before it of the same stream is
	// acknowledged, to one subscriber of the group at a time, and again if that one goes away without acknowledging it. It
	// stays subscribed while the server is away, or closes its channel; then it is to be closed and made anew.
	subscribe(group string) (message.Subscriber, error)
	close() error
}

// CheckURL says what is wrong with an address. It does not repeat the address, as that may hold a password.
func CheckURL(address string) error {
	b, err := Open(Options{URL: address})
	if err != nil {
		return err
	}
	return b.Close()
}

// Open reads the address; the error is that of CheckURL.
func Open(o Options) (*Bus, error) {
	if o.Topic == "" {
		o.Topic = DefaultTopic
	}
	if o.Logger == nil {
		o.Logger = watermill.NopLogger{}
	}
	if err := CheckName(o.Topic); err != nil {
		return nil, fmt.Errorf("the topic %q %w", o.Topic, err)
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("is no URL")
	}
	b := &Bus{kind: u.Scheme, topic: o.Topic, logger: o.Logger}
	switch u.Scheme {
	case "memory":
		b.backend = newMemory(o.Logger)
	case "redis", "rediss":
		b.kind = "redis"
		b.backend, err = newRedis(o.URL, o.Logger)
	case "kafka":
		b.backend, err = newKafka(u, o.Logger)
	case "amqp", "amqps":
		b.kind = "amqp"
		b.backend, err = newRabbit(o.URL, o.Logger)
	default:
		err = errors.New("begins with none of memory:, redis://, rediss://, kafka://, amqp://, amqps://")
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

var names = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,100}$`)

// CheckName says what is wrong with the name of a topic or group: every broker has to take it.
func CheckName(name string) error {
	if !names.MatchString(name) || name == "." || name == ".." {
		return errors.New("may have 1 to 100 letters, digits, dots, dashes and underscores")
	}
	return nil
}

// Name is that of the relay's checkpoint: what is on one bus is not on another.
func (b *Bus) Name() string { return b.kind + ":" + b.topic }

// Topic is where the events of a shard go.
func (b *Bus) Topic(shard int16) string { return b.topic + "." + strconv.Itoa(int(shard)) }

// PoisonTopic is where a group's events of a shard go that it cannot handle.
func (b *Bus) PoisonTopic(shard int16, group string) string {
	return b.Topic(shard) + "." + group + poisonSuffix
}

const poisonSuffix = ".poison"

// poisonGroup reads every poison topic: what is there is kept for it.
const poisonGroup = "operators"

// Publish implements relay.Bus. All events must be of one shard.
func (b *Bus) Publish(ctx context.Context, events []eventstore.Event) error {
	if len(events) == 0 {
		return nil
	}
	messages := make([]*message.Message, len(events))
	for i := range events {
		if events[i].Shard != events[0].Shard {
			return errors.New("the events are of several shards")
		}
		var err error
		if messages[i], err = newMessage(&events[i]); err != nil {
			return err
		}
	}
	return b.backend.publish(ctx, b.Topic(events[0].Shard), messages)
}

// Prepare makes sure that a group gets everything that is published from now on. RabbitMQ and the bus in process keep
// nothing for a group that they have not heard of; Redis and Kafka give a new group everything that they still have.
func (b *Bus) Prepare(ctx context.Context, shard int16, group string) error {
	if err := CheckName(group); err != nil {
		return fmt.Errorf("the group's name %w", err)
	}
	return b.backend.prepare(ctx, b.Topic(shard), group)
}

// Read is for who wants the bare messages of a shard; NewConsumer is for all others. Each message waits until the one before
// it is acknowledged. The channel is closed when the connection is lost for good or closeIt is called, which gives
// everything back.
func (b *Bus) Read(ctx context.Context, shard int16, group string) (messages <-chan *message.Message, closeIt func() error, err error) {
	return b.subscribe(ctx, b.Topic(shard), group)
}

func (b *Bus) subscribe(ctx context.Context, topic, group string) (messages <-chan *message.Message, closeIt func() error, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		if err != nil {
			stop()
		}
	}()
	subscriber, err := b.backend.subscribe(group)
	if err != nil {
		return nil, nil, err
	}
	messages, err = subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, nil, errors.Join(err, subscriber.Close())
	}
	return messages, func() error {
		stop()
		return subscriber.Close()
	}, nil
}

// Poisoned is Read for the events that a group could not handle.
func (b *Bus) Poisoned(ctx context.Context, shard int16, group string) (<-chan *message.Message, func() error, error) {
	topic := b.PoisonTopic(shard, group)
	if err := b.backend.prepare(ctx, topic, poisonGroup); err != nil {
		return nil, nil, err
	}
	return b.subscribe(ctx, topic, poisonGroup)
}

// Close ends what the bus has open. Consumers must have ended before.
func (b *Bus) Close() error { return b.backend.close() }
