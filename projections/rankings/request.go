package rankings

import (
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

const (
	defaultTop = 20
	// MaxTop is the most subjects that an answer names.
	MaxTop    = 100
	firstYear = 2000
)

// Moment is the state of the log that an answer is of: as of a position, or as of a time, after every event that was recorded
// until then. Without either it is of what has been projected, after waiting for MinPosition.
type Moment struct {
	AsOfPosition int64     // 0 means none
	AsOf         time.Time // zero means none
	MinPosition  int64
}

func (m Moment) past() bool { return m.AsOfPosition != 0 || !m.AsOf.IsZero() }

// Request asks for one board of one window.
type Request struct {
	Moment
	Board  Board
	Model  string // the apps of this model only; with Apps
	Window Window
	By     Metric
	// Date is any moment of the window that is meant; zero means the window in which the log ends.
	Date time.Time
	// Trending ranks by what a subject has more than the mean of the three windows before. Not for all time.
	Trending bool
	Top      int // 1 to MaxTop; 0 means 20
}

// invalid is a refusal that names the field.
func invalid(field, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("field", field)
}

func (r *Request) check(now time.Time) error {
	switch {
	case !slices.Contains(Boards(), r.Board):
		return invalid("board", "unknown board")
	case !slices.Contains(Windows(), r.Window):
		return invalid("window", "unknown window")
	case !slices.Contains(Metrics(), r.By):
		return invalid("by", "unknown metric")
	case r.Model != "" && r.Board != Apps:
		return invalid("model", "only apps are ranked within a model")
	case r.Model != "" && catalog.CheckModelID(r.Model) != nil:
		return invalid("model", "model is a slug such as author/model")
	case r.Trending && r.Window == All:
		return invalid("trending", "all time has no windows before it")
	case !r.Date.IsZero() && r.Window == All:
		return invalid("date", "all time has no date")
	case !r.Date.IsZero() && (r.Date.UTC().Year() < firstYear || r.Date.After(now)):
		return invalid("date", "date lies between the year %d and now", firstYear)
	case r.Top < 0 || r.Top > MaxTop:
		return invalid("top", "top is between 1 and %d", MaxTop)
	}
	if r.Top == 0 {
		r.Top = defaultTop
	}
	return r.Moment.check(now)
}

func (m Moment) check(now time.Time) error {
	switch {
	case m.AsOfPosition < 0:
		return invalid("as_of", "as_of is a position above 0")
	case m.AsOfPosition != 0 && !m.AsOf.IsZero():
		return invalid("as_of", "as_of is a position or a time, not both")
	case m.AsOf.After(now):
		return invalid("as_of", "as_of lies in the future")
	case m.MinPosition < 0:
		return invalid("min_position", "min_position is not negative")
	}
	return nil
}
