package usage

import (
	"sort"
	"time"
	_ "time/tzdata" // zones are known by name on machines without the files, too
)

const maxZone = 64 // bytes of a name

func zone(name string) (*time.Location, error) {
	bad := invalid("zone", "zone is the name of a time zone, such as Europe/Berlin")
	if len(name) > maxZone || name == "Local" {
		return nil, bad
	}
	at, err := time.LoadLocation(name)
	if err != nil {
		return nil, bad
	}
	return at, nil
}

// borders are from, to, and every border of the granularity between them in the zone, ascending; nil when there are more than most.
func borders(from, to time.Time, g Granularity, at *time.Location, most int) []time.Time {
	out := []time.Time{from}
	for next := following(from, g, at); next.Before(to); next = following(next, g, at) {
		if out = append(out, next); len(out) > most {
			return nil
		}
	}
	return append(out, to)
}

// following is the first border after t.
func following(t time.Time, g Granularity, at *time.Location) time.Time {
	local := t.In(at)
	switch g {
	case Minute:
		return t.Truncate(time.Minute).Add(time.Minute)
	case Hour:
		// An hour ends when the minutes are zero again, or the clocks are changed to another part of the hour.
		next := t.Add(time.Hour - time.Duration(local.Minute())*time.Minute)
		_, before := local.Zone()
		_, after := next.In(at).Zone()
		if late := next.In(at).Minute(); before != after && late != 0 {
			next = next.Add(time.Duration(60-late) * time.Minute)
		}
		return next
	case quarterHour, Day, Week, Month: // a series has no quarters of an hour
	}
	year, month, day := local.Date()
	for {
		switch g {
		case Week:
			day += 7 - (int(time.Date(year, month, day, 12, 0, 0, 0, time.UTC).Weekday())+6)%7
		case Month:
			month, day = month+1, 1
		case Day, Hour, quarterHour, Minute:
			day++
		}
		if next := midnight(year, month, day, at); next.After(t) {
			return next
		}
	}
}

// midnight is the moment at which a local day begins: not always at 0:00, which some days do not have and some have twice.
func midnight(year int, month time.Month, day int, at *time.Location) time.Time {
	date := func(t time.Time) int64 {
		y, m, d := t.In(at).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	}
	want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
	guess := time.Date(year, month, day, 0, 0, 0, 0, at)
	if date(guess) == want && date(guess.Add(-time.Minute)) < want {
		return guess.UTC()
	}
	// No zone is two days from UTC, and the date rises but for some minutes around the change of a clock.
	first := time.Date(year, month, day-2, 0, 0, 0, 0, time.UTC)
	i := sort.Search(4*24*60, func(i int) bool { return date(first.Add(time.Duration(i)*time.Minute)) >= want })
	return first.Add(time.Duration(i) * time.Minute)
}
