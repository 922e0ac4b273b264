package auditdb

import (
	"context"

	"github.com/massrouter/massrouter/audit"
)

const appsSQL = `SELECT app_id, wallet_id, owner, name, url, description, hidden, archived, archived_reason, registered_at,
	registered_position, updated_at, position FROM views.apps_v1`

func newApps(_ context.Context, v *view) ([]comparer, error) {
	table := v.table("")
	return []comparer{newState(v, table, func(ctx context.Context, now *audit.State) (int64, error) {
		return compareAll(ctx, v, table, appsSQL, now.Apps, func(a *audit.App) int64 { return a.UpdatedPosition }, compareApp)
	})}, nil
}

func compareApp(d *diff, r *row, a *audit.App) {
	same(d, "wallet_id", r.uuid(1), a.Wallet)
	same(d, "owner", r.text(2), a.Owner)
	same(d, "name", r.text(3), a.Details.Name)
	same(d, "url", r.text(4), a.Details.URL)
	same(d, "description", r.text(5), a.Details.Description)
	same(d, "hidden", r.bool(6), a.Details.Hidden)
	same(d, "archived", r.bool(7), a.Archived)
	same(d, "archived_reason", r.text(8), a.ArchivedReason)
	d.time("registered_at", r.time(9), a.RegisteredAt)
	same(d, "registered_position", r.int64(10), a.RegisteredPosition)
	d.time("updated_at", r.time(11), a.UpdatedAt)
	same(d, "position", r.int64(12), a.UpdatedPosition)
}
