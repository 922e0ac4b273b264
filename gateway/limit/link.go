package limit

import "sync"

// failures in a row are enough to leave Redis alone until it answers in time again.
const failures = 3

// link is whether Redis can be asked. It opens by the failures of calls and closes by somebody who looks: calls never wait for a
// server that is away.
type link struct {
	mu     sync.RWMutex
	inARow int
	open   bool
}

func (k *link) away() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.open
}

func (k *link) good() {
	k.mu.RLock()
	clean := k.inARow == 0
	k.mu.RUnlock()
	if clean {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inARow = 0
}

// bad says whether this was the failure that was too many.
func (k *link) bad() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open {
		return false
	}
	k.inARow++
	k.open = k.inARow >= failures
	return k.open
}

// back says whether it was away.
func (k *link) back() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.open
	k.inARow, k.open = 0, false
	return was
}
