package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
)

// redisBus is a stream a topic. Redis must keep it: appendonly yes, and no eviction.
type redisBus struct {
	options *redis.Options
	logger  watermill.LoggerAdapter

	mu     sync.Mutex
	client *redis.Client // a new one looks its host up at once, so there is none before it is needed
}

func newRedis(address string, logger watermill.LoggerAdapter) (*redisBus, error) {
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, errors.New("is no address of a Redis: redis://:password@host:port/0")
	}
	o.ContextTimeoutEnabled = true
	return &redisBus{options: o, logger: logger}, nil
}

func (r *redisBus) connect() *redis.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		r.client = redis.NewClient(r.options)
	}
	return r.client
}

// publish adds all messages in one transaction: Redis takes all of them or none, in one round trip. watermill's publisher
// would take one round trip for each; the entries are as it makes them.
func (r *redisBus) publish(ctx context.Context, topic string, messages []*message.Message) error {
	_, err := r.connect().TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, m := range messages {
			values, err := redisstream.DefaultMarshallerUnmarshaller{}.Marshal(topic, m)
			if err != nil {
				return err
			}
			p.XAdd(ctx, &redis.XAddArgs{Stream: topic, Values: values})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add to the Redis stream %s: %w", topic, err)
	}
	return nil
}

// prepare makes the group at the beginning of the stream: a new group gets everything that is still there.
func (r *redisBus) prepare(ctx context.Context, topic, group string) error {
	err := r.connect().XGroupCreateMkStream(ctx, topic, group, "0").Err()
	if err != nil && !redis.HasErrorPrefix(err, "BUSYGROUP") {
		return fmt.Errorf("make the group %s of the Redis stream %s: %w", group, topic, err)
	}
	return nil
}

func (r *redisBus) subscribe(group string) (message.Subscriber, error) {
	return &redisSubscriber{bus: r, group: group, client: redis.NewClient(r.options)}, nil
}

func (r *redisBus) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		return nil
	}
	return r.client.Close()
}
