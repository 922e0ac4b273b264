// Package usage is the read model of statistics: what calls used, in rollups by minute, hour and day of UTC.
//
// A call counts in the bucket of the event that ended it (a charge or a release). recorded_at rises with position, so a bucket
// that is over never changes again, and an answer as of any position is made of rollups up to its minute and of the events of
// that minute, which are folded like the projection folds them. A row exists for each bucket, wallet, key, model, endpoint and
// currency, and one over all wallets for each bucket, model, endpoint and currency.
//
// Rows of single calls are those of projections/generations; Filter.Calls says which of them a filter means.
package usage

import (
	"fmt"

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
		"views.usage_minute_v1", "views.usage_hour_v1", "views.usage_day_v1",
		"views.usage_errors_minute_v1", "views.usage_errors_hour_v1", "views.usage_errors_day_v1", "views.usage_minutes_v1",
	}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	var marks marks
	b := newBatch()
	for i := range events {
		marks.add(&events[i])
		event, ok := events[i].Data.(wallet.Event)
		if !ok {
			continue
		}
		if err := b.fold(event, &events[i]); err != nil {
			return fmt.Errorf("position %d: %w", events[i].Position, err)
		}
	}
	marks.write(w)
	b.write(w)
	return nil
}
