package topic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/errgroup"
)

// stopGrace is how long requests under way may take to be answered after the end was asked for.
const stopGrace = 3 * time.Second

// sendAll sends a round: the partitions side by side, and returns when all of it is acknowledged.
func (c *cluster) sendAll(ctx context.Context, parts [][]chunk) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	for p, chunks := range parts {
		if len(chunks) == 0 {
			continue
		}
		group.Go(func() error {
			for i := range chunks {
				if err := c.insist(inner, func(ctx context.Context) error { return c.send(ctx, p, chunks[i].records) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// maxRequests is how many requests are under way at most.
const maxRequests = 32

// send appends records to a partition. Acknowledged means: by all replicas in sync.
func (c *cluster) send(ctx context.Context, partition int, records []*record) error {
	all := make([]kafka.Record, len(records))
	for i, r := range records {
		all[i] = r.fresh()
	}
	answer, err := c.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: c.options.Topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		Compression: codecs[c.options.Compression], Records: kafka.NewRecordReader(all...),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return fmt.Errorf("append to partition %d: %w", partition, c.reason(ctx, err))
	}
	if answer.BaseOffset < c.next[partition] {
		return fmt.Errorf("%w: partition %d had records up to offset %d, and position %s was appended at offset %d", ErrWentBack,
			partition, c.next[partition]-1, records[0].headers[2].Value, answer.BaseOffset)
	}
	c.next[partition] = answer.BaseOffset + int64(len(records))
	return nil
}

// reason is why Kafka cannot be reached, when that is why the client does not know where to send to.
func (c *cluster) reason(ctx context.Context, err error) error {
	if !errors.Is(err, protocol.ErrNoTopic) && !errors.Is(err, protocol.ErrNoPartition) && !errors.Is(err, protocol.ErrNoLeader) {
		return err
	}
	if _, why := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.options.Topic}}); why != nil {
		return why
	}
	return err
}

// insist repeats something until it works, it cannot work, or ctx ends. An attempt that is under way then is given stopGrace.
func (c *cluster) insist(ctx context.Context, do func(context.Context) error) error {
	failed := false
	defer func() {
		if failed {
			c.failing.Add(-1)
		}
		c.options.Metrics.works(c.failing.Load() == 0)
	}()
	for b := newBackoff(); ; {
		err := c.attempt(ctx, do)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errLookAgain) {
			c.transport.CloseIdleConnections() // and with them what they remember of the cluster
			if err := pause(ctx, b.next()); err != nil {
				return err
			}
			continue
		}
		if final := judge(err); final != nil {
			return final
		}
		if !failed {
			failed = true
			c.failing.Add(1)
			c.options.Metrics.works(false)
		}
		wait := b.next()
		c.retries.Add(1)
		c.trouble(err, wait)
		c.transport.CloseIdleConnections()
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *cluster) attempt(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.options.RequestTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(stopGrace, cancel)
		context.AfterFunc(inner, func() { timer.Stop() })
	})()
	return do(inner)
}

// trouble tells what failed.
func (c *cluster) trouble(err error, wait time.Duration) {
	c.told.Lock()
	defer c.told.Unlock()
	c.options.Metrics.fails()
	if c.options.Trouble != nil {
		c.options.Trouble(err, wait)
	}
}

// progress tells how far it has come.
func (c *cluster) progress(p Progress) {
	c.told.Lock()
	defer c.told.Unlock()
	if c.options.Progress != nil {
		c.options.Progress(p)
	}
}

// backoff grows from try to try.
type backoff struct{ wait time.Duration }

func newBackoff() *backoff {
	const first = 100 * time.Millisecond
	return &backoff{wait: first}
}

// next is how long to wait now: the half of it is chance, so that partitions do not come all at once.
func (b *backoff) next() time.Duration {
	const most = 10 * time.Second
	half := b.wait / 2
	wait := half + rand.N(half) //nolint:gosec // no secret
	b.wait = min(2*b.wait, most)
	return wait
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
