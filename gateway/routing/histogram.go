package routing

import "math"

// A histogram has 8 bins for each doubling, over 20 doublings: what is read from it is off by 4.5 % at most. Values beyond fall
// into the outermost bins.
const (
	bins      = 160
	perOctave = 8
)

// scale is the smallest value of a histogram.
type scale float64

const (
	seconds   scale = 0.001 // up to 1,049 s
	perSecond scale = 0.1   // up to 104,858 tokens a second
)

func (s scale) bin(v float64) int {
	if !(v > float64(s)) { // also for NaN
		return 0
	}
	return int(min(math.Log2(v/float64(s))*perOctave, bins-1))
}

// value is the middle of a bin.
func (s scale) value(bin int) float64 {
	return float64(s) * math.Exp2((float64(bin)+0.5)/perOctave)
}

// counts are a histogram's sums.
type counts [bins]uint64

// percentiles of the values, in which the share of the calls did better; higher says that more is better. Zeros when there is nothing.
func (c *counts) percentiles(s scale, higher bool) (out [percentiles]float64) {
	var total uint64
	for _, n := range c {
		total += n
	}
	if total == 0 {
		return out
	}
	for p := range percentiles {
		rank := uint64(math.Ceil(p.share() * float64(total))) // of the last one that did so well
		out[p] = s.value(c.at(rank, higher))
	}
	return out
}

// at is the bin of the rank-th best value, from 1.
func (c *counts) at(rank uint64, higher bool) int {
	var sum uint64
	for i := range bins {
		bin := i
		if higher {
			bin = bins - 1 - i
		}
		if sum += c[bin]; sum >= rank {
			return bin
		}
	}
	return 0
}
