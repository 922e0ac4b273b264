package auditdb

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// end is the row of a charge or release, or what it should be.
type end struct {
	id                                uuid.UUID
	state                             string
	at                                time.Time
	position                          int64
	vendor, provenance, releaseReason string
	charge, uncollectible, vendorCost amount
	usage, lineItems, call            []byte // nil for NULL
	late                              bool
}

// ends compares how calls ended.
type ends struct {
	rows *merge[end]
	done []Table
}

const endsSQL = `SELECT generation_id, state, ended_at, position, vendor, provenance, release_reason, charge::text, uncollectible::text,
	vendor_cost::text, usage::text, line_items::text, call::text, late FROM views.generations_ends_v1 ORDER BY position, generation_id`

func newEnds(ctx context.Context, v *view) (*ends, error) {
	rows, err := newMerge(ctx, v, v.table("_ends"), endsSQL, func(r *row) end {
		return end{
			id: r.uuid(0), state: r.text(1), at: r.time(2), position: r.int64(3), vendor: r.text(4), provenance: r.text(5),
			releaseReason: r.text(6), charge: r.amount(7), uncollectible: r.amount(8), vendorCost: r.amount(9),
			usage: r.bytes(10), lineItems: r.bytes(11), call: r.bytes(12), late: r.bool(13),
		}
	}, func(e end) int64 { return e.position }, end.name)
	return &ends{rows: rows}, err
}

func (e end) name() string { return e.id.String() }

func (e *ends) tables() []Table { return e.done }

func (e *ends) close() { e.rows.close() }

// Observe compares the row of a charge or release.
func (e *ends) Observe(_ context.Context, step *audit.Step) error {
	want, ends := ended(step)
	if !ends || !e.rows.view.covers(step) {
		return nil
	}
	stored, found, err := e.rows.next(step.Row.Position, want.name)
	if err != nil || !found {
		return err
	}
	d := e.rows.view.diff(step.Row.Position, e.rows.name, want.name)
	same(d, "generation_id", stored.id, want.id)
	same(d, "state", stored.state, want.state)
	d.time("ended_at", stored.at, step.Row.RecordedAt)
	same(d, "vendor", stored.vendor, want.vendor)
	same(d, "provenance", stored.provenance, want.provenance)
	same(d, "release_reason", stored.releaseReason, want.releaseReason)
	d.amount("charge", stored.charge, want.charge.value)
	d.amount("uncollectible", stored.uncollectible, want.uncollectible.value)
	d.amount("vendor_cost", stored.vendorCost, want.vendorCost.value)
	d.json("usage", stored.usage, want.usage)
	d.json("line_items", stored.lineItems, want.lineItems)
	d.json("call", stored.call, want.call)
	same(d, "late", stored.late, want.late)
	return nil
}

// ended is the end of a call that an event calls for.
func ended(step *audit.Step) (end, bool) {
	switch e := step.Data.(type) {
	case wallet.HoldReleased:
		return end{id: e.HoldID, state: "released", releaseReason: e.Reason, call: document(e.Call.AppendJSON)}, true
	case wallet.UsageCharged:
		return end{
			id: e.HoldID, state: "charged", vendor: e.Vendor, provenance: string(e.Provenance), late: e.Late,
			charge: amount{value: e.Charge}, uncollectible: amount{value: e.Uncollectible}, vendorCost: amount{value: e.VendorCost},
			usage:     document(e.Usage.AppendJSON),
			lineItems: document(func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, e.LineItems) }),
			call:      document(e.Call.AppendJSON),
		}, true
	}
	return end{}, false
}

// document is a part of an event as JSON. One that has none, which no decoded event has, equals nothing that is stored.
func document(appendJSON func([]byte) ([]byte, error)) []byte {
	text, err := appendJSON(nil)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// End reports rows that no event called for.
func (e *ends) End(context.Context, *audit.State) error {
	table, err := e.rows.end()
	e.done = []Table{table}
	return err
}
