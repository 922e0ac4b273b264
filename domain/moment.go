package domain

import "time"

// Moment is a time as events store it: UTC, whole microseconds (what Postgres keeps). The zero time stays zero.
func Moment(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// CheckMoment refuses times whose year has no four digits: they have no RFC 3339 form, so an event could not be
// stored.
func CheckMoment(field string, t time.Time) error {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return Errorf(CodeInvalid, "%s has a year between 1 and 9999", field)
	}
	return nil
}
