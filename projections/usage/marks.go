package usage

import (
	"fmt"
	"strings"
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

const insertMarks = `INSERT INTO ` + minutesTable + ` (minute, first_position) SELECT * FROM unnest($1::timestamptz[], $2::bigint[])`

// ensurePartitions makes the partitions that hold some moments. The function is not in schema views, whose name stands for that of
// the build.
func ensurePartitions() string {
	var list []string
	for _, f := range []family{ofCalls, ofErrors, ofKeys} {
		for _, g := range rollups() {
			if f.has(g) {
				list = append(list, fmt.Sprintf("('%s', '%s')", f.table(g), g.partition()))
			}
		}
	}
	return `SELECT ledger.ensure_time_partitions(t.name::regclass, t.width, $1::timestamptz[]) FROM (VALUES ` + strings.Join(list, ", ") + `) AS t(name, width)`
}

// partition is how much time a partition holds.
func (g Granularity) partition() string {
	switch g {
	case Minute:
		return "month"
	case quarterHour:
		return "quarter"
	case Hour, Day, Week, Month:
	}
	return "year"
}

func (m *marks) write(w *runner.Writes) {
	w.AddAny(ensurePartitions(), &m.months)
	w.Add(m.minute.Len(), insertMarks, &m.minute, &m.position)
}
