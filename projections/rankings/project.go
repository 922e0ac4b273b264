// Package rankings is the read model of the leaderboards: which models, vendors and apps are used most, by day, ISO week, month
// and in all. docs/rankings.md has the rules and the formulas.
//
// A batch is folded into one row for each hour, wallet, model, vendor and app. When the first event of another day comes, the
// day that is over is added up: into the day, its month, and the boards of the windows that end with it, which never change
// again. An answer is read from such boards, or made of the days of its window and the hours of the last one.
package rankings

import (
	"fmt"

	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "rankings"
	Version = 1
)

// Projection writes the rankings view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	return []string{
		"views.rankings_hour_v1", "views.rankings_day_v1", "views.rankings_month_v1", "views.rankings_all_v1", "views.rankings_rows_v1",
		"views.rankings_wallets_v1", "views.rankings_apps_v1", "views.rankings_hours_v1", "views.rankings_clock_v1",
	}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	b := batch{at: w.Since}
	for i := range events {
		b.enter(&events[i])
		switch e := events[i].Data.(type) {
		case wallet.Event:
			if err := b.fold(e, &events[i]); err != nil {
				return fmt.Errorf("position %d: %w", events[i].Position, err)
			}
		case app.Event:
			b.apps.fold(e)
		}
	}
	b.write(w)
	return nil
}
