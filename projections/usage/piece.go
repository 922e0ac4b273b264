package usage

import "time"

// piece is a range of the rollups of one granularity.
type piece struct{ from, to int64 } // seconds since 1970

// plan says which rollups make up a range.
type plan map[Granularity][]piece

// cover cuts the time between each two borders into the coarsest rollups that fit, so that no row lies in two intervals; only
// what lies before the end. Quarters of an hour, days and months that are not over at a moment have no rows yet, and stand in finer ones.
// Neighbours are joined.
func cover(borders []time.Time, end, over time.Time, by ...Granularity) plan {
	p := plan{}
	last := end.Unix()
	for i := 1; i < len(borders); i++ {
		p.cut(min(borders[i-1].Unix(), last), min(borders[i].Unix(), last), over.Unix(), by...)
	}
	return p
}

// cut fills a range with the coarsest of some rollups, and what is left at both ends with the finer ones.
func (p plan) cut(from, to, over int64, by ...Granularity) {
	if from >= to {
		return
	}
	g, finer := by[len(by)-1], by[:len(by)-1]
	if len(finer) == 0 {
		p.add(g, from, to)
		return
	}
	inner := piece{g.next(from - 1), g.first(min(to, over))}
	if inner.from >= inner.to {
		p.cut(from, to, over, finer...)
		return
	}
	p.cut(from, inner.from, over, finer...)
	p.add(g, inner.from, inner.to)
	p.cut(inner.to, to, over, finer...)
}

func (p plan) add(g Granularity, from, to int64) {
	if from >= to {
		return
	}
	if n := len(p[g]); n > 0 && p[g][n-1].to == from {
		p[g][n-1].to = to
		return
	}
	p[g] = append(p[g], piece{from, to})
}
