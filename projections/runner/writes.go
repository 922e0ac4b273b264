package runner

import (
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore/pgwire"
	"github.com/massrouter/massrouter/projections/column"
)

// Writes collects the statements of one batch.
type Writes struct {
	// Since is recorded_at of the last event before the batch; zero when the batch begins the log.
	Since time.Time
	// Carried is what the projection carries from batch to batch; nil when it is no Carrier.
	Carried    any
	statements []statement
}

const anyRows = -1

type statement struct {
	rows   int // that it must change
	sql    string
	params []column.Array
	copied []column.Column // the rows of a COPY, which has no parameters
}

// Insert queues new rows of a table, given as one column for each name in a list such as "a, b"; without rows there is nothing to
// do. It is the fastest way in: a COPY, which takes the columns' values as they are.
func (w *Writes) Insert(table, names string, columns ...column.Array) {
	all := make([]column.Column, len(columns))
	for i, c := range columns {
		all[i] = c
	}
	w.Copy(table, names, all...)
}

// Copy is Insert for columns that cannot be parameters.
func (w *Writes) Copy(table, names string, columns ...column.Column) {
	if n := columns[0].Len(); n > 0 {
		w.statements = append(w.statements, statement{rows: n, sql: "COPY " + table + " (" + names + ") FROM STDIN BINARY", copied: columns})
	}
}

// Add queues one statement, whose parameters are columns, that must change exactly so many rows; with 0 rows there is nothing
// to do and it is left out. A statement that changes another number of rows fails the batch: a row that it counts on is missing.
func (w *Writes) Add(rows int, sql string, columns ...column.Array) {
	if rows > 0 {
		w.statements = append(w.statements, statement{rows: rows, sql: sql, params: columns})
	}
}

// AddAny queues one statement that may change any number of rows.
func (w *Writes) AddAny(sql string, columns ...column.Array) {
	w.statements = append(w.statements, statement{rows: anyRows, sql: sql, params: columns})
}

// check looks at how many rows the checkpoint's move and all statements have changed. When the checkpoint did not move, what became
// of the statements means nothing: they may have met the tables of another build, or none.
func (w *Writes) check(affected []int64) error {
	const before = 2 // BEGIN and the checkpoint's move
	if len(affected) >= before && affected[before-1] != 1 {
		return errMoved
	}
	if len(affected) < before+len(w.statements) {
		return nil // the error is that of the batch
	}
	for i, s := range w.statements {
		if n := affected[before+i]; s.rows != anyRows && n != int64(s.rows) {
			return fmt.Errorf("statement %d of the batch changed %d rows, not %d: the view does not fit the log", i+1, n, s.rows)
		}
	}
	return nil
}

// release gives the columns' memory back. The statements cannot be run again.
func (w *Writes) release() {
	for _, s := range w.statements {
		for _, c := range s.params {
			column.Release(c)
		}
		for _, c := range s.copied {
			column.Release(c)
		}
	}
}

// steps are the statements as the tables of a slot take them.
func (w *Writes) steps(slot Slot) []pgwire.Step {
	steps := make([]pgwire.Step, len(w.statements))
	for i, s := range w.statements {
		steps[i].SQL = slot.sql(s.sql)
		if s.copied != nil {
			steps[i].Source = column.Rows(s.copied)
			continue
		}
		for _, c := range s.params {
			steps[i].Params = append(steps[i].Params, c.Binary())
		}
	}
	return steps
}
