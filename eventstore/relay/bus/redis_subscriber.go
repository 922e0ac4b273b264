package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
)

// redisSubscriber reads streams as one of a group, of which one at a time is active. A consumer group of Redis shares
// entries out among its consumers and gives those of a dead one to another much later, both of which end the order. So
// the active one holds a lease; it takes over what is pending before it reads anything new; and it begins anew, under
// another consumer name, after every failure, as an entry whose reply was lost is pending too.
type redisSubscriber struct {
	bus     *redisBus
	group   string
	client  *redis.Client
	mu      sync.Mutex
	stops   []context.CancelFunc
	running sync.WaitGroup
}

const (
	leaseTime  = 5 * time.Second
	leaseRenew = time.Second
	// settled is longer than the least idle time at which a pending entry is taken over.
	settled = 10 * time.Millisecond
)

// Subscribe implements message.Subscriber.
func (s *redisSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	ctx, stop := context.WithCancel(ctx)
	s.mu.Lock()
	s.stops = append(s.stops, stop)
	s.mu.Unlock()
	out := make(chan *message.Message)
	s.running.Go(func() {
		defer close(out)
		defer stop()
		l := lease{client: s.client, key: topic + "." + s.group + ".lease", token: watermill.NewUUID()}
		defer l.release(ctx)
		for ctx.Err() == nil {
			if err := s.follow(ctx, l, topic, out); err != nil && ctx.Err() == nil {
				s.bus.logger.Error("the Redis subscription is begun anew", err, watermill.LogFields{"topic": topic, "group": s.group})
			}
			rest(ctx, leaseRenew/5)
		}
	})
	return out, nil
}

// follow hands messages over as long as this subscriber has the lease and nothing fails.
func (s *redisSubscriber) follow(ctx context.Context, l lease, topic string, out chan<- *message.Message) error {
	if err := s.bus.prepare(ctx, topic, s.group); err != nil {
		return err
	}
	for {
		got, err := l.hold(ctx)
		if err != nil {
			return err
		}
		if got {
			break
		}
		if rest(ctx, leaseRenew/5); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var keeping sync.WaitGroup
	defer keeping.Wait()
	defer stop()
	keeping.Go(func() {
		defer stop()
		l.keep(ctx)
	})
	rest(ctx, settled)
	consumer := watermill.NewUUID()
	reader, err := redisstream.NewSubscriber(redisstream.SubscriberConfig{
		Client: redis.NewClient(s.bus.options), Consumer: consumer, ConsumerGroup: s.group, OldestId: "0",
		NackResendSleep: time.Second, MaxIdleTime: settled / 10, ClaimInterval: leaseTime,
		ShouldClaimPendingMessage:     func(p redis.XPendingExt) bool { return p.Consumer != consumer },
		ShouldStopOnReadErrors:        func(error) bool { return true },
		DisableIndefiniteInitialBlock: true,
	}, s.bus.logger)
	if err != nil {
		return fmt.Errorf("prepare the Redis subscription: %w", err)
	}
	defer func() { _ = reader.Close() }() // it has only a client to close
	from, err := reader.Subscribe(ctx, topic)
	if err != nil {
		stop()
		return fmt.Errorf("subscribe to the Redis stream: %w", err)
	}
	for m := range from {
		select {
		case out <- m:
		case <-ctx.Done():
		}
	}
	return errors.New("the connection or the lease was lost")
}

// Close implements message.Subscriber.
func (s *redisSubscriber) Close() error {
	s.mu.Lock()
	for _, stop := range s.stops {
		stop()
	}
	s.mu.Unlock()
	s.running.Wait()
	if err := s.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("close the Redis subscription: %w", err)
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// lease is a key that one holder at a time has, until it is no longer renewed.
type lease struct {
	client     *redis.Client
	key, token string
}

const (
	holdScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
		return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0`
	releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`
)

// hold takes or renews the lease, and says whether it is ours.
func (l lease) hold(ctx context.Context) (bool, error) {
	got, err := l.client.Eval(ctx, holdScript, []string{l.key}, l.token, leaseTime.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("take the lease: %w", err)
	}
	return got == 1, nil
}

// keep renews the lease until ctx ends or it is somebody else's, or may be.
func (l lease) keep(ctx context.Context) {
	renewed := time.Now()
	for ctx.Err() == nil {
		rest(ctx, leaseRenew)
		asked := time.Now()
		asking, stop := context.WithTimeout(ctx, leaseRenew)
		got, err := l.hold(asking)
		stop()
		switch {
		case err == nil && !got:
			return
		case err == nil:
			renewed = asked
		case time.Since(renewed) > leaseTime-2*leaseRenew:
			return
		}
	}
}

// release gives the lease back, also after ctx has ended.
func (l lease) release(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	_ = l.client.Eval(ctx, releaseScript, []string{l.key}, l.token).Err() // it ends by itself
}
