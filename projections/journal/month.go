package journal

import (
	"fmt"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// Month is a calendar month in UTC.
type Month struct {
	Year  int
	Month time.Month
}

// MonthOf is the month of a moment.
func MonthOf(t time.Time) Month {
	t = t.UTC()
	return Month{t.Year(), t.Month()}
}

// ParseMonth reads "2026-03". Errors have code invalid_request.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil || t.Year() < 1 {
		return Month{}, domain.Errorf(domain.CodeInvalid, "month is written as 2026-03").Wrap(err)
	}
	return MonthOf(t), nil
}

// Start is the first moment of the month.
func (m Month) Start() time.Time { return time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, time.UTC) }

// Next is the month after.
func (m Month) Next() Month { return MonthOf(m.Start().AddDate(0, 1, 0)) }

// End is the first moment after the month.
func (m Month) End() time.Time { return m.Next().Start() }

// String is the month as ParseMonth reads it.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, int(m.Month)) }

func (m Month) check() error {
	if m.Year < 1 || m.Year > 9998 || m.Month < time.January || m.Month > time.December {
		return domain.Errorf(domain.CodeInvalid, "month is written as 2026-03")
	}
	return nil
}
