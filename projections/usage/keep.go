package usage

import (
	"container/list"
	"sync"
)

// keepBytes bounds what all parts of answers that are kept take together, about.
const keepBytes = 64 << 20

// store keeps parts of answers that never change, as long as they are asked for: those that nobody has asked for longest go first. All
// are of one build of the view. The zero value is ready. What is in it is shared: nobody changes it.
type store struct {
	mu    sync.Mutex
	build int
	size  int
	byKey map[string]*list.Element
	order list.List // of *stored, the last one used first
}

type stored struct {
	key   string
	value any
	size  int
}

// get finds what was put of the build that is kept.
func (s *store) get(key string) (value any, build int, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, found := s.byKey[key]
	if !found {
		return nil, 0, false
	}
	s.order.MoveToFront(at)
	one, _ := at.Value.(*stored) // nothing else is in it
	return one.value, s.build, true
}

// put keeps a value of about so many bytes. The first one of another build ends all others.
func (s *store) put(key string, value any, size, build int) {
	size += 2*len(key) + 200 // the list's and the map's own
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.build != build || s.byKey == nil {
		s.empty()
		s.build = build
	}
	if old, found := s.byKey[key]; found {
		s.remove(old)
	}
	s.byKey[key] = s.order.PushFront(&stored{key, value, size})
	for s.size += size; s.size > keepBytes; {
		s.remove(s.order.Back())
	}
}

func (s *store) remove(at *list.Element) {
	one, _ := s.order.Remove(at).(*stored)
	delete(s.byKey, one.key)
	s.size -= one.size
}

// forget ends all that is kept, if it is of that build.
func (s *store) forget(build int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.build == build {
		s.empty()
	}
}

func (s *store) empty() {
	s.byKey, s.size = map[string]*list.Element{}, 0
	s.order.Init()
}
