package stream

import (
	"sync"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/http/auth"
)

// filter is what a client asked for.
type filter struct {
	wallets map[uuid.UUID]struct{}
	kinds   map[string]struct{}
}

func (f *filter) wants(kind string) bool {
	_, ok := f.kinds[kind]
	return ok
}

func (f *filter) ids() []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(f.wallets))
	for id := range f.wallets {
		ids = append(ids, id)
	}
	return ids
}

// subscription is one connection, as the hub sees it.
type subscription struct {
	filter
	floor int64 // what is at or below it is not the hub's to send
	slot  int   // of the keep-alive
	wake  chan struct{}

	actor   auth.Actor
	watcher auth.Watcher // nil for an actor whose rights never change

	mu     sync.Mutex
	queue  []*update
	ping   bool
	ended  bool
	last   []byte          // what is sent before the end, to who may not listen any more
	cutoff func(slow bool) // makes a write under way end; set once the stream is open
}

// offer queues an update. It is false when the queue is full.
func (s *subscription) offer(u *update, most int) bool {
	if !s.wants(u.kind) || (u.position <= s.floor && u.kind != kindLag) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.last != nil {
		return true
	}
	if len(s.queue) >= most {
		return false
	}
	s.queue = append(s.queue, u)
	s.rouse()
	return true
}

func (s *subscription) keepAlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ping = true
	s.rouse()
}

// end lets the connection go. It is true for who did it first.
func (s *subscription) end(slow bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.ended, s.queue = true, nil
	if s.cutoff != nil {
		s.cutoff(slow)
	}
	s.rouse()
	return true
}

// part ends the connection with a last event in the place of what is queued.
func (s *subscription) part(last []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.last != nil {
		return
	}
	s.last, s.queue = last, nil
	if s.cutoff != nil {
		s.cutoff(false)
	}
	s.rouse()
}

// opened says how a write under way is ended from now on.
func (s *subscription) opened(cutoff func(slow bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutoff = cutoff
}

// take empties the queue. An idle connection keeps no memory for it.
func (s *subscription) take() (queue []*update, last []byte, ping, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue, ping = s.queue, s.ping
	s.queue, s.ping = nil, false
	return queue, s.last, ping, s.ended
}

func (s *subscription) isEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *subscription) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
