package auditdb

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// correction is the row of a correction, or what it should be.
type correction struct {
	id                                uuid.UUID
	number                            int64
	at                                time.Time
	position                          int64
	charge, uncollectible, vendorCost amount
	upstream                          amount
	provenance, evidence, reason      string
	insured                           bool
	usage, lineItems                  []byte
}

// corrections compares what calls were corrected to.
type corrections struct {
	rows   *merge[correction]
	want   correction // of the event under way
	buffer []byte     // with its documents
}

const correctionColumns = `generation_id, number, corrected_at, position, charge::text, uncollectible::text, vendor_cost::text, upstream_cost::text, provenance, evidence,
	reason, insured, usage::text, line_items::text`

func newCorrections(ctx context.Context, v *view) (*corrections, error) {
	rows, err := newScreened(ctx, v, layout[correction]{
		name: v.table("_corrections"), columns: correctionColumns, order: `position, generation_id`, scan: scanCorrection, encode: encodeCorrection,
		position: func(c *correction) int64 { return c.position },
		key:      func(c *correction) string { return c.id.String() + " " + strconv.FormatInt(c.number, 10) }, compare: compareCorrection,
	})
	return &corrections{rows: rows}, err
}

func scanCorrection(r *row) correction {
	return correction{
		id: r.uuid(0), number: r.int64(1), at: r.time(2), position: r.int64(3), charge: r.amount(4), uncollectible: r.amount(5), vendorCost: r.amount(6),
		upstream: r.amount(7), provenance: r.text(8), evidence: r.text(9), reason: r.text(10), insured: r.bool(11), usage: r.bytes(12), lineItems: r.bytes(13),
	}
}

func encodeCorrection(to *encoder, c *correction) {
	to.uuid(c.id)
	to.int64(c.number)
	to.time(c.at)
	to.int64(c.position)
	to.amount(c.charge.value)
	to.amount(c.uncollectible.value)
	to.amount(c.vendorCost.value)
	to.amount(c.upstream.value)
	to.text(c.provenance)
	to.text(c.evidence)
	to.text(c.reason)
	to.bool(c.insured)
	to.document(c.usage)
	to.document(c.lineItems)
}

func (c *corrections) tables() []Table { return []Table{c.rows.table()} }

func (c *corrections) close() { c.rows.close() }

// Observe compares the row of a correction.
func (c *corrections) Observe(_ context.Context, step *audit.Step) error {
	e, ok := step.Data.(wallet.ChargeCorrected)
	if !ok || !c.rows.view.covers(step) {
		return nil
	}
	c.buffer = c.buffer[:0]
	c.want = correction{
		id: e.HoldID, number: e.Number, at: step.Row.RecordedAt, position: step.Row.Position, charge: amount{value: e.After.Charge},
		uncollectible: amount{value: e.After.Uncollectible}, vendorCost: amount{value: e.After.VendorCost},
		upstream: amount{value: e.After.UpstreamCost}, provenance: string(e.Provenance),
		evidence: e.Evidence, reason: e.Reason, insured: e.Insured,
	}
	c.want.usage = c.document(e.After.Usage.AppendJSON)
	c.want.lineItems = c.document(func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, e.LineItems) })
	return c.rows.check(&c.want)
}

// document is a part of an event as JSON, in the buffer.
func (c *corrections) document(appendJSON func([]byte) ([]byte, error)) []byte {
	start := len(c.buffer)
	text, err := appendJSON(c.buffer)
	if err != nil {
		return []byte(err.Error())
	}
	c.buffer = text
	return text[start:]
}

func compareCorrection(d *diff, stored, want *correction) {
	same(d, "generation_id", stored.id, want.id)
	same(d, "number", stored.number, want.number)
	d.time("corrected_at", stored.at, want.at)
	d.amount("charge", stored.charge, want.charge.value)
	d.amount("uncollectible", stored.uncollectible, want.uncollectible.value)
	d.amount("vendor_cost", stored.vendorCost, want.vendorCost.value)
	d.amount("upstream_cost", stored.upstream, want.upstream.value)
	same(d, "provenance", stored.provenance, want.provenance)
	same(d, "evidence", stored.evidence, want.evidence)
	same(d, "reason", stored.reason, want.reason)
	same(d, "insured", stored.insured, want.insured)
	d.json("usage", stored.usage, want.usage)
	d.json("line_items", stored.lineItems, want.lineItems)
}

// End reports rows that no event called for.
func (c *corrections) End(context.Context, *audit.State) error { return c.rows.end() }
