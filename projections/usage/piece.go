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
		p.cut(min(borders[i-1].Unix(), last), min(borders[i].Unix(), last))
	}
	return p
}

func (p plan) cut(from, to int64) {
	hours := piece{ceil(from, Hour.seconds()), floor(to, Hour.seconds())}
	if hours.from >= hours.to {
		p.add(Minute, from, to)
		return
	}
	p.add(Minute, from, hours.from)
	days := piece{ceil(hours.from, Day.seconds()), floor(hours.to, Day.seconds())}
	if days.from >= days.to {
		p.add(Hour, hours.from, hours.to)
	} else {
		p.add(Hour, hours.from, days.from)
		p.add(Day, days.from, days.to)
		p.add(Hour, days.to, hours.to)
	}
	p.add(Minute, hours.to, to)
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

func ceil(n, step int64) int64 { return floor(n+step-1, step) }
