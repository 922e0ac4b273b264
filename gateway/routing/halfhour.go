package routing

import (
	"sync/atomic"
	"time"
)

const (
	// longLength is how much time a pace covers. Half an hour is six of them that are over and the current one: up to five minutes more.
	longLength = 5 * time.Minute
	longSlots  = 7
)

func longSlotOf(now time.Time) int64 { return now.Unix() / int64(longLength/time.Second) }

func longPlace(slot int64) int { return int((slot%longSlots + longSlots) % longSlots) }

// pace is the throughput that was measured in one long slot.
type pace struct {
	slot       int64
	throughput histogram
}

// halfHour is the throughput of an endpoint over half an hour, for those who compare endpoints; what is decided by throughput goes by the window.
// It is recorded as the window is.
type halfHour [longSlots]atomic.Pointer[pace]

func (h *halfHour) record(tokensPerSecond float64, now time.Time) {
	slot := longSlotOf(now)
	at := &h[longPlace(slot)]
	for {
		p := at.Load()
		switch {
		case p != nil && p.slot > slot:
			return
		case p != nil && p.slot == slot:
			p.throughput[perSecond.bin(tokensPerSecond)].Add(1)
			return
		}
		at.CompareAndSwap(p, &pace{slot: slot})
	}
}

// live visits the paces of the half hour.
func (h *halfHour) live(now time.Time, visit func(*pace)) {
	last := longSlotOf(now)
	for i := range h {
		if p := h[i].Load(); p != nil && p.slot > last-longSlots && p.slot <= last {
			visit(p)
		}
	}
}

// Throughput is that of an endpoint over the last half hour, by all processes: tokens a second after the first one, in percentiles as in
// Condition. Zeros when nothing was measured.
func (h *Health) Throughput(id string, now time.Time) [percentiles]float64 {
	var sums counts
	h.mu.RLock()
	e := h.all[id]
	h.mu.RUnlock()
	if e != nil {
		e.halfHour.live(now, func(p *pace) {
			for i := range bins {
				sums[i] += uint64(p.throughput[i].Load())
			}
		})
	}
	h.peer.paces(id, now, &sums)
	return sums.percentiles(perSecond, true)
}

// remotePace is a pace of another process.
type remotePace struct {
	slot       int64
	throughput []cell
}

// paces adds what others measured within the half hour.
func (p *peers) paces(id string, now time.Time, sums *counts) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	last := longSlotOf(now)
	for _, w := range p.all[id] {
		for _, pace := range w.paces {
			if pace == nil || pace.slot <= last-longSlots || pace.slot > last+1 {
				continue
			}
			for _, c := range pace.throughput {
				sums[c.bin] += uint64(c.n)
			}
		}
	}
}
