package usage

import "slices"

// Histogram counts milliseconds in fixed places whose width grows with the value, so that histograms add up and every
// quantile is known within RelativeError. It is sorted by place; each element is a place times 2^40 plus a count above
// zero. Stored, it is a number to base 10^12 whose digits are the counts, so that histograms add up like numbers; the digit of
// place 64 stands before the point.
//
// Place i stands for one value m: 1 to 19 have a place each; from there a place is the longest run of whole numbers
// of which none is further than 5 % from m. (The idea is that of DDSketch, Masson et al. 2019, in whole numbers, so that
// every machine sorts a value into the same place.)
type Histogram []int64

// RelativeError is the most, in percent of the true value, by which a quantile is wrong.
const RelativeError = 5

// MaxMS is the largest duration that is told apart: one day. More counts as much.
const MaxMS = int64(24 * 60 * 60 * 1000)

const (
	countBits = 40
	countMask = 1<<countBits - 1
	exact     = 19  // places of one value
	places    = 255 // at most
	ones      = 64  // the place before the point: in the middle of what calls take, as sums of numbers near the point cost least
)

// Place is where a number of milliseconds counts, from 1; below 1 counts as 1.
func Place(ms int64) int64 {
	place, _ := locate(ms)
	return place
}

// locate walks the places up to that of a value. There are some 170.
func locate(ms int64) (place, middle int64) {
	ms = min(max(ms, 1), MaxMS)
	if ms <= exact {
		return ms, ms
	}
	for place, lower := int64(exact+1), int64(exact+1); ; place++ {
		middle, upper := span(lower)
		if ms <= upper {
			return place, middle
		}
		lower = upper + 1
	}
}

// span is the place that begins at a value: m is at most 5 % above it, and its end at most 5 % of itself above m.
func span(lower int64) (middle, upper int64) {
	middle = lower * 21 / 20
	return middle, middle * 20 / 19
}

// middleOf is the value that a place stands for.
func middleOf(place int64) int64 {
	if place <= exact {
		return place
	}
	lower := int64(exact + 1)
	for range place - exact - 1 {
		_, upper := span(lower)
		lower = upper + 1
	}
	middle, _ := span(lower)
	return min(middle, MaxMS)
}

// Add counts one value.
func (h *Histogram) Add(ms int64) { h.count(Place(ms)<<countBits + 1) }

// count adds one element.
func (h *Histogram) count(element int64) {
	i, found := slices.BinarySearchFunc(*h, element>>countBits, func(e, place int64) int { return int(e>>countBits - place) })
	if found {
		(*h)[i] += element & countMask
		return
	}
	*h = slices.Insert(*h, i, element)
}

// add merges another one into this one.
func (h *Histogram) add(o Histogram) {
	const few = 4
	if len(o) > few {
		*h = h.Merge(o)
		return
	}
	for _, e := range o {
		h.count(e)
	}
}

// Merge is the sum of both, which it leaves alone.
func (h Histogram) Merge(o Histogram) Histogram {
	out := make(Histogram, 0, len(h)+len(o))
	for len(h) > 0 && len(o) > 0 {
		switch a, b := h[0]>>countBits, o[0]>>countBits; {
		case a < b:
			out, h = append(out, h[0]), h[1:]
		case a > b:
			out, o = append(out, o[0]), o[1:]
		default:
			out, h, o = append(out, h[0]+o[0]&countMask), h[1:], o[1:]
		}
	}
	return append(append(out, h...), o...)
}

// Count is the number of values.
func (h Histogram) Count() int64 {
	var n int64
	for _, e := range h {
		n += e & countMask
	}
	return n
}

// Quantile is the value below or at which so many percent of the values lie (the nearest rank: of n values the
// ⌈n·percent/100⌉-th), within RelativeError; 0 without values.
func (h Histogram) Quantile(percent int64) int64 {
	n := h.Count()
	rank := n/100*percent + (n%100*percent+99)/100
	for _, e := range h {
		if rank -= e & countMask; rank <= 0 {
			return middleOf(e >> countBits)
		}
	}
	return 0
}
