package usage

import (
	"slices"
	"unsafe"

	"github.com/massrouter/massrouter/domain/money"
)

// keptCells are cells by group and interval, of which only the columns that are needed are kept.
type keptCells struct {
	names      [][maxDimensions]string // of the groups
	places     []place
	counts     []int64        // of each cell those that are needed, as the two below
	amounts    []money.Amount //
	histograms []Histogram
}

// place is where a cell stands: in which interval, the first one being 0, and in which group.
type place struct{ interval, group int32 }

// keep packs cells that are in the order of their groups.
func keep(cells []cell, needs []int) *keptCells {
	k := &keptCells{places: make([]place, 0, len(cells))}
	for i := range cells {
		c := &cells[i]
		if last := len(k.names) - 1; last < 0 || k.names[last] != c.keys {
			k.names = append(k.names, c.keys)
		}
		k.places = append(k.places, place{int32(c.point()), int32(len(k.names) - 1)}) //nolint:gosec // both are bounded
		for _, at := range needs {
			switch {
			case at < firstAmount:
				k.counts = append(k.counts, *c.counts()[at])
			case at < firstHistogram:
				k.amounts = append(k.amounts, *c.amounts()[at-firstAmount])
			default:
				k.histograms = append(k.histograms, *c.histograms()[at-firstHistogram])
			}
		}
	}
	k.counts, k.amounts, k.histograms = slices.Clip(k.counts), slices.Clip(k.amounts), slices.Clip(k.histograms)
	return k
}

// cells unpacks them, with room for more: the first interval is that one, or all have none when it is 0.
func (k *keptCells) cells(needs []int, first, more int) []cell {
	out := make([]cell, len(k.places), len(k.places)+more)
	counts, amounts, histograms := k.counts, k.amounts, k.histograms
	for i, p := range k.places {
		c := &out[i]
		c.keys = k.names[p.group]
		if first > 0 {
			c.interval = first + int(p.interval)
		}
		for _, at := range needs {
			switch {
			case at < firstAmount:
				*c.counts()[at], counts = counts[0], counts[1:]
			case at < firstHistogram:
				*c.amounts()[at-firstAmount], amounts = amounts[0], amounts[1:]
			default: // histograms are added up in their place
				*c.histograms()[at-firstHistogram], histograms = slices.Clone(histograms[0]), histograms[1:]
			}
		}
	}
	return out
}

// size is about how many bytes they take.
func (k *keptCells) size() int {
	if k == nil {
		return 0
	}
	n := len(k.places)*int(unsafe.Sizeof(place{})) + len(k.counts)*int(unsafe.Sizeof(int64(0))) + len(k.amounts)*int(unsafe.Sizeof(money.Amount{}))
	for _, name := range k.names {
		n += int(unsafe.Sizeof(name))
		for _, text := range name {
			n += len(text)
		}
	}
	for _, h := range k.histograms {
		n += int(unsafe.Sizeof(h)) + cap(h)*int(unsafe.Sizeof(int64(0)))
	}
	return n
}
