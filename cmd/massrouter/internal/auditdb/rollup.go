package auditdb

import (
	"context"
	"fmt"

	"github.com/massrouter/massrouter/audit"
)

// rollupNote is shown for tables whose rows are not compared one by one.
const rollupNote = "rollups: only the checkpoint is compared; massrouter projections verify usage replays them"

// rollups are the sums of the usage statistics. What they should be is what a replay gives, which is the work of another
// command; here their checkpoint is compared, and that they are empty without one.
type rollups struct{ *view }

func newRollups(_ context.Context, v *view) ([]comparer, error) { return []comparer{&rollups{v}}, nil }

func (r *rollups) tables() []Table {
	return []Table{{Name: "views.usage", Position: r.position, Note: rollupNote}}
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
	err := r.s.side.QueryRow(ctx, `SELECT EXISTS (SELECT FROM views.usage_day_v1) OR EXISTS (SELECT FROM views.usage_minutes_v1)`).Scan(&rows)
	if err != nil {
		return fmt.Errorf("look at the usage statistics: %w", err)
	}
	if rows {
		r.findings.Addf(state.Position, RowExtra, "views.usage", "there are rows although the statistics have no checkpoint")
	}
	return nil
}
