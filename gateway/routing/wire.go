package routing

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// The wire format, all numbers as unsigned varints:
//
//	version, process, number of credentials that are set aside, and for each:
//	  length of its id, id, length of the endpoint's, id (empty: everywhere), until when in Unix milliseconds
//	number of endpoints, and for each:
//	  length of the id, id, number of buckets, and for each:
//	    slot, calls that came out well, badly, histogram of latency, histogram of throughput
//	  number of paces, and for each: slot of five minutes, histogram of throughput
//	histogram: number of bins that are not empty, and for each: its number, its count
//
// A bucket that comes again replaces the one before: messages may be lost, repeated and overtaken, and the next one of the
// same bucket still has all of it.
const (
	wireVersion  = 2
	maxMessage   = 8 << 20
	maxEndpoints = 1 << 14
	maxID        = 300
	maxShared    = 1000 // credentials
	// longestShared bounds for how long a peer sets something aside.
	longestShared = refusedFor + time.Minute
)

var errMalformed = errors.New("measurements of a peer are malformed")

// Export is what this process measured in the slots from since on, for the peers: since slot 0 everything that is known.
func (h *Health) Export(since, now time.Time) []byte {
	h.mu.RLock()
	defer h.mu.RUnlock()
	from, fromLong, n := slotOf(since), longSlotOf(since), uint64(0)
	var body []byte
	for id, e := range h.all {
		var buckets []*bucket
		e.window.live(now, func(b *bucket) {
			if b.slot >= from {
				buckets = append(buckets, b)
			}
		})
		var paces []*pace
		e.halfHour.live(now, func(p *pace) {
			if p.slot >= fromLong && (from <= 0 || len(buckets) > 0) {
				paces = append(paces, p)
			}
		})
		if len(buckets)+len(paces) == 0 || len(id) > maxID || n == maxEndpoints || len(body) > maxMessage/2 {
			continue
		}
		n++
		body = binary.AppendUvarint(body, uint64(len(id)))
		body = append(body, id...)
		body = binary.AppendUvarint(body, uint64(len(buckets)))
		for _, b := range buckets {
			body = appendBucket(body, b)
		}
		body = binary.AppendUvarint(body, uint64(len(paces)))
		for _, p := range paces {
			body = appendHistogram(binary.AppendUvarint(body, uint64(p.slot)), &p.throughput) //nolint:gosec // after 1970
		}
	}
	out := binary.AppendUvarint(make([]byte, 0, len(body)+16), wireVersion)
	out = binary.AppendUvarint(out, h.id)
	out = h.appendAside(out, now)
	out = binary.AppendUvarint(out, n)
	return append(out, body...)
}

func (h *Health) appendAside(dst []byte, now time.Time) []byte {
	found := h.found(maxShared, now)
	dst = binary.AppendUvarint(dst, uint64(len(found)))
	for s, until := range found {
		for _, id := range []string{s.credential, s.endpoint} {
			dst = append(binary.AppendUvarint(dst, uint64(len(id))), id...)
		}
		dst = binary.AppendUvarint(dst, uint64(until.UnixMilli()))
	}
	return dst
}

func appendBucket(dst []byte, b *bucket) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.slot)) //nolint:gosec // after 1970
	dst = binary.AppendUvarint(dst, uint64(b.well.Load()))
	dst = binary.AppendUvarint(dst, uint64(b.badly.Load()))
	return appendHistogram(appendHistogram(dst, &b.latency), &b.throughput)
}

func appendHistogram(dst []byte, h *histogram) []byte {
	cells := h.cells()
	dst = binary.AppendUvarint(dst, uint64(len(cells)))
	for _, c := range cells {
		dst = binary.AppendUvarint(append(dst, c.bin), uint64(c.n))
	}
	return dst
}

// Merge takes what a peer exported. Its own exports say nothing new. An error means that nothing of it was taken.
func (h *Health) Merge(message []byte, now time.Time) error {
	d := decoder{rest: message}
	if len(message) > maxMessage || d.number(wireVersion) != wireVersion {
		return errMalformed
	}
	process := d.number(1<<64 - 1)
	aside := make(map[scope]time.Time)
	for range d.number(maxShared) {
		s := scope{d.id(), d.id()}
		aside[s] = time.UnixMilli(int64(d.number(1 << 50))) //nolint:gosec // bounded
	}
	var got []remoteEndpoint
	for range d.number(maxEndpoints) {
		if d.failed {
			break
		}
		got = append(got, d.endpoint())
	}
	if d.failed || len(d.rest) > 0 {
		return errMalformed
	}
	if process == h.id {
		return nil
	}
	for s, until := range aside {
		if latest := now.Add(longestShared); until.After(latest) {
			until = latest
		}
		h.ban(s, banned{until: until}, now)
	}
	h.peer.take(process, got, now)
	return nil
}

// decoder reads a message. After a mistake everything is zero.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) number(most uint64) uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > most || d.failed {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) id() string {
	size := int(d.number(maxID)) //nolint:gosec // bounded
	if size > len(d.rest) {
		d.failed = true
		return ""
	}
	id := string(d.rest[:size])
	d.rest = d.rest[size:]
	return id
}

func (d *decoder) endpoint() remoteEndpoint {
	e := remoteEndpoint{id: d.id()}
	for range d.number(slots) {
		e.buckets = append(e.buckets, d.bucket())
	}
	for range d.number(longSlots) {
		e.paces = append(e.paces, &remotePace{slot: int64(d.number(1 << 40)), throughput: d.cells()}) //nolint:gosec // bounded
	}
	return e
}

func (d *decoder) bucket() *remoteBucket {
	const most32 = 1<<32 - 1
	return &remoteBucket{
		slot: int64(d.number(1 << 40)), well: d.number(most32), badly: d.number(most32), //nolint:gosec // bounded
		latency: d.cells(), throughput: d.cells(),
	}
}

func (d *decoder) cells() []cell {
	var cells []cell
	for range d.number(bins) {
		if len(d.rest) == 0 {
			d.failed = true
			return nil
		}
		c := cell{bin: d.rest[0]}
		d.rest = d.rest[1:]
		c.n = uint32(d.number(1<<32 - 1)) //nolint:gosec // bounded
		if c.bin >= bins {
			d.failed = true
		}
		cells = append(cells, c)
	}
	return slices.Clip(cells)
}
