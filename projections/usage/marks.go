package usage

import (
	"time"

	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// marks are the first positions of minutes that begin in a batch.
type marks struct {
	last     int64 // the minute of the event before
	minute   column.Times
	position column.Ints
	months   column.Times
	month    int // of all time
}

func (m *marks) add(e *runner.Event) {
	minute := minuteOf(e.RecordedAt)
	if minute == m.last {
		return
	}
	m.last = minute
	at := time.Unix(minute, 0).UTC()
	m.minute.Add(at)
	m.position.Add(e.Position)
	if month := at.Year()*12 + int(at.Month()); month != m.month {
		m.month = month
		m.months.Add(at)
	}
}

const insertMarks = `INSERT INTO views.usage_minutes_v1 (minute, first_position) SELECT * FROM unnest($1::timestamptz[], $2::bigint[])`

// The function is not in schema views, whose name stands for that of the build.
const ensurePartitions = `SELECT ledger.ensure_time_partitions(t.name::regclass, t.width, $1::timestamptz[])
	FROM (VALUES ('views.usage_minute_v1', 'month'), ('views.usage_hour_v1', 'quarter'), ('views.usage_day_v1', 'year'), ('views.usage_month_v1', 'year'),
		('views.usage_errors_minute_v1', 'month'), ('views.usage_errors_hour_v1', 'quarter'), ('views.usage_errors_day_v1', 'year'),
		('views.usage_errors_month_v1', 'year')) AS t(name, width)`

func (m *marks) write(w *runner.Writes) {
	w.AddAny(ensurePartitions, &m.months)
	w.Add(m.minute.Len(), insertMarks, &m.minute, &m.position)
}
