package usage

import (
	"context"
	"time"

	"github.com/massrouter/massrouter/projections/checkpoint"
)

// Interval is one part of a series: from inclusive, to exclusive, in the asker's zone. The first and the last may be shorter
// than the others.
type Interval struct{ From, To time.Time }

// Line is one group over time.
type Line struct {
	Row             // the whole range
	Points []Values // one an interval
}

// Values are one interval's numbers, in the order of the metrics.
type Values []Value

// Series is the answer to a question over time. At each interval the lines add up to Total.
type Series struct {
	Filter      Filter // with its defaults
	Granularity Granularity
	Intervals   []Interval
	Lines       []Line // by rank over the whole range, the others last; empty without dimensions
	Groups      int64  // how many there are, with a line of their own or not
	OrderBy     Metric
	Total       Line
	checkpoint.At
}

// Series sums up the calls of a range by interval and group. The groups are ranked over the whole range. Errors:
// invalid_request with the detail "field", ledger_unavailable.
func (q *Query) Series(ctx context.Context, r Request) (Series, error) {
	asked, err := r.check(time.Now())
	if err != nil {
		return Series{}, err
	}
	if err := asked.split(); err != nil {
		return Series{}, err
	}
	return together(ctx, &q.flights, "series", asked, func(ctx context.Context) (Series, error) { return q.readSeries(ctx, asked) })
}

func (q *Query) readSeries(ctx context.Context, asked *question) (Series, error) {
	cells, groups, at, err := q.cells(ctx, asked)
	if err != nil {
		return Series{}, err
	}
	s := Series{Filter: asked.Filter, Granularity: asked.Granularity, Groups: groups, OrderBy: asked.OrderBy, At: at}
	for i := 1; i < len(asked.borders); i++ {
		s.Intervals = append(s.Intervals, Interval{asked.borders[i-1].In(asked.zone), asked.borders[i].In(asked.zone)})
	}
	total := make([]Sums, len(s.Intervals))
	nothing := asked.values(&Sums{})
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && cells[n].rank == cells[0].rank {
			n++
		}
		for i := range cells[:n] {
			total[cells[i].point()].add(&cells[i].Sums)
		}
		if len(asked.Dimensions) > 0 {
			s.Lines = append(s.Lines, asked.line(cells[:n], nothing, len(s.Intervals)))
		}
		cells = cells[n:]
	}
	s.Total = asked.total(total)
	if len(asked.Dimensions) == 0 {
		s.Groups = 0
	}
	return s, nil
}

// point is the place of a cell's interval in a series: intervals count from 1, and are 0 when there is only one.
func (c *cell) point() int { return max(c.interval-1, 0) }

// line is one group, of which there is a cell for each interval that has a call; all others have the values of nothing.
func (q *question) line(cells []cell, nothing Values, points int) Line {
	l := Line{Points: make([]Values, points)}
	for i := range l.Points {
		l.Points[i] = nothing
	}
	whole := cell{rank: cells[0].rank, keys: cells[0].keys}
	for i := range cells {
		whole.add(&cells[i].Sums)
		l.Points[cells[i].point()] = q.values(&cells[i].Sums)
	}
	l.Row = q.row(&whole)
	return l
}

// total is the line of all groups together.
func (q *question) total(points []Sums) Line {
	var whole Sums
	l := Line{Points: make([]Values, len(points))}
	for i := range points {
		whole.add(&points[i])
		l.Points[i] = q.values(&points[i])
	}
	l.Row = Row{Sums: whole, Values: q.values(&whole)}
	return l
}
