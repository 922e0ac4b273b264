package audit

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
)

const secondsOfDay = 24 * 60 * 60

// days are the first days of the windows that a moment lies in, as numbers of days since 1970-01-01 (a Thursday), UTC.
func days(t time.Time) (day, week, month int64) {
	seconds := t.Unix()
	day = seconds / secondsOfDay
	if seconds%secondsOfDay < 0 {
		day--
	}
	return day, day - ((day+3)%7+7)%7, day - int64(t.UTC().Day()-1)
}

// spent is the amount when the window is the one that begins on the given day.
func (w Window) spent(day int64) money.Amount {
	if !w.Charged || w.Start != day {
		return money.Zero()
	}
	return w.Amount
}

func (w *Window) add(day int64, amount, upstream money.Amount) {
	if !w.Charged || w.Start != day {
		*w = Window{Start: day, Charged: true}
	}
	w.Amount, w.Upstream = w.Amount.Add(amount), w.Upstream.Add(upstream)
}

// correct changes the windows of a charge's moment, as far as they are still the last ones.
func (s *Spend) correct(charged time.Time, amount, upstream money.Amount) {
	day, week, month := days(charged)
	s.Total, s.Upstream = s.Total.Add(amount), s.Upstream.Add(upstream)
	for _, w := range []struct {
		window *Window
		start  int64
	}{{&s.Day, day}, {&s.Week, week}, {&s.Month, month}} {
		if w.window.Charged && w.window.Start == w.start {
			w.window.Amount, w.window.Upstream = w.window.Amount.Add(amount), w.window.Upstream.Add(upstream)
		}
	}
}

// charge adds a payment, and what the vendor bills the customer.
func (s *Spend) charge(at time.Time, amount, upstream money.Amount) {
	day, week, month := days(at)
	s.Total, s.Upstream = s.Total.Add(amount), s.Upstream.Add(upstream)
	s.Day.add(day, amount, upstream)
	s.Week.add(week, amount, upstream)
	s.Month.add(month, amount, upstream)
}
