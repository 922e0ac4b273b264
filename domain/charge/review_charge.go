package charge

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

const maxReason = 500 // bytes

// Review is an operator's decision.
type Review struct {
	WalletID uuid.UUID
	Charge   wallet.UsageCharged // as the log has it
	Decision Decision
	Reason   string
}

// Review decides a Review (C3, C4). Errors: charge_final (nothing is suspect about it), charge_reviewed, invalid_request.
func (s *State) Review(c Review) (Reviewed, error) {
	if !c.Charge.Call.Suspect {
		return Reviewed{}, domain.Errorf(domain.CodeChargeFinal, "nothing is suspect about this charge")
	}
	if err := domain.CheckTextSize("reason", c.Reason, 1, maxReason); err != nil {
		return Reviewed{}, err
	}
	switch c.Decision {
	case Correct:
	case Accept:
		if s.Decision != "" || len(s.Evidence) > 0 {
			return Reviewed{}, domain.Errorf(domain.CodeChargeReviewed, "this charge was accepted or corrected already")
		}
	default:
		return Reviewed{}, domain.Errorf(domain.CodeInvalid, "a charge is accepted or corrected")
	}
	return Reviewed{GenerationID: c.Charge.HoldID, WalletID: c.WalletID, Decision: c.Decision, Reason: c.Reason}, nil
}
