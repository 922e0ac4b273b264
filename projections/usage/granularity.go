package usage

// Granularity is the length of a bucket, in the calendar of the asker's zone.
type Granularity string

// The granularities. The first three have rollups.
const (
	Minute Granularity = "minute"
	Hour   Granularity = "hour"
	Day    Granularity = "day"
	Week   Granularity = "week" // from Monday, as in ISO 8601
	Month  Granularity = "month"
)

// Granularities lists them, the finest first.
func Granularities() []Granularity { return []Granularity{Minute, Hour, Day, Week, Month} }

// seconds is the length of a rollup.
func (g Granularity) seconds() int64 {
	switch g {
	case Hour:
		return 3600
	case Day:
		return 86400
	case Minute, Week, Month:
	}
	return 60
}
