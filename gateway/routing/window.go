package routing

import (
	"sync/atomic"
	"time"
)

const (
	// slotLength is how much time a bucket covers. A window is ten of them that are over and the current one: the last five minutes, and up to half a
	// minute more.
	slotLength = 30 * time.Second
	slots      = 11
)

func slotOf(now time.Time) int64 { return now.Unix() / int64(slotLength/time.Second) }

func place(slot int64) int { return int((slot%slots + slots) % slots) }

// bucket is what was measured in one slot.
type bucket struct {
	slot                int64
	well, badly         atomic.Uint32
	latency, throughput histogram
}

// window is what was measured of an endpoint. Recording takes no lock: a bucket is a few counters, and its successor is put in its place
// by whoever comes first. A recorder that was held up over the whole window adds to a bucket that nobody reads any more.
type window [slots]atomic.Pointer[bucket]

// now is the bucket of a moment; nil if the window has passed it.
func (w *window) bucket(now time.Time) *bucket {
	slot := slotOf(now)
	at := &w[place(slot)]
	for {
		b := at.Load()
		switch {
		case b != nil && b.slot == slot:
			return b
		case b != nil && b.slot > slot:
			return nil
		}
		if fresh := (&bucket{slot: slot}); at.CompareAndSwap(b, fresh) {
			return fresh
		}
	}
}

func (w *window) count(well bool, now time.Time) {
	if b := w.bucket(now); b != nil && well {
		b.well.Add(1)
	} else if b != nil {
		b.badly.Add(1)
	}
}

func (w *window) latency(d time.Duration, now time.Time) {
	if b := w.bucket(now); b != nil {
		b.latency[seconds.bin(d.Seconds())].Add(1)
	}
}

func (w *window) throughput(tokensPerSecond float64, now time.Time) {
	if b := w.bucket(now); b != nil {
		b.throughput[perSecond.bin(tokensPerSecond)].Add(1)
	}
}

// live visits the buckets of the window.
func (w *window) live(now time.Time, visit func(*bucket)) {
	last := slotOf(now)
	for i := range w {
		if b := w[i].Load(); b != nil && b.slot > last-slots && b.slot <= last {
			visit(b)
		}
	}
}

// totals are the sums of a window, of this process and others.
type totals struct {
	well, badly         uint64
	latency, throughput counts
}

func (t *totals) add(b *bucket) {
	t.well += uint64(b.well.Load())
	t.badly += uint64(b.badly.Load())
	for i := range bins {
		t.latency[i] += uint64(b.latency[i].Load())
		t.throughput[i] += uint64(b.throughput[i].Load())
	}
}

func (t *totals) condition() Condition {
	return Condition{
		Calls: int64(t.well + t.badly), Failed: int64(t.badly), //nolint:gosec // sums of some hundred 32-bit counters
		Latency: t.latency.percentiles(seconds, false), Throughput: t.throughput.percentiles(perSecond, true),
	}
}
