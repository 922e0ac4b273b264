package bus

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
)

// kafkaBus is a topic of several partitions; the stream is the key, so a stream's events are in one partition.
type kafkaBus struct {
	brokers []string
	config  func() *sarama.Config
	detail  sarama.TopicDetail
	logger  watermill.LoggerAdapter
	work    patience

	mu        sync.Mutex
	publisher *kafka.Publisher
	made      map[string]bool // topics
}

const (
	lanes             = 16 // streams that are sent side by side
	defaultPartitions = 12
	kafkaTimeout      = 10 * time.Second
)

func newKafka(u *url.URL, logger watermill.LoggerAdapter) (*kafkaBus, error) {
	k := &kafkaBus{
		brokers: strings.Split(u.Host, ","), logger: logger, work: newPatience(), made: map[string]bool{},
		detail: sarama.TopicDetail{NumPartitions: defaultPartitions, ReplicationFactor: -1}, // the broker's default
	}
	if u.Host == "" {
		return nil, errors.New("names no broker: kafka://host:9092,host:9092")
	}
	q := u.Query()
	partitions, err := number(q, "partitions", defaultPartitions, 10_000)
	if err != nil {
		return nil, err
	}
	replicas, err := number(q, "replication", -1, 100)
	if err != nil {
		return nil, err
	}
	k.detail.NumPartitions, k.detail.ReplicationFactor = int32(partitions), int16(replicas) //nolint:gosec // bounded
	secure := q.Get("tls") == "true"
	user := u.User
	k.config = func() *sarama.Config {
		c := sarama.NewConfig()
		c.Version = sarama.V2_6_0_0 // the oldest that knows the broker's default replication; every newer broker speaks it
		c.ClientID = "massrouter"
		c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = kafkaTimeout, kafkaTimeout, kafkaTimeout
		c.Net.TLS.Enable = secure
		if user != nil {
			c.Net.SASL.Enable = true
			c.Net.SASL.User = user.Username()
			c.Net.SASL.Password, _ = user.Password()
		}
		c.Producer.RequiredAcks = sarama.WaitForAll
		c.Producer.Return.Successes = true
		c.Producer.Timeout = kafkaTimeout
		c.Producer.MaxMessageBytes = 16 << 20 // the broker has its own limit
		c.Consumer.Return.Errors = true
		c.Consumer.Offsets.Initial = sarama.OffsetOldest
		return c
	}
	return k, nil
}

// number is a whole number of the address's query.
func number(q url.Values, name string, otherwise, most int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("has %s that is not between 1 and %d", name, most)
	}
	return n, nil
}

func (k *kafkaBus) prepare(ctx context.Context, topic, _ string) error {
	return k.work.do(ctx, func() error { return k.ensure(topic) }, func() {})
}

// ensure makes the topic if it is not there.
func (k *kafkaBus) ensure(topic string) error {
	k.mu.Lock()
	made := k.made[topic]
	k.mu.Unlock()
	if made {
		return nil
	}
	admin, err := sarama.NewClusterAdmin(k.brokers, k.config())
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer func() { _ = admin.Close() }() // nothing is under way any more
	detail := k.detail
	err = admin.CreateTopic(topic, &detail, false)
	if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("make the Kafka topic %s: %w", topic, err)
	}
	k.mu.Lock()
	k.made[topic] = true
	k.mu.Unlock()
	return nil
}

// publish sends the messages of each stream one after the other and those of others beside them: Kafka answers each one,
// and one that fails is followed by none of its stream.
func (k *kafkaBus) publish(ctx context.Context, topic string, messages []*message.Message) error {
	return k.work.do(ctx, func() error {
		if err := k.ensure(topic); err != nil {
			return err
		}
		publisher, err := k.connect()
		if err != nil {
			return err
		}
		var byLane [lanes][]*message.Message
		for _, m := range messages {
			h := fnv.New32a()
			_, _ = h.Write([]byte(m.Metadata.Get(KeyStream))) // a hash takes everything
			lane := h.Sum32() % lanes
			byLane[lane] = append(byLane[lane], m)
		}
		var all sync.WaitGroup
		var failed [lanes]error
		for i, mine := range byLane {
			if len(mine) > 0 {
				all.Go(func() { failed[i] = publisher.Publish(topic, mine...) })
			}
		}
		all.Wait()
		return errors.Join(failed[:]...)
	}, func() {})
}

func (k *kafkaBus) connect() (*kafka.Publisher, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.publisher != nil {
		return k.publisher, nil
	}
	p, err := kafka.NewPublisher(kafka.PublisherConfig{
		Brokers: k.brokers, OverwriteSaramaConfig: k.config(), Marshaler: keyed(),
	}, k.logger)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	k.publisher = p
	return p, nil
}

// keyed gives each message its stream as the key.
func keyed() kafka.MarshalerUnmarshaler {
	return kafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) { return m.Metadata.Get(KeyStream), nil })
}

func (k *kafkaBus) subscribe(group string) (message.Subscriber, error) {
	s, err := kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers: k.brokers, OverwriteSaramaConfig: k.config(), ConsumerGroup: group, Unmarshaler: keyed(),
		NackResendSleep: time.Second, ReconnectRetrySleep: time.Second,
	}, k.logger)
	if err != nil {
		return nil, fmt.Errorf("prepare the Kafka subscription: %w", err)
	}
	return kafkaSubscriber{Subscriber: s, bus: k}, nil
}

// kafkaSubscriber makes the topic before it reads it.
type kafkaSubscriber struct {
	*kafka.Subscriber
	bus *kafkaBus
}

// Subscribe implements message.Subscriber.
func (s kafkaSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if err := s.bus.prepare(ctx, topic, ""); err != nil {
		return nil, err
	}
	return s.Subscriber.Subscribe(ctx, topic)
}

func (k *kafkaBus) close() error {
	ended := k.work.last()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.publisher == nil || !ended { // what hangs ends with the process
		return nil
	}
	return k.publisher.Close()
}
