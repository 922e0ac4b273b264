package command

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
)

// Charges knows where in the log charges stand.
type Charges interface {
	// Charge finds the charge of a generation. Errors: charge_not_found, ledger_unavailable. Safe for concurrent use.
	Charge(ctx context.Context, generation uuid.UUID) (commands.ChargeRef, error)
}

// ReviewCharge decides on a suspect charge.
func (a *API) ReviewCharge(ctx context.Context, r ReviewChargeRequestObject) (ReviewChargeResponseObject, error) {
	m, err := contract.Meta(ctx, &r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	c, err := decision(r.Body)
	if err != nil {
		return nil, err
	}
	id, err := domain.ParseGenerationID(r.GenerationID)
	if err != nil {
		return nil, err
	}
	if c.ChargeRef, err = a.charges.Charge(ctx, id); err != nil {
		return nil, err
	}
	reviewed, done, err := a.app.ReviewCharge(ctx, m, c)
	if err != nil {
		return nil, err
	}
	answer := ReviewCharge200JSONResponse{
		GenerationID: r.GenerationID, Decision: string(reviewed.Decision), Position: openapi.Count(done.Position),
		RecordedAt: done.RecordedAt.UTC(), Replayed: done.Replayed,
	}
	if d := reviewed.Correction; d != nil {
		answer.Correction = &ChargeDifference{
			Charge: d.Charge, Difference: d.Difference, Debited: d.Debited, Uncollectible: d.Uncollectible, VendorCost: d.VendorCost,
			Posted: d.Posted, Held: d.Held,
		}
	}
	return answer, nil
}

// decision reads what is decided, without the charge that it is about.
func decision(body *ReviewChargeJSONRequestBody) (commands.ReviewCharge, error) {
	c := commands.ReviewCharge{Reason: body.Reason, Evidence: chosen(body.Evidence)}
	switch body.Decision {
	case "accept":
		c.Decision = charge.Accept
	case "correct":
		c.Decision = charge.Correct
	default:
		return c, domain.Errorf(domain.CodeInvalid, "decision is accept or correct").With("member", "/decision")
	}
	if body.Usage == nil {
		if c.Decision == charge.Correct {
			return c, domain.Errorf(domain.CodeInvalid, "a correction says what was used").With("member", "/usage")
		}
		return c, nil
	}
	c.Usage = make(usage.Usage, len(*body.Usage))
	for class, n := range *body.Usage {
		c.Usage[usage.Class(class)] = int64(n)
	}
	return c, c.Usage.Check()
}
