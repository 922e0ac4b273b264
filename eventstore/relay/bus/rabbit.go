package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp091 "github.com/rabbitmq/amqp091-go"
)

// rabbit is a durable fanout exchange a topic, and a durable queue for each group that reads it. The queue has one active
// consumer, which gets one message at a time: the order of the queue is the order of the reader, also through nacks.
type rabbit struct {
	address string
	logger  watermill.LoggerAdapter
	work    patience

	mu        sync.Mutex
	publisher *amqp.Publisher
}

const (
	rabbitTimeout   = 10 * time.Second
	rabbitReconnect = 2 * time.Second // the publisher's longest wait between two tries
)

func newRabbit(address string, logger watermill.LoggerAdapter) (*rabbit, error) {
	if _, err := amqp091.ParseURI(address); err != nil {
		return nil, errors.New("is no address of a RabbitMQ: amqp://user:password@host:port/vhost")
	}
	return &rabbit{address: address, logger: logger, work: newPatience()}, nil
}

func (r *rabbit) config(group string) amqp.Config {
	reconnect := amqp.DefaultReconnectConfig()
	reconnect.BackoffInitialInterval, reconnect.BackoffMaxInterval = rabbitReconnect/20, rabbitReconnect
	name := func(topic string) string { return topic }
	none := func(string) string { return "" }
	return amqp.Config{
		Connection: amqp.ConnectionConfig{
			AmqpURI: r.address, Reconnect: reconnect,
			AmqpConfig: &amqp091.Config{Heartbeat: rabbitTimeout, Locale: "en_US", Dial: amqp091.DefaultDial(rabbitTimeout)},
		},
		Marshaler: rabbitMarshaler{},
		Exchange:  amqp.ExchangeConfig{GenerateName: name, Type: "fanout", Durable: true},
		Queue: amqp.QueueConfig{
			GenerateName: func(topic string) string { return topic + "." + group }, Durable: true,
			Arguments: amqp091.Table{"x-single-active-consumer": true},
		},
		QueueBind: amqp.QueueBindConfig{GenerateRoutingKey: none},
		// A transaction sends a whole batch and is answered when every queue has all of it on its disk.
		Publish:         amqp.PublishConfig{GenerateRoutingKey: none, Transactional: true},
		Consume:         amqp.ConsumeConfig{Qos: amqp.QosConfig{PrefetchCount: 1}},
		TopologyBuilder: &amqp.DefaultTopologyBuilder{},
	}
}

// rabbitMarshaler leaves out headers that are not ours.
type rabbitMarshaler struct{ amqp.DefaultMarshaler }

// Unmarshal implements amqp.Marshaler.
func (m rabbitMarshaler) Unmarshal(d amqp091.Delivery) (*message.Message, error) {
	for key, value := range d.Headers {
		if _, ok := value.(string); !ok { // what brokers and plugins add
			delete(d.Headers, key)
		}
	}
	return m.DefaultMarshaler.Unmarshal(d)
}

func (r *rabbit) publish(ctx context.Context, topic string, messages []*message.Message) error {
	return r.work.do(ctx, func() error {
		p, err := r.connect()
		if err != nil {
			return err
		}
		return p.Publish(topic, messages...)
	}, r.drop)
}

func (r *rabbit) connect() (*amqp.Publisher, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.publisher != nil {
		return r.publisher, nil
	}
	p, err := amqp.NewPublisher(r.config(""), r.logger)
	if err != nil {
		return nil, connecting(err)
	}
	r.publisher = p
	return p, nil
}

// connecting keeps the address out of errors.
func connecting(err error) error {
	var network *net.OpError
	if errors.As(err, &network) {
		return fmt.Errorf("connect to RabbitMQ: %w", network)
	}
	var broker *amqp091.Error
	if errors.As(err, &broker) {
		return fmt.Errorf("connect to RabbitMQ: %w", broker)
	}
	return errors.New("connect to RabbitMQ: it does not answer")
}

// drop cuts the connection under work that does not end: a broker out of memory or disk stops reading, for ever. The
// publisher connects anew by itself.
func (r *rabbit) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.publisher != nil && r.publisher.IsConnected() {
		go func(c *amqp091.Connection) { _ = c.CloseDeadline(time.Now().Add(time.Second)) }(r.publisher.Connection())
	}
}

// prepare declares exchange and queue.
func (r *rabbit) prepare(ctx context.Context, topic, group string) error {
	return r.work.do(ctx, func() error {
		q, err := r.open(topic, group)
		if err == nil {
			q.close()
		}
		return err
	}, func() {})
}

func (r *rabbit) subscribe(group string) (message.Subscriber, error) {
	return &rabbitSubscriber{bus: r, group: group}, nil
}

func (r *rabbit) close() error {
	ended := r.work.last()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.publisher == nil || !ended { // what hangs ends with the process
		return nil
	}
	return r.publisher.Close()
}
