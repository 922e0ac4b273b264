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
	rows   *merge[end]
	want   end    // of the event under way
	buffer []byte // with its documents
}

const endColumns = `generation_id, state, ended_at, position, vendor, provenance, release_reason, charge::text, uncollectible::text,
	vendor_cost::text, usage::text, line_items::text, call::text, late`

func newEnds(ctx context.Context, v *view) (*ends, error) {
	rows, err := newScreened(ctx, v, layout[end]{
		name: v.table("_ends"), columns: endColumns, order: `position, generation_id`, scan: scanEnd, encode: encodeEnd,
		position: func(e *end) int64 { return e.position }, key: func(e *end) string { return e.id.String() }, compare: compareEnd,
	})
	return &ends{rows: rows}, err
}

func scanEnd(r *row) end {
	return end{
		id: r.uuid(0), state: r.text(1), at: r.time(2), position: r.int64(3), vendor: r.text(4), provenance: r.text(5),
		releaseReason: r.text(6), charge: r.amount(7), uncollectible: r.amount(8), vendorCost: r.amount(9),
		usage: r.bytes(10), lineItems: r.bytes(11), call: r.bytes(12), late: r.bool(13),
	}
}

func encodeEnd(to *encoder, e *end) {
	to.uuid(e.id)
	to.text(e.state)
	to.time(e.at)
	to.int64(e.position)
	to.text(e.vendor)
	to.text(e.provenance)
	to.text(e.releaseReason)
	to.amount(e.charge.value)
	to.amount(e.uncollectible.value)
	to.amount(e.vendorCost.value)
	to.document(e.usage)
	to.document(e.lineItems)
	to.document(e.call)
	to.bool(e.late)
}

func (e *ends) tables() []Table { return []Table{e.rows.table()} }

func (e *ends) close() { e.rows.close() }

// Observe compares the row of a charge or release.
func (e *ends) Observe(_ context.Context, step *audit.Step) error {
	if !e.rows.view.covers(step) {
		return nil
	}
	want := &e.want
	*want = end{at: step.Row.RecordedAt, position: step.Row.Position}
	switch data := step.Data.(type) {
	case wallet.HoldReleased:
		want.id, want.state, want.releaseReason = data.HoldID, "released", data.Reason
		want.vendor, want.vendorCost.value = data.Vendor, data.VendorCost
		if e.asStored(step) {
			break
		}
		if len(data.Usage) > 0 {
			want.usage = e.document(data.Usage.AppendJSON)
		}
		want.call = e.document(data.Call.AppendJSON)
	case wallet.UsageCharged:
		want.id, want.state, want.vendor, want.provenance, want.late = data.HoldID, "charged", data.Vendor, string(data.Provenance), data.Late
		want.charge.value, want.uncollectible.value, want.vendorCost.value = data.Charge, data.Uncollectible, data.VendorCost
		if e.asStored(step) {
			break
		}
		want.usage = e.document(data.Usage.AppendJSON)
		want.lineItems = e.document(func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, data.LineItems) })
		want.call = e.document(data.Call.AppendJSON)
	default:
		return nil
	}
	return e.rows.check(want)
}

// asStored takes the documents from the event as it is stored, where rows are not compared one by one: they are the same bytes,
// unless something is wrong.
func (e *ends) asStored(step *audit.Step) bool {
	e.buffer = e.buffer[:0]
	if e.rows.screened == nil {
		return false
	}
	e.want.usage, e.want.lineItems, e.want.call = step.Documents.Usage, step.Documents.LineItems, step.Documents.Call
	return step.Documents.Call != nil
}

// document is a part of an event as JSON, in the buffer. One that has none, which no decoded event has, equals nothing that
// is stored.
func (e *ends) document(appendJSON func([]byte) ([]byte, error)) []byte {
	start := len(e.buffer)
	text, err := appendJSON(e.buffer)
	if err != nil {
		return []byte(err.Error())
	}
	e.buffer = text
	return text[start:]
}

func compareEnd(d *diff, stored, want *end) {
	same(d, "generation_id", stored.id, want.id)
	same(d, "state", stored.state, want.state)
	d.time("ended_at", stored.at, want.at)
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
}

// End reports rows that no event called for.
func (e *ends) End(context.Context, *audit.State) error { return e.rows.end() }
