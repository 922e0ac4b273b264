package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay"
)

// ErrHopeless says, wrapped by a handler's error, that trying again is of no use.
var ErrHopeless = errors.New("trying again is of no use")

// Handler reacts to one event. Events of one stream come one after the other; with Kafka those of different streams may
// come side by side. The context ends when the consumer is to stop. An error is tried again, then the event is poisoned.
type Handler func(ctx context.Context, e eventstore.Event) error

// ConsumerOptions say who reads and how. The zero value means the defaults, but for Group and Handle.
type ConsumerOptions struct {
	// Group is the name under which any number of processes share the work: one of them gets each event.
	Group  string
	Handle Handler
	Shard  int16
	// Retries is how often a failed event is tried again before it goes to the poison topic. 0 means 5, negative never.
	Retries int
	// Backoff is the first wait before a retry; it doubles up to MaxBackoff. 0 means 100 ms and 10 s.
	Backoff, MaxBackoff time.Duration
	// Marks, when given, leave repeated events out.
	Marks Marks
	// OnError, when given, is told why an event or the connection failed, each time. Called concurrently.
	OnError func(error)
	// OnPoison, when given, is told of each event that went to the poison topic: one that needs a person.
	OnPoison func(id, reason string)
}

func (o ConsumerOptions) withDefaults() ConsumerOptions {
	if o.Retries == 0 {
		o.Retries = 5
	}
	if o.Backoff <= 0 {
		o.Backoff = 100 * time.Millisecond
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = 10 * time.Second
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.OnPoison == nil {
		o.OnPoison = func(string, string) {}
	}
	return o
}

// Consumer reads the events of a shard for a group, and hands each to the handler until it succeeds or is poisoned. It
// acknowledges after that, so an event whose consumer dies comes again.
type Consumer struct {
	bus     *Bus
	options ConsumerOptions

	mu       sync.Mutex
	prepared bool // the poison topic is there
}

// NewConsumer makes a consumer.
func (b *Bus) NewConsumer(o ConsumerOptions) (*Consumer, error) {
	if err := CheckName(o.Group); err != nil {
		return nil, fmt.Errorf("the group's name %w", err)
	}
	if o.Handle == nil {
		return nil, errors.New("a consumer needs a handler")
	}
	return &Consumer{bus: b, options: o.withDefaults()}, nil
}

const (
	closeTime = 10 * time.Second // for handlers that are under way
	reconnect = time.Second
)

// Run reads until the context ends, and then returns nil. It connects anew whenever the connection is lost.
func (c *Consumer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := c.read(ctx); err != nil && ctx.Err() == nil {
			c.options.OnError(err)
		}
		rest(ctx, reconnect)
	}
	return nil
}

// read runs a router until the context ends or its subscription does.
func (c *Consumer) read(ctx context.Context) (err error) {
	subscriber, err := c.bus.backend.subscribe(c.options.Group)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subscriber.Close()) }()
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTime}, c.bus.logger)
	if err != nil {
		return fmt.Errorf("prepare the router: %w", err)
	}
	router.AddMiddleware(c.retry(ctx), recoverer)
	router.AddConsumerHandler(c.options.Group, c.bus.Topic(c.options.Shard), subscriber, c.handle)
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("consume %s as %s: %w", c.bus.Topic(c.options.Shard), c.options.Group, err)
	}
	return nil
}

func (c *Consumer) handle(m *message.Message) error {
	e, err := relay.Decode(m.Payload)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHopeless, err)
	}
	marks := c.options.Marks
	if marks != nil {
		seen, err := marks.Seen(m.Context(), &e)
		if err != nil || seen {
			return err
		}
	}
	if err := c.options.Handle(m.Context(), e); err != nil || marks == nil {
		return err
	}
	return marks.Mark(m.Context(), &e)
}

// recoverer turns a panic into an error: a mistake in one event's handling stops neither the process nor the others.
func recoverer(h message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) (out []*message.Message, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic: %v", cause)
			}
		}()
		return h(m)
	}
}

// retry tries a message again, a bounded number of times, and then poisons it. The message waits where it is, so those
// after it in its stream wait too. When the consumer is to stop, the message is given back instead.
func (c *Consumer) retry(ctx context.Context) message.HandlerMiddleware {
	return func(h message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			wait := c.options.Backoff
			for attempt := 1; ; attempt++ {
				out, err := h(m)
				if err == nil {
					return out, nil
				}
				if ctx.Err() != nil || m.Context().Err() != nil {
					return nil, err
				}
				c.options.OnError(fmt.Errorf("handle %s, attempt %d: %w", m.UUID, attempt, err))
				if attempt > c.options.Retries || errors.Is(err, ErrHopeless) {
					return nil, c.poison(ctx, m, err, attempt)
				}
				rest(ctx, wait)
				wait = min(2*wait, c.options.MaxBackoff)
			}
		}
	}
}

// longestReason is a bound of what brokers take as metadata.
const longestReason = 2000

// poison puts a message aside, with the reason. When that fails the message stays.
func (c *Consumer) poison(ctx context.Context, m *message.Message, cause error, attempts int) error {
	topic := c.bus.PoisonTopic(c.options.Shard, c.options.Group)
	ctx, stop := context.WithTimeout(ctx, closeTime)
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.prepared {
		if err := c.bus.backend.prepare(ctx, topic, poisonGroup); err != nil {
			return fmt.Errorf("prepare the poison topic: %w", err)
		}
		c.prepared = true
	}
	aside := m.Copy()
	aside.SetContext(ctx)
	aside.Metadata.Set(KeyReason, reason(cause))
	aside.Metadata.Set(KeyTopic, c.bus.Topic(c.options.Shard))
	aside.Metadata.Set(KeyGroup, c.options.Group)
	aside.Metadata.Set(KeyAttempts, strconv.Itoa(attempts))
	if err := c.bus.backend.publish(ctx, topic, []*message.Message{aside}); err != nil {
		return fmt.Errorf("put a message aside: %w", err)
	}
	c.options.OnPoison(m.UUID, reason(cause))
	return nil
}

// reason is an error as metadata: its code, if it has one, and its text.
func reason(err error) string {
	text := err.Error()
	var coded *domain.Error
	if errors.As(err, &coded) && !strings.Contains(text, string(coded.Code)) {
		text = string(coded.Code) + ": " + text
	}
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")
	return strings.ToValidUTF8(text[:min(len(text), longestReason)], "")
}
