package usage

import (
	"slices"
	"time"
)

const (
	maxMetrics    = 12
	maxDimensions = 2
	defaultTop    = 10
	maxTop        = 100
	maxPoints     = 1500
	maxCells      = 20_000
)

// Moment is the state of the log that an answer is of: as of a position, or as of a time, after every event that was recorded
// until then. Without either it is of what has been projected, after waiting for MinPosition.
type Moment struct {
	AsOfPosition int64     // 0 means none
	AsOf         time.Time // zero means none
	MinPosition  int64
}

func (m Moment) past() bool { return m.AsOfPosition != 0 || !m.AsOf.IsZero() }

// Request asks for metrics of the calls that the filter means, as of a moment.
type Request struct {
	Filter
	Moment
	Metrics    []Metric    // 1 to 12
	Dimensions []Dimension // at most 2; none asks for the total only
	// OrderBy is the metric that ranks the groups, the largest first; equal ones by their names. It must add up: no share or
	// quantile. "" means the first of Metrics if that adds up, else calls.
	OrderBy Metric
	// Top is how many groups have a row of their own, 1 to 100; 0 means 10. All others are together in one more row.
	Top int
	// Granularity is that of a series; "" lets the range choose. It means nothing elsewhere.
	Granularity Granularity
}

// question is a request that was checked.
type question struct {
	Request
	zone      *time.Location
	borders   []time.Time // of the series; from and to elsewhere
	byError   bool
	family    family
	needs     []int // the columns of sumList that the metrics need
	low, high int64 // the ranks of the groups that have rows, low exclusive
}

func (r Request) check(now time.Time) (*question, error) {
	f, err := r.normal(now)
	if err != nil {
		return nil, err
	}
	r.Filter = f
	q := &question{Request: r, borders: []time.Time{f.From, f.To}}
	if q.zone, err = zone(f.Zone); err != nil {
		return nil, err
	}
	if err := q.checkDimensions(); err != nil {
		return nil, err
	}
	if err := q.checkMetrics(); err != nil {
		return nil, err
	}
	if r.Top < 0 || r.Top > maxTop {
		return nil, invalid("top", "top is between 1 and %d", maxTop)
	}
	if q.high = int64(r.Top); r.Top == 0 {
		q.high = defaultTop
	}
	return q, q.checkMoment(now)
}

func (q *question) checkDimensions() error {
	if len(q.Dimensions) > maxDimensions {
		return invalid("dimensions", "there are at most %d dimensions", maxDimensions)
	}
	for i, d := range q.Dimensions {
		if d.column() == "" {
			return invalid("dimensions", "unknown dimension")
		}
		if slices.Contains(q.Dimensions[:i], d) {
			return invalid("dimensions", "a dimension comes once")
		}
		q.byError = q.byError || d == ByError
	}
	return nil
}

func (q *question) checkMetrics() error {
	if len(q.Metrics) < 1 || len(q.Metrics) > maxMetrics {
		return invalid("metrics", "there are 1 to %d metrics", maxMetrics)
	}
	for _, m := range q.Metrics {
		if !slices.Contains(Metrics(), m) {
			return invalid("metrics", "unknown metric")
		}
		if q.byError && m != Errors {
			return invalid("metrics", "by error there is only the metric errors")
		}
	}
	if q.OrderBy == "" {
		if q.OrderBy = q.Metrics[0]; q.OrderBy.rank() == "" {
			q.OrderBy = Calls
		}
	}
	if q.OrderBy.rank() == "" || q.byError && q.OrderBy != Errors {
		return invalid("order_by", "order_by is a metric that adds up, and errors when it is by error")
	}
	q.choose()
	return nil
}

// choose finds the tables and columns that the answer is made of.
func (q *question) choose() {
	switch {
	case q.byError:
		q.family = ofErrors
	case q.ofEach() && !q.ofModels():
		q.family = ofKeys
	default:
		q.family = ofCalls
	}
	columns := []string{"calls", "charged"}
	for _, m := range append(slices.Clone(q.Metrics), q.OrderBy) {
		columns = append(columns, m.columns()...)
	}
	for at, name := range sumList() {
		if slices.Contains(columns, name) {
			q.needs = append(q.needs, at)
		}
	}
}

func (q *question) checkMoment(now time.Time) error {
	switch {
	case q.AsOfPosition != 0 && !q.AsOf.IsZero():
		return invalid("as_of", "as_of is a position or a time")
	case q.AsOfPosition < 0:
		return invalid("as_of", "as_of is before the beginning")
	case q.AsOf.After(now):
		return invalid("as_of", "as_of lies in the future")
	}
	return nil
}

// split chooses the borders of a series.
func (q *question) split() error {
	if q.Granularity == "" {
		q.Granularity = granularityOf(q.To.Sub(q.From))
	}
	if !slices.Contains(Granularities(), q.Granularity) {
		return invalid("granularity", "unknown granularity")
	}
	if q.borders = borders(q.From, q.To, q.Granularity, q.zone, maxPoints); q.borders == nil {
		return invalid("granularity", "a series has at most %d points: choose a coarser granularity or a shorter range", maxPoints)
	}
	if rows := q.high + 1; len(q.Dimensions) > 0 && int64(len(q.borders)-1)*rows > maxCells {
		return invalid("top", "a series has at most %d numbers of a metric: choose fewer groups, a coarser granularity or a shorter range", maxCells)
	}
	return nil
}

// granularityOf is the finest granularity whose series of the range is still easily read.
func granularityOf(d time.Duration) Granularity {
	const day = 24 * time.Hour
	switch {
	case d <= 3*time.Hour:
		return Minute
	case d <= 7*day:
		return Hour
	case d <= 92*day:
		return Day
	case d <= 366*day:
		return Week
	}
	return Month
}
