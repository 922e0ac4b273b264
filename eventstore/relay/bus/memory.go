package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
)

// errNobody: a group that is known has nobody now who could acknowledge.
var errNobody = errors.New("nobody of the group is there to acknowledge")

// memory is the bus of one process. It keeps nothing: what is published is handed to every group that is known, and
// counts as published when all of them have acknowledged it. So the relay's checkpoint is the only memory that it needs,
// and a process that dies loses nothing.
type memory struct {
	channel *gochannel.GoChannel

	mu     sync.Mutex
	groups map[string]map[string]*memoryGroup // by topic and name
}

// keptPoison is how many poisoned messages of a group stay in memory; beyond it the group stands still.
const keptPoison = 10_000

// memoryGroup is one group of one topic.
type memoryGroup struct {
	topic string                // of the gochannel
	turn  chan struct{}         // held by the one subscriber that is active
	kept  chan *message.Message // of a poison topic, which nobody may be reading: the messages; else nil

	mu      sync.Mutex
	active  bool
	pending map[string]chan error // by uuid: who publishes waits for it
}

func newMemory(logger watermill.LoggerAdapter) *memory {
	return &memory{channel: gochannel.NewGoChannel(gochannel.Config{}, logger), groups: map[string]map[string]*memoryGroup{}}
}

func (m *memory) group(topic, name string) *memoryGroup {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.groups[topic] == nil {
		m.groups[topic] = map[string]*memoryGroup{}
	}
	g := m.groups[topic][name]
	if g == nil {
		g = &memoryGroup{topic: topic + "@" + name, turn: make(chan struct{}, 1), pending: map[string]chan error{}}
		if strings.HasSuffix(topic, poisonSuffix) {
			g.kept = make(chan *message.Message, keptPoison)
		}
		m.groups[topic][name] = g
	}
	return g
}

func (m *memory) prepare(_ context.Context, topic, group string) error {
	m.group(topic, group)
	return nil
}

func (m *memory) publish(ctx context.Context, topic string, messages []*message.Message) error {
	for _, msg := range messages {
		m.mu.Lock()
		groups := make([]*memoryGroup, 0, len(m.groups[topic]))
		for _, g := range m.groups[topic] {
			groups = append(groups, g)
		}
		m.mu.Unlock()
		for _, g := range groups { // or else those who are there would get the message again at each try
			if err := g.ready(); err != nil {
				return err
			}
		}
		var all sync.WaitGroup
		failed := make([]error, len(groups))
		for i, g := range groups {
			all.Go(func() { failed[i] = g.deliver(ctx, m.channel, msg) })
		}
		all.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	return nil
}

// ready says whether somebody is there to acknowledge.
func (g *memoryGroup) ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.active && g.kept == nil {
		return fmt.Errorf("deliver to %s: %w", g.topic, errNobody)
	}
	return nil
}

// deliver returns when the group has acknowledged the message.
func (g *memoryGroup) deliver(ctx context.Context, channel *gochannel.GoChannel, msg *message.Message) error {
	if g.kept != nil {
		select {
		case g.kept <- msg.Copy():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	g.mu.Lock()
	if !g.active {
		g.mu.Unlock()
		return fmt.Errorf("deliver to %s: %w", g.topic, errNobody)
	}
	done := make(chan error, 1)
	g.pending[msg.UUID] = done
	g.mu.Unlock()
	if err := channel.Publish(g.topic, msg); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end tells who publishes how a delivery went.
func (g *memoryGroup) end(uuid string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done := g.pending[uuid]; done != nil {
		delete(g.pending, uuid)
		done <- err
	}
}

// attach and detach are the beginning and the end of the active subscriber.
func (g *memoryGroup) attach() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active = true
}

func (g *memoryGroup) detach() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active = false
	for uuid, done := range g.pending {
		delete(g.pending, uuid)
		done <- fmt.Errorf("deliver to %s: %w", g.topic, errNobody)
	}
}

func (m *memory) subscribe(group string) (message.Subscriber, error) {
	return &memorySubscriber{memory: m, name: group, closing: make(chan struct{})}, nil
}

func (m *memory) close() error { return m.channel.Close() }

// memorySubscriber is one member of a group.
type memorySubscriber struct {
	memory  *memory
	name    string
	closing chan struct{}
	once    sync.Once
	running sync.WaitGroup
}

// Subscribe implements message.Subscriber.
func (s *memorySubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	g := s.memory.group(topic, s.name)
	out := make(chan *message.Message)
	ctx, stop := context.WithCancel(ctx)
	s.running.Go(func() {
		defer stop()
		select {
		case <-s.closing:
		case <-ctx.Done():
		}
	})
	s.running.Go(func() {
		defer close(out)
		defer stop()
		select {
		case g.turn <- struct{}{}:
		case <-ctx.Done():
			return
		}
		defer func() { <-g.turn }()
		if g.kept != nil {
			g.handKept(ctx, out)
			return
		}
		from, err := s.memory.channel.Subscribe(ctx, g.topic)
		if err != nil {
			return
		}
		g.attach()
		defer g.detach()
		for msg := range from {
			g.hand(ctx, msg, out)
		}
	})
	return out, nil
}

// handKept gives what is kept to the reader; what it did not acknowledge goes to the end.
func (g *memoryGroup) handKept(ctx context.Context, out chan<- *message.Message) {
	for {
		select {
		case msg := <-g.kept:
			g.hand(ctx, msg, out)
			select {
			case <-msg.Acked():
			default:
				g.kept <- msg.Copy()
			}
		case <-ctx.Done():
			return
		}
	}
}

// hand gives a message to the reader until it is acknowledged.
func (g *memoryGroup) hand(ctx context.Context, msg *message.Message, out chan<- *message.Message) {
	for {
		mine := msg.Copy()
		mine.SetContext(ctx)
		select {
		case out <- mine:
		case <-ctx.Done():
			msg.Nack()
			return
		}
		select {
		case <-mine.Acked():
			msg.Ack()
			g.end(msg.UUID, nil)
			return
		case <-mine.Nacked():
		case <-ctx.Done():
			msg.Nack()
			return
		}
	}
}

// Close implements message.Subscriber.
func (s *memorySubscriber) Close() error {
	s.once.Do(func() { close(s.closing) })
	s.running.Wait()
	return nil
}
