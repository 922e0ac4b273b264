package rankings

import "time"

// Window is a range of UTC days.
type Window string

// The windows.
const (
	Day   Window = "day"
	Week  Window = "week" // ISO 8601: from Monday
	Month Window = "month"
	All   Window = "all" // since the beginning
)

// Windows lists all windows.
func Windows() []Window { return []Window{Day, Week, Month, All} }

// Start is the first moment of the window in which a moment lies; zero for all time.
func (w Window) Start(at time.Time) time.Time {
	y, m, d := at.UTC().Date()
	switch w {
	case Day:
	case Week:
		d -= (int(at.UTC().Weekday()) + 6) % 7
	case Month:
		d = 1
	case All:
		return time.Time{}
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Next is the start of the window that comes n after the one that starts so; n may be negative. Zero for all time.
func (w Window) Next(start time.Time, n int) time.Time {
	switch w {
	case Day:
		return start.AddDate(0, 0, n)
	case Week:
		return start.AddDate(0, 0, 7*n)
	case Month:
		return start.AddDate(0, n, 0)
	case All:
	}
	return time.Time{}
}
