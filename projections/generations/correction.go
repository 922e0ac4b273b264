package generations

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// Original is what a charge said before its first correction.
type Original struct {
	Charge, Uncollectible, VendorCost money.Amount
	UpstreamCost                      money.Amount // what the vendor billed the customer whose own key it was called with
	Usage                             usage.Usage
	Provenance                        usage.Provenance
	LineItems                         []usage.LineItem
}

// Correction is the last one of a charge.
type Correction struct {
	Number      int64 // how many there were
	Position    int64
	CorrectedAt time.Time
	Evidence    string
	Reason      string
	Insured     bool // nothing came out of the call: it costs nothing
	Original    Original
}

// corrections are the rows of corrections: one each, none changes.
type corrections struct {
	ends
	number   column.Ints
	evidence column.Texts
	insured  column.Bools
	upstream column.Amounts
}

func (c *corrections) add(e *wallet.ChargeCorrected, at *runner.Event) error {
	c.id.Add(e.HoldID)
	c.number.Add(e.Number)
	c.at.Add(at.RecordedAt)
	c.position.Add(at.Position)
	c.provenance.Add(string(e.Provenance))
	c.evidence.Add(e.Evidence)
	c.reason.Add(e.Reason)
	c.insured.Add(e.Insured)
	c.upstream.Add(e.After.UpstreamCost)
	c.amounts(e.After.Charge, e.After.Uncollectible, e.After.VendorCost)
	if err := encode(&c.usage, e.After.Usage.AppendJSON); err != nil {
		return err
	}
	return encode(&c.lineItems, func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, e.LineItems) })
}

func (c *corrections) write(w *runner.Writes) {
	if c.id.Len() == 0 {
		return
	}
	w.Insert("views.generations_corrections_v1", "generation_id, number, corrected_at, position, provenance, evidence, reason, insured, "+
		"charge, uncollectible, vendor_cost, upstream_cost, usage, line_items",
		&c.id, &c.number, &c.at, &c.position, &c.provenance, &c.evidence, &c.reason, &c.insured,
		&c.charge, &c.uncollectible, &c.vendorCost, &c.upstream, &c.usage, &c.lineItems)
}

// correct makes a generation what its last correction says, and keeps what its charge said.
func (g *Generation) correct(c *Correction, bill wallet.Bill, provenance usage.Provenance, used, items []byte) error {
	c.CorrectedAt = c.CorrectedAt.UTC()
	c.Original = Original{
		Charge: g.Charge, Uncollectible: g.Uncollectible, VendorCost: g.VendorCost, UpstreamCost: g.Call.UpstreamCost, Usage: g.Usage, Provenance: g.Provenance, LineItems: g.LineItems,
	}
	g.Correction, g.Charge, g.Uncollectible, g.VendorCost, g.Provenance = c, bill.Charge, bill.Uncollectible, bill.VendorCost, provenance
	g.Call.UpstreamCost = bill.UpstreamCost
	g.Usage, g.LineItems = nil, nil
	return g.read(used, items, nil)
}
