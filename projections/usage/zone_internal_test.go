package usage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
)

// TestDaysOfZones: the borders of days around changes of clocks, written in UTC by hand.
func TestDaysOfZones(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		zone, from, to string
		g              Granularity
		want           []string
	}{
		{"Europe/Berlin", "2026-03-28T00:00", "2026-03-31T00:00", Day, []string{"2026-03-28T23:00", "2026-03-29T22:00", "2026-03-30T22:00"}},
		{"Europe/Berlin", "2026-10-24T12:00", "2026-10-26T12:00", Day, []string{"2026-10-24T22:00", "2026-10-25T23:00"}},
		{"Asia/Kolkata", "2026-01-01T00:00", "2026-01-03T00:00", Day, []string{"2026-01-01T18:30", "2026-01-02T18:30"}},
		{"Asia/Kathmandu", "2026-01-01T00:00", "2026-01-01T03:00", Hour, []string{"2026-01-01T00:15", "2026-01-01T01:15", "2026-01-01T02:15"}},
		// Midnight does not exist: the day begins at one o'clock.
		{"America/Sao_Paulo", "2018-11-03T12:00", "2018-11-05T12:00", Day, []string{"2018-11-04T03:00", "2018-11-05T02:00"}},
		// The clock goes back at midnight, into the day before.
		{"America/Sao_Paulo", "2018-02-17T12:00", "2018-02-19T12:00", Day, []string{"2018-02-18T03:00", "2018-02-19T03:00"}},
		// The clock goes back at one to midnight: the day begins the first time.
		{"America/Havana", "2025-11-01T12:00", "2025-11-03T12:00", Day, []string{"2025-11-02T04:00", "2025-11-03T05:00"}},
		// Half an hour of summer time.
		{"Australia/Lord_Howe", "2026-04-04T12:00", "2026-04-04T17:00", Hour, []string{"2026-04-04T13:00", "2026-04-04T14:00", "2026-04-04T15:30", "2026-04-04T16:30"}},
		// A day that never was.
		{"Pacific/Apia", "2011-12-29T00:00", "2012-01-01T12:00", Day, []string{"2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00", "2012-01-01T10:00"}},
		{"Asia/Shanghai", "2026-01-01T00:00", "2026-01-13T00:00", Week, []string{"2026-01-04T16:00", "2026-01-11T16:00"}},
		{"America/New_York", "2026-01-15T00:00", "2026-05-01T00:00", Month, []string{"2026-02-01T05:00", "2026-03-01T05:00", "2026-04-01T04:00"}},
		{"UTC", "2026-01-01T00:00", "2026-01-02T00:00", Day, nil},
	} {
		at, err := zone(row.zone)
		require.NoError(t, err)
		var got []string
		list := borders(instant(row.from), instant(row.to), row.g, at, maxPoints)
		require.Equal(t, instant(row.from), list[0])
		require.Equal(t, instant(row.to), list[len(list)-1])
		for _, b := range list[1 : len(list)-1] {
			got = append(got, b.UTC().Format(layout))
		}
		require.Equal(t, row.want, got, "%s %s", row.zone, row.from)
	}
}

const layout = "2006-01-02T15:04"

func instant(s string) time.Time {
	t, err := time.Parse(layout, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestUnknownZones(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Local", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe/Berlin\x00", "+02:00"} {
		_, err := zone(name)
		var refused *domain.Error
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, "zone", refused.Details["field"])
	}
}

// TestBordersKeepTheCalendar: in any zone, between two neighbours there is one local day, and a new one begins at each border.
func TestBordersKeepTheCalendar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at, err := zone(rapid.SampledFrom([]string{
			"", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "America/Santiago", "Asia/Beirut",
			"Africa/Cairo", "Pacific/Chatham", "Pacific/Kiritimati", "America/St_Johns",
		}).Draw(t, "zone"))
		require.NoError(t, err)
		from := instant("2012-01-01T00:00").Add(time.Duration(rapid.IntRange(0, 14*365*24*60).Draw(t, "from")) * time.Minute)
		to := from.Add(time.Duration(rapid.IntRange(1, 40*24*60).Draw(t, "minutes")) * time.Minute)
		date := func(t time.Time) string { return t.In(at).Format(time.DateOnly) }
		list := borders(from, to, Day, at, maxPoints)
		for i := 1; i < len(list); i++ {
			require.True(t, list[i-1].Before(list[i]))
			for m := list[i-1]; m.Before(list[i]); m = m.Add(15 * time.Minute) {
				require.Equal(t, date(list[i-1]), date(m))
			}
			if i > 1 {
				require.NotEqual(t, date(list[i-2]), date(list[i-1]))
			}
		}
	})
}

// TestPlansCoverEachMinuteOnce: the rollups of a plan are the minutes of the range, none twice, as coarse as can be, and those of
// quarters of an hour, days and months are over.
func TestPlansCoverEachMinuteOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := []time.Time{instant("2026-02-27T00:00").Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "from")) * time.Minute)}
		for range rapid.IntRange(1, 4).Draw(t, "intervals") {
			list = append(list, list[len(list)-1].Add(time.Duration(rapid.SampledFrom([]int{1, 10, 40}).Draw(t, "scale")*rapid.IntRange(1, 5000).Draw(t, "minutes"))*time.Minute))
		}
		end := list[0].Add(time.Duration(rapid.IntRange(0, 250_000).Draw(t, "end")) * time.Minute)
		over := list[0].Add(time.Duration(rapid.IntRange(-10_000, 250_000).Draw(t, "over")) * time.Second * 59)
		covered := map[int64]int{}
		plan := cover(list, end, over, rollups()...)
		for g, pieces := range plan {
			for _, p := range pieces {
				require.Equal(t, p.from, g.first(p.from))
				require.Equal(t, p.to, g.first(p.to))
				require.True(t, g == Minute || !time.Unix(p.to, 0).After(over))
				for row := p.from; row < p.to; row = g.next(row) {
					for i := 1; i < len(list)-1; i++ { // no row lies on both sides of a border
						b := list[i].Unix()
						require.False(t, row < b && b < g.next(row))
					}
					for m := row; m < g.next(row); m += 60 {
						covered[m]++
					}
				}
			}
		}
		for m := list[0]; m.Before(list[len(list)-1]); m = m.Add(time.Minute) {
			want := 0
			if m.Before(end) {
				want = 1
			}
			require.Equal(t, want, covered[m.Unix()])
			delete(covered, m.Unix())
		}
		require.Empty(t, covered)
		for i, coarse := range rollups()[1:] { // no whole bucket that is over stands in finer rows
			for _, p := range plan[rollups()[i]] {
				for first := coarse.next(p.from - 1); coarse.next(first) <= p.to; first = coarse.next(first) {
					whole := !time.Unix(coarse.next(first), 0).After(over)
					for _, b := range list {
						whole = whole && (b.Unix() <= first || b.Unix() >= coarse.next(first))
					}
					require.False(t, whole, "%s of %s", rollups()[i], coarse)
				}
			}
		}
	})
}
