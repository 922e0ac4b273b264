package keys

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
)

// Spend is what a key has spent, in all and in its last windows, and what it holds.
type Spend struct {
	Held, Total      money.Amount
	Day, Week, Month Window
}

// Window is the spend in one UTC window; Start is its first day.
type Window struct {
	Start  time.Time
	Amount money.Amount
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

func (w Window) in(start time.Time) money.Amount {
	if !w.Start.Equal(start) {
		return money.Zero()
	}
	return w.Amount
}

func (w *Window) add(start time.Time, a money.Amount) {
	if !w.Start.Equal(start) {
		*w = Window{Start: start}
	}
	w.Amount = w.Amount.Add(a)
}

// charge adds a payment at a moment.
func (s *Spend) charge(at time.Time, a money.Amount) {
	w := startsOf(at)
	s.Total = s.Total.Add(a)
	s.Day.add(w.day, a)
	s.Week.add(w.week, a)
	s.Month.add(w.month, a)
}

// At is the spend in the windows of a moment. Windows that are over count nothing: there is nothing to reset.
func (s Spend) At(t time.Time) Spent {
	w := startsOf(t)
	return Spent{Total: s.Total, Held: s.Held, Day: s.Day.in(w.day), Week: s.Week.in(w.week), Month: s.Month.in(w.month)}
}
