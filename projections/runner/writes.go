package runner

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/massrouter/massrouter/projections/column"
)

// Writes collects the statements of one batch.
type Writes struct{ statements []statement }

const anyRows = -1

type statement struct {
	rows    int // that it must change
	sql     string
	columns []column.Array
}

// Add queues one statement, whose parameters are columns, that must change exactly so many rows; with 0 rows there is nothing
// to do and it is left out. A statement that changes another number of rows fails the batch: a row that it counts on is missing.
func (w *Writes) Add(rows int, sql string, columns ...column.Array) {
	if rows > 0 {
		w.statements = append(w.statements, statement{rows, sql, columns})
	}
}

// AddAny queues one statement that may change any number of rows.
func (w *Writes) AddAny(sql string, columns ...column.Array) {
	w.statements = append(w.statements, statement{anyRows, sql, columns})
}

// check reads the results of the checkpoint's move and of all statements. When the checkpoint did not move, what became of
// the statements means nothing: they may have met the tables of another build, or none.
func (w *Writes) check(results *pgconn.MultiResultReader) error {
	affected := make([]int64, 0, len(w.statements)+2)
	for results.NextResult() {
		tag, err := results.ResultReader().Close()
		if err != nil {
			return err
		}
		affected = append(affected, tag.RowsAffected())
		if len(affected) == 2 && tag.RowsAffected() != 1 {
			return errMoved
		}
	}
	if len(affected) < len(w.statements)+2 {
		return nil // the error is that of the batch
	}
	for i, s := range w.statements {
		if n := affected[i+2]; s.rows != anyRows && n != int64(s.rows) {
			return fmt.Errorf("statement %d of the batch changed %d rows, not %d: the view does not fit the log", i+1, n, s.rows)
		}
	}
	return nil
}
