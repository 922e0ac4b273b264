package commands

import (
	"context"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/usage"
)

// ReviewCharge is an operator's decision on a suspect charge: it is accepted, or corrected.
type ReviewCharge struct {
	ChargeRef
	Decision charge.Decision `json:"decision"`
	Reason   string          `json:"reason"`
	Usage    usage.Usage     `json:"usage,omitempty"`    // with corrected: what was used in truth
	Evidence string          `json:"evidence,omitempty"` // with corrected: what says so

	was *charged
}

// Reviewed is a decision that was recorded.
type Reviewed struct {
	Decision   charge.Decision `json:"decision"`
	Correction *Correction     `json:"correction,omitempty"` // with corrected
}

// ReviewCharge records a decision, and the correction that it is. Errors: charge_not_found, charge_final, charge_reviewed,
// evidence_used, usage_invalid and others of the wallet.
func (a *App) ReviewCharge(ctx context.Context, m Meta, c ReviewCharge) (Reviewed, Receipt, error) {
	var err error
	if c.was, err = a.charged(ctx, c.ChargeRef); err != nil {
		return Reviewed{}, Receipt{}, err
	}
	return do(ctx, a, m, c)
}

func (ReviewCharge) name() string { return "review_charge" }

func (c ReviewCharge) streams() []domain.StreamID { return c.was.streams(c.ChargeRef) }

func (c ReviewCharge) decide(d *executor.Decision) (Reviewed, error) {
	stream := charge.Stream(c.GenerationID)
	e, err := state[*charge.State](d, stream).Review(charge.Review{
		WalletID: c.WalletID, Charge: c.was.charge, Decision: c.Decision, Reason: c.Reason,
	})
	if err != nil {
		return Reviewed{}, err
	}
	out := Reviewed{Decision: c.Decision}
	if c.Decision == charge.Correct {
		correction, err := CorrectCharge{
			ChargeRef: c.ChargeRef, Usage: c.Usage, Provenance: usage.Operator, Evidence: c.Evidence, Reason: c.Reason, was: c.was,
		}.decide(d)
		if err != nil {
			return Reviewed{}, err
		}
		out.Correction = &correction
	} else if len(c.Usage) > 0 || c.Evidence != "" {
		return Reviewed{}, domain.Errorf(domain.CodeInvalid, "usage and evidence belong to a correction")
	}
	return out, d.Append(stream, e)
}
