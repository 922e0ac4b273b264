// Package usage is the read model of statistics: what calls used, in rollups by minute, quarter of an hour, day and month of UTC.
//
// A call counts in the bucket of the event that ended it (a charge or a release). recorded_at rises with position, so a minute
// that is over never changes again, and neither does a quarter of an hour, a day or a month. Only then are its rows written, by the first event
// after it: those of a minute from its calls, whose sums are carried from batch to batch, and each of which has a row of its own until
// then; those of a quarter of an hour from its minutes, of a day from its quarters, of a month from its days. Answers are made of the coarsest rows that are there
// and of the calls of the open minute. An answer as of any position is made of rows up to its minute and of the events of that
// minute, which are folded like the projection folds them. A row exists for each bucket, wallet, key, app, model, endpoint and
// currency, and one over all wallets for each bucket, model, endpoint and currency; of days and months also one over all models
// for each wallet, key, app and currency.
//
// Rows of single calls are those of projections/generations; Filter.Calls says which of them a filter means.
package usage

import (
	"fmt"
	"math"
	"time"

	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "usage"
	Version = 3
)

// Projection writes the usage view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	var tables []string
	for _, f := range []family{ofCalls, ofErrors, ofKeys} {
		for _, g := range rollups() {
			if f.has(g) {
				tables = append(tables, f.table(g))
			}
		}
	}
	return append(tables, minutesTable, openTable)
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	open, ok := w.Carried.(*openMinute)
	if !ok {
		return fmt.Errorf("the open minute is carried as %T", w.Carried)
	}
	first, begin := never, minuteOf(events[0].RecordedAt) // the minute that was open before the batch
	if !w.Since.IsZero() {
		first = minuteOf(w.Since)
		begin = first
	}
	last := minuteOf(events[len(events)-1].RecordedAt)
	over := open.calls
	if first != last {
		open.calls = newBatch()
	}
	marks := marks{last: first}
	var rows openRows
	for i := range events {
		at := &events[i]
		marks.add(at)
		event, ok := at.Data.(wallet.Event)
		if !ok {
			continue
		}
		var err error
		if minuteOf(at.RecordedAt) != last {
			err = over.fold(event, at)
		} else if err = open.calls.fold(event, at); err == nil {
			err = rows.fold(event, at)
		}
		if err != nil {
			return fmt.Errorf("position %d: %w", at.Position, err)
		}
	}
	if first != last {
		marks.write(w)
		w.Add(open.rows, `DELETE FROM `+openTable)
		open.rows = 0
		over.write(w)
		closeAbove(w, begin, last)
	}
	open.rows += rows.position.Len()
	rows.write(w)
	return nil
}

// never is the minute before the first event.
const never = int64(math.MinInt64)

// minuteOf is the minute of a moment, by its first second since 1970.
func minuteOf(t time.Time) int64 { return Minute.first(t.Unix()) }
