package routing

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxPeers bounds how many processes are listened to.
const maxPeers = 128

// histogram is one in a bucket.
type histogram [bins]atomic.Uint32

// cell is a bin that is not empty.
type cell struct {
	bin uint8
	n   uint32
}

func (h *histogram) cells() []cell {
	var out []cell
	for i := range bins {
		if n := h[i].Load(); n > 0 {
			out = append(out, cell{uint8(i), n})
		}
	}
	return out
}

// remoteBucket is a bucket of another process.
type remoteBucket struct {
	slot                int64
	well, badly         uint64
	latency, throughput []cell
}

type remoteEndpoint struct {
	id      string
	buckets []*remoteBucket
	paces   []*remotePace
}

// remoteWindow is what one process measured of one endpoint.
type remoteWindow struct {
	buckets [slots]*remoteBucket
	paces   [longSlots]*remotePace
}

// peers has what other processes measured.
type peers struct {
	mu   sync.RWMutex
	all  map[string]map[uint64]*remoteWindow // by endpoint and process
	seen map[uint64]time.Time
}

func (p *peers) take(process uint64, endpoints []remoteEndpoint, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen, p.all = make(map[uint64]time.Time), make(map[string]map[uint64]*remoteWindow)
	}
	if _, known := p.seen[process]; !known {
		if p.forget(now, longSlots*longLength); len(p.seen) >= maxPeers {
			p.forget(now, slots*slotLength)
		}
		if len(p.seen) >= maxPeers {
			return
		}
	}
	p.seen[process] = now
	last := slotOf(now)
	for _, e := range endpoints {
		windows := p.all[e.id]
		if windows == nil {
			if len(p.all) >= maxEndpoints && !p.makeRoom(last) {
				continue
			}
			windows = make(map[uint64]*remoteWindow)
			p.all[e.id] = windows
		}
		w := windows[process]
		if w == nil {
			w = new(remoteWindow)
			windows[process] = w
		}
		for _, b := range e.buckets {
			// Clocks of processes differ a little: a slot ahead is all right.
			if at := &w.buckets[place(b.slot)]; b.slot > last-slots && b.slot <= last+1 && (*at == nil || b.slot >= (*at).slot) {
				*at = b
			}
		}
		for _, b := range e.paces {
			long := longSlotOf(now)
			if at := &w.paces[longPlace(b.slot)]; b.slot > long-longSlots && b.slot <= long+1 && (*at == nil || b.slot >= (*at).slot) {
				*at = b
			}
		}
	}
}

// forget drops processes that were not heard of for so long, and endpoints that nobody speaks of any more.
func (p *peers) forget(now time.Time, silent time.Duration) {
	for process, at := range p.seen {
		if now.Sub(at) <= silent {
			continue
		}
		delete(p.seen, process)
		for id, windows := range p.all {
			if delete(windows, process); len(windows) == 0 {
				delete(p.all, id)
			}
		}
	}
}

// makeRoom drops endpoints of which nobody said anything for a window.
func (p *peers) makeRoom(last int64) bool {
	for id, windows := range p.all {
		stale := true
		for _, w := range windows {
			for _, b := range w.buckets {
				stale = stale && (b == nil || b.slot <= last-slots)
			}
		}
		if stale {
			delete(p.all, id)
		}
	}
	return len(p.all) < maxEndpoints
}

// live adds what is in the window.
func (p *peers) live(id string, now time.Time, t *totals) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	last := slotOf(now)
	for _, w := range p.all[id] {
		for _, b := range w.buckets {
			if b != nil && b.slot > last-slots && b.slot <= last+1 {
				t.addRemote(b)
			}
		}
	}
}

func (t *totals) addRemote(b *remoteBucket) {
	t.well += b.well
	t.badly += b.badly
	for _, c := range b.latency {
		t.latency[c.bin] += uint64(c.n)
	}
	for _, c := range b.throughput {
		t.throughput[c.bin] += uint64(c.n)
	}
}
