package routing

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// The channels carry a version: processes of two versions do not misunderstand each other.
const (
	measurements = "massrouter:routing:v2:measurements" // see Export
	newcomers    = "massrouter:routing:v2:newcomers"    // the process, eight bytes: it asks for everything
)

// publishPatience bounds one message.
const publishPatience = 2 * time.Second

// SharedOptions of a Shared. Zero values take the defaults named here.
type SharedOptions struct {
	Every   time.Duration // between two messages; 2 s
	OnError func(error)   // for logs and metrics: sharing goes on
	Now     func() time.Time
}

// Shared tells other processes through Redis what a Health measured, and which credentials it set aside, and takes theirs. Nothing depends on it: without Redis each
// process knows what it measured itself.
type Shared struct {
	client redis.UniversalClient
	health *Health
	o      SharedOptions
}

// NewShared makes a Shared; client is nil without a Redis.
func NewShared(client redis.UniversalClient, h *Health, o SharedOptions) *Shared {
	set(&o.Every, 2*time.Second)
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Shared{client: client, health: h, o: o}
}

// Run shares until the context ends. A connection that breaks is made again.
func (s *Shared) Run(ctx context.Context) {
	if s.client == nil {
		<-ctx.Done()
		return
	}
	sub := s.client.Subscribe(ctx, measurements, newcomers)
	defer func() { _ = sub.Close() }() // nothing is to be saved
	events := sub.ChannelWithSubscriptions()
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	var last time.Time // of the last message: the zero time asks for all of the window
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := s.o.Now()
			if s.publish(ctx, measurements, s.health.Export(last.Add(-slotLength), now)) {
				last = now
			}
		case event, ok := <-events:
			if !ok {
				return
			}
			if s.take(ctx, event) {
				last = time.Time{}
			}
		}
	}
}

// take handles what came; all says that the next message has to have everything: a peer asked for it, or may have asked while nobody listened
// here.
func (s *Shared) take(ctx context.Context, event any) (all bool) {
	switch m := event.(type) {
	case *redis.Subscription:
		if m.Kind == "subscribe" && m.Channel == newcomers { // at each new connection
			s.publish(ctx, newcomers, binary.BigEndian.AppendUint64(nil, s.health.id))
			return true
		}
	case *redis.Message:
		switch m.Channel {
		case newcomers:
			return len(m.Payload) == 8 && binary.BigEndian.Uint64([]byte(m.Payload)) != s.health.id
		case measurements:
			if err := s.health.Merge([]byte(m.Payload), s.o.Now()); err != nil {
				s.o.OnError(err)
			}
		}
	}
	return false
}

func (s *Shared) publish(ctx context.Context, channel string, message []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, publishPatience)
	defer cancel()
	err := s.client.Publish(ctx, channel, message).Err()
	if err != nil && !errors.Is(err, context.Canceled) {
		s.o.OnError(fmt.Errorf("publish measurements: %w", err))
	}
	return err == nil
}
