// Package usage is the read model of statistics: what calls used, in rollups by minute, quarter of an hour, day and month of UTC.
//
// A call counts in the bucket of the event that ended it (a charge or a release). recorded_at rises with position, so a minute
// that is over never changes again, and neither does a quarter of an hour, a day or a month. Only then are its rows written, by the first event
// after it: those of a minute from its calls, each of which has a row of its own until then, which is cheap to write; those of a
// quarter of an hour from its minutes, of a day from its quarters, of a month from its days. Answers are made of the coarsest rows that are there
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
	first, begin := never, minuteOf(events[0].RecordedAt) // the minute that was open before the batch
	if !w.Since.IsZero() {
		first = minuteOf(w.Since)
		begin = first
	}
	last := minuteOf(events[len(events)-1].RecordedAt)
	marks := marks{last: first}
	var before, after open
	over := newBatch()
	for i := range events {
		at := &events[i]
		marks.add(at)
		event, ok := at.Data.(wallet.Event)
		if !ok {
			continue
		}
		var err error
		switch minuteOf(at.RecordedAt) {
		case last:
			err = after.fold(event, at)
		case first:
			err = before.fold(event, at)
		default:
			err = over.fold(event, at)
		}
		if err != nil {
			return fmt.Errorf("position %d: %w", at.Position, err)
		}
	}
	if first != last {
		before.write(w)
		marks.write(w)
		closeMinute(w)
		over.write(w)
		closeAbove(w, begin, last)
	}
	after.write(w)
	return nil
}

// never is the minute before the first event.
const never = int64(math.MinInt64)

// minuteOf is the minute of a moment, by its first second since 1970.
func minuteOf(t time.Time) int64 { return Minute.first(t.Unix()) }
