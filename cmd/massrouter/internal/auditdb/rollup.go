package auditdb

import (
	"context"
	"fmt"

	"github.com/massrouter/massrouter/audit"
)

// rollupNote is shown for tables whose rows are not compared one by one.
const rollupNote = "rollups: only the checkpoint is compared; massrouter projections verify replays them"

// someRows are questions whether a read model has rows.
func someRows() map[string]string {
	return map[string]string{
		"usage":    `SELECT EXISTS (SELECT FROM views.usage_day_v3) OR EXISTS (SELECT FROM views.usage_minutes_v3)`,
		"rankings": `SELECT EXISTS (SELECT FROM views.rankings_hour_v1) OR EXISTS (SELECT FROM views.rankings_hours_v1)`,
	}
}

// rollups are the sums of the usage statistics, or of the rankings. What they should be is what a replay gives, which is the work of another
// command; here their checkpoint is compared, and that they are empty without one.
type rollups struct{ *view }

func newRollups(_ context.Context, v *view) ([]comparer, error) { return []comparer{&rollups{v}}, nil }

func (r *rollups) tables() []Table {
	return []Table{{Name: "views." + r.name, Position: r.position, Note: rollupNote}}
}

func (*rollups) close() {}

// Observe waits for the end.
func (*rollups) Observe(context.Context, *audit.Step) error { return nil }

// End looks for rows that no checkpoint vouches for.
func (r *rollups) End(ctx context.Context, state *audit.State) error {
	if r.position > 0 {
		return nil
	}
	rows := false
	err := r.s.side.QueryRow(ctx, someRows()[r.name]).Scan(&rows)
	if err != nil {
		return fmt.Errorf("look at the sums of %s: %w", r.name, err)
	}
	if rows {
		r.findings.Addf(state.Position, RowExtra, "views."+r.name, "there are rows although the read model has no checkpoint")
	}
	return nil
}
