package usage

import (
	"strconv"
	"time"
)

// Granularity is the length of a bucket, in the calendar of the asker's zone.
type Granularity string

// The granularities.
const (
	Minute Granularity = "minute"
	Hour   Granularity = "hour"
	Day    Granularity = "day"
	Week   Granularity = "week" // from Monday, as in ISO 8601
	Month  Granularity = "month"
)

// quarterHour is a rollup only: in every zone of today a day begins at one of its borders, and so do weeks and months.
const quarterHour Granularity = "quarter_hour"

// Granularities lists them, the finest first.
func Granularities() []Granularity { return []Granularity{Minute, Hour, Day, Week, Month} }

// rollups are the granularities that have tables, the finest first.
func rollups() []Granularity { return []Granularity{Minute, quarterHour, Day, Month} }

// bucket is the expression of the bucket that a finer one lies in.
func (g Granularity) bucket() string {
	if g == Month {
		return "date_trunc('month', bucket, 'UTC')"
	}
	return "date_bin('" + strconv.FormatInt(g.seconds(), 10) + " seconds', bucket, 'epoch')"
}

// first is the first second of the rollup (of UTC) that a second since 1970 lies in.
func (g Granularity) first(n int64) int64 {
	switch g {
	case Month:
		t := time.Unix(n, 0).UTC()
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC).Unix()
	case Day, Hour, quarterHour, Minute, Week:
	}
	return floor(n, g.seconds())
}

// next is the first second of the rollup after that.
func (g Granularity) next(n int64) int64 {
	switch g {
	case Month:
		return time.Unix(g.first(n), 0).UTC().AddDate(0, 1, 0).Unix()
	case Day, Hour, quarterHour, Minute, Week:
	}
	return g.first(n) + g.seconds()
}

// seconds is the length of a rollup that is no month.
func (g Granularity) seconds() int64 {
	switch g {
	case Day:
		return 86400
	case Hour:
		return 3600
	case quarterHour:
		return 900
	case Minute, Week, Month:
	}
	return 60
}
