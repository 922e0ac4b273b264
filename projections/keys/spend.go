package keys

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
)

// Spend is what a key has spent, in all and in its last windows, and what it holds. Upstream is what vendors billed the customer whose own keys they were
// called with.
type Spend struct {
	Held, Total, Upstream money.Amount
	Day, Week, Month      Window
}

// Window is the spend in one UTC window; Start is its first day.
type Window struct {
	Start            time.Time
	Amount, Upstream money.Amount
}

// starts are the first days of the UTC windows that a moment lies in: the day, the ISO week, the month.
type starts struct{ day, week, month time.Time }

func startsOf(t time.Time) starts {
	year, month, day := t.UTC().Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	sinceMonday := (int(today.Weekday()) + 6) % 7
	return starts{
		day: today, week: today.AddDate(0, 0, -sinceMonday),
		month: time.Date(year, month, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (w Window) in(start time.Time) Window {
	if !w.Start.Equal(start) {
		return Window{Start: start}
	}
	return w
}

func (w *Window) add(start time.Time, a, upstream money.Amount) {
	*w = w.in(start)
	w.Amount, w.Upstream = w.Amount.Add(a), w.Upstream.Add(upstream)
}

// charge adds a payment at a moment, and what the vendor bills the customer.
func (s *Spend) charge(at time.Time, a, upstream money.Amount) {
	w := startsOf(at)
	s.Total, s.Upstream = s.Total.Add(a), s.Upstream.Add(upstream)
	s.Day.add(w.day, a, upstream)
	s.Week.add(w.week, a, upstream)
	s.Month.add(w.month, a, upstream)
}

// At is the spend in the windows of a moment. Windows that are over count nothing: there is nothing to reset.
func (s Spend) At(t time.Time) Spent {
	w := startsOf(t)
	day, week, month := s.Day.in(w.day), s.Week.in(w.week), s.Month.in(w.month)
	return Spent{
		Total: s.Total, Held: s.Held, Day: day.Amount, Week: week.Amount, Month: month.Amount,
		Upstream: Upstream{Total: s.Upstream, Day: day.Upstream, Week: week.Upstream, Month: month.Upstream},
	}
}
