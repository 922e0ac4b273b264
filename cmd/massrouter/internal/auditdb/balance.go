package auditdb

import (
	"context"

	"github.com/massrouter/massrouter/audit"
)

// state compares a table that has one row an entity, at the moment when the log is at the view's checkpoint.
type state struct {
	view    *view
	table   Table
	compare func(ctx context.Context, now *audit.State) (rows int64, err error)
	done    bool
}

func newState(v *view, name string, compare func(context.Context, *audit.State) (int64, error)) *state {
	return &state{view: v, table: Table{Name: name, Position: v.position}, compare: compare}
}

func (t *state) tables() []Table { return []Table{t.table} }

func (*state) close() {}

// Observe compares at the checkpoint.
func (t *state) Observe(ctx context.Context, step *audit.Step) error {
	if step.Row.Position != t.view.position || t.done {
		return nil
	}
	return t.run(ctx, step.State)
}

// End compares what was never begun: nothing may be there.
func (t *state) End(ctx context.Context, _ *audit.State) error {
	switch {
	case t.done:
	case t.view.position == 0:
		return t.run(ctx, &audit.State{})
	default:
		t.table.Note = "the log has no event at its checkpoint: not compared"
	}
	return nil
}

func (t *state) run(ctx context.Context, now *audit.State) (err error) {
	t.done = true
	t.table.Rows, err = t.compare(ctx, now)
	return err
}

const balanceSQL = `SELECT wallet_id, owner, currency, posted::text, held::text, available::text, credited_total::text,
	charged_total::text, open_holds, opened_at, opened_position, position FROM views.balance_v1`

func newBalance(_ context.Context, v *view) ([]comparer, error) {
	name := v.table("")
	return []comparer{newState(v, name, func(ctx context.Context, now *audit.State) (int64, error) {
		return compareAll(ctx, v, name, balanceSQL, now.Wallets, func(w *audit.Wallet) int64 { return w.Position }, compareBalance)
	})}, nil
}

func compareBalance(d *diff, r *row, w *audit.Wallet) {
	same(d, "owner", r.text(1), w.Owner)
	same(d, "currency", r.text(2), string(w.Currency))
	d.amount("posted", r.amount(3), w.Posted())
	d.amount("held", r.amount(4), w.Held)
	d.amount("available", r.amount(5), w.Available)
	d.amount("credited_total", r.amount(6), w.Credited)
	d.amount("charged_total", r.amount(7), w.Credited.Sub(w.Posted()))
	same(d, "open_holds", r.int64(8), w.OpenHolds)
	d.time("opened_at", r.time(9), w.OpenedAt)
	same(d, "opened_position", r.int64(10), w.OpenedPosition)
	same(d, "position", r.int64(11), w.Position)
}
