// Package usage is the read model of statistics: what calls used, in rollups by minute, hour, day and month of UTC.
//
// A call counts in the bucket of the event that ended it (a charge or a release). recorded_at rises with position, so a minute
// that is over never changes again. Only then is it written to the rollups; until then each of its calls has a row of its own,
// which is cheap to write, and answers add those up. An answer as of any position is made of rollups up to its minute and of
// the events of that minute, which are folded like the projection folds them. A row exists for each bucket, wallet, key, app,
// model, endpoint and currency, and one over all wallets for each bucket, model, endpoint and currency.
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
	Version = 1
)

// Projection writes the usage view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	return []string{
		"views.usage_minute_v1", "views.usage_hour_v1", "views.usage_day_v1", "views.usage_month_v1",
		"views.usage_errors_minute_v1", "views.usage_errors_hour_v1", "views.usage_errors_day_v1", "views.usage_errors_month_v1", "views.usage_minutes_v1",
		"views.usage_open_v1",
	}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	first := never // the minute that was open before the batch
	if !w.Since.IsZero() {
		first = minuteOf(w.Since)
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
	}
	after.write(w)
	return nil
}

// never is the minute before the first event.
const never = int64(math.MinInt64)

// minuteOf is the minute of a moment, by its first second since 1970.
func minuteOf(t time.Time) int64 { return Minute.first(t.Unix()) }
