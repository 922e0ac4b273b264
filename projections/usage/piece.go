package usage

import "time"

// piece is a range of the rollups of one granularity.
type piece struct{ from, to int64 } // seconds since 1970

// plan says which rollups make up a range.
type plan map[Granularity][]piece

// cover cuts the time between each two borders into the coarsest rollups that fit, so that no row lies in two intervals; only
// what lies before the end. Neighbours are joined.
func cover(borders []time.Time, end time.Time) plan {
	p := plan{}
	last := end.Unix()
	for i := 1; i < len(borders); i++ {
		p.cut(min(borders[i-1].Unix(), last), min(borders[i].Unix(), last), rollups()...)
	}
	return p
}

// cut fills a range with the coarsest of some rollups, and what is left at both ends with the finer ones.
func (p plan) cut(from, to int64, by ...Granularity) {
	g := by[len(by)-1]
	inner := piece{g.next(from - 1), g.first(to)}
	if from >= to || inner.from >= inner.to {
		if len(by) > 1 {
			p.cut(from, to, by[:len(by)-1]...)
		}
		return
	}
	if len(by) > 1 {
		p.cut(from, inner.from, by[:len(by)-1]...)
	}
	p.add(g, inner.from, inner.to)
	if len(by) > 1 {
		p.cut(inner.to, to, by[:len(by)-1]...)
	}
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
