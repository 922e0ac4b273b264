package wallet

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// ExtendHold moves a hold's expiry because its call still runs.
type ExtendHold struct {
	HoldID    uuid.UUID
	ExpiresAt time.Time
}

// ExtendHold decides an ExtendHold (W11).
func (s *State) ExtendHold(c ExtendHold, now time.Time) (HoldExtended, error) {
	h, err := s.open(c.HoldID)
	if err != nil {
		return HoldExtended{}, err
	}
	c.ExpiresAt = domain.Moment(c.ExpiresAt)
	if !c.ExpiresAt.After(h.ExpiresAt) || !c.ExpiresAt.After(now) || c.ExpiresAt.Sub(now) > MaxHoldTTL {
		return HoldExtended{}, domain.Errorf(domain.CodeInvalid, "an extension is later than the hold's expiry and within %s", MaxHoldTTL)
	}
	return HoldExtended(c), nil
}
