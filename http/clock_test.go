package http_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// steady lets the log begin at a noon of the days just gone by, so that all that a test records is of one UTC day, week and month whenever it runs. It is for tests
// that ask for such a period; what goes by minutes, or by other clocks than the log's, needs the machine's.
func steady(p *parts) {
	begun := time.Now()
	noon := noonBefore(begun)
	p.store.Clock = func() time.Time { return noon.Add(time.Since(begun)) }
}

// noonBefore is the last noon before the day of now that has the days beside it in its week and in its month.
func noonBefore(now time.Time) time.Time {
	day := now.UTC().Truncate(24 * time.Hour)
	for {
		day = day.AddDate(0, 0, -1)
		before, after := day.AddDate(0, 0, -1), day.AddDate(0, 0, 1)
		if before.Month() == after.Month() && day.Weekday() != time.Monday && day.Weekday() != time.Sunday {
			return day.Add(12 * time.Hour)
		}
	}
}

// recorded is when the newest event of the log was recorded.
func (b *bundle) recorded() time.Time {
	b.t.Helper()
	head, err := b.store.Head(b.t.Context())
	require.NoError(b.t, err)
	return head.RecordedAt.UTC()
}

func (b *bundle) month() string { return b.recorded().Format("2006-01") }

func (b *bundle) day() string { return b.recorded().Format(time.DateOnly) }

func TestTheNoonOfASteadyLogIsFarFromTheEndOfAPeriod(t *testing.T) {
	t.Parallel()
	for now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); now.Year() < 2029; now = now.Add(6 * time.Hour) {
		noon := noonBefore(now)
		require.True(t, noon.Before(now.Truncate(24*time.Hour)), now)
		require.Less(t, now.Sub(noon), 8*24*time.Hour, now)
		for _, at := range []time.Time{noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1)} {
			require.Equal(t, noon.Month(), at.Month(), now)
			_, week := at.ISOWeek()
			_, same := noon.ISOWeek()
			require.Equal(t, same, week, now)
		}
	}
}
