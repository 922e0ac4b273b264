package auditdb

import (
	"context"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/projections/reviews"
)

const reviewsSQL = `SELECT generation_id, wallet_id, key_id, model, endpoint, vendor, currency, reason, provenance, charged_at, position,
	charge::text, state, decision, decided_by, decided_because, decided_at, corrected::text, updated FROM views.reviews_v1`

func newReviews(_ context.Context, v *view) ([]comparer, error) {
	table := v.table("")
	return []comparer{newState(v, table, func(ctx context.Context, now *audit.State) (int64, error) {
		suspect := map[[16]byte]*audit.Charge{}
		for id, c := range now.Charges {
			if c.Suspect {
				suspect[id] = c
			}
		}
		return compareAll(ctx, v, table, reviewsSQL, suspect, func(c *audit.Charge) int64 { return c.Updated }, compareReview)
	})}, nil
}

func compareReview(d *diff, r *row, c *audit.Charge) {
	same(d, "wallet_id", r.uuid(1), c.Wallet.ID)
	same(d, "key_id", r.uuid(2), c.KeyID)
	same(d, "model", r.text(3), c.Model)
	same(d, "endpoint", r.text(4), c.Endpoint)
	same(d, "vendor", r.text(5), c.Vendor)
	same(d, "currency", r.text(6), string(c.Currency))
	same(d, "reason", r.text(7), reviews.Reason(c.Reason))
	same(d, "provenance", r.text(8), string(c.Provenance))
	d.time("charged_at", r.time(9), c.ChargedAt)
	same(d, "position", r.int64(10), c.Position)
	d.amount("charge", r.amount(11), c.Charged)
	state := reviews.Open
	if c.Decision != "" {
		state = reviews.Resolved
	}
	same(d, "state", r.text(12), string(state))
	same(d, "decision", r.text(13), string(c.Decision))
	same(d, "decided_by", r.text(14), c.DecidedBy)
	same(d, "decided_because", r.text(15), c.DecidedWhy)
	d.time("decided_at", r.time(16), c.DecidedAt)
	d.amount("corrected", r.amount(17), c.Bill.Charge)
	same(d, "updated", r.int64(18), c.Updated)
}
