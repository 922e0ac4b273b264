package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp091 "github.com/rabbitmq/amqp091-go"
)

// rabbitSubscriber reads queues, each on a connection of its own, and begins with another one when that is lost. (The subscriber of
// watermill-amqp 3.0.1 does so with fields that its goroutines share without a lock.)
type rabbitSubscriber struct {
	bus     *rabbit
	group   string
	mu      sync.Mutex
	stops   []context.CancelFunc
	running sync.WaitGroup
}

// Subscribe implements message.Subscriber.
func (s *rabbitSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	ctx, stop := context.WithCancel(ctx)
	s.mu.Lock()
	s.stops = append(s.stops, stop)
	s.mu.Unlock()
	out := make(chan *message.Message)
	s.running.Go(func() {
		defer close(out)
		defer stop()
		for ctx.Err() == nil {
			if err := s.follow(ctx, topic, out); err != nil && ctx.Err() == nil {
				s.bus.logger.Error("the RabbitMQ subscription is begun anew", err, watermill.LogFields{"topic": topic, "group": s.group})
			}
			rest(ctx, rabbitReconnect/4)
		}
	})
	return out, nil
}

// follow hands messages over until nothing comes any more.
func (s *rabbitSubscriber) follow(ctx context.Context, topic string, out chan<- *message.Message) error {
	q, err := s.bus.open(topic, s.group)
	if err != nil {
		return err
	}
	defer q.close() // what is not acknowledged goes back to the queue
	lost := q.conn.NotifyClose(make(chan *amqp091.Error, 1))
	deliveries, err := q.channel.Consume(q.name, "", false, false, false, false, nil)
	if err != nil {
		return connecting(err)
	}
	return hand(ctx, deliveries, lost, out)
}

var errLost = errors.New("the connection was lost")

// gone says why, if the broker did.
func gone(cause *amqp091.Error) error {
	if cause == nil {
		return errLost
	}
	return fmt.Errorf("%w: %w", errLost, cause)
}

// hand gives one delivery after the other out, each after the one before was acknowledged or given back.
func hand(ctx context.Context, deliveries <-chan amqp091.Delivery, lost <-chan *amqp091.Error, out chan<- *message.Message) error {
	for {
		var d amqp091.Delivery
		var open bool
		select {
		case d, open = <-deliveries:
			if !open {
				return errLost
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		m, err := rabbitMarshaler{}.Unmarshal(d)
		if err != nil {
			return fmt.Errorf("read a delivery: %w", err)
		}
		m.SetContext(ctx)
		select {
		case out <- m:
		case cause := <-lost:
			return gone(cause)
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-m.Acked():
			err = d.Ack(false)
		case <-m.Nacked():
			err = d.Nack(false, true)
		case cause := <-lost:
			err = gone(cause)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// Close implements message.Subscriber.
func (s *rabbitSubscriber) Close() error {
	s.mu.Lock()
	for _, stop := range s.stops {
		stop()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// rabbitQueue is a declared queue on a connection of its own.
type rabbitQueue struct {
	conn    *amqp091.Connection
	channel *amqp091.Channel
	name    string
}

// open connects, and declares the exchange of a topic and the queue of a group.
func (r *rabbit) open(topic, group string) (_ *rabbitQueue, err error) {
	config := r.config(group)
	q := &rabbitQueue{name: config.Queue.GenerateName(topic)}
	if q.conn, err = amqp091.DialConfig(r.address, *config.Connection.AmqpConfig); err != nil {
		return nil, connecting(err)
	}
	defer func() {
		if err != nil {
			q.close()
		}
	}()
	if q.channel, err = q.conn.Channel(); err != nil {
		return nil, connecting(err)
	}
	if err := q.channel.Qos(config.Consume.Qos.PrefetchCount, 0, false); err != nil {
		return nil, connecting(err)
	}
	if err := config.TopologyBuilder.BuildTopology(q.channel, amqp.BuildTopologyParams{
		Topic: topic, QueueName: q.name, ExchangeName: config.Exchange.GenerateName(topic),
	}, config, r.logger); err != nil {
		return nil, connecting(err)
	}
	return q, nil
}

// close ends the connection, also one to a broker that does not answer.
func (q *rabbitQueue) close() { _ = q.conn.CloseDeadline(time.Now().Add(time.Second)) }
