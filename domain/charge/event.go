package charge

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Event is one of this package's events.
//
//sumtype:decl
type Event interface {
	domain.Event
	charge()
}

// Corrected says what a charge comes to after a correction. The wallet's event of the same command moved the money and says why.
type Corrected struct {
	GenerationID uuid.UUID   `json:"generation_id"` // also in the stream's name
	WalletID     uuid.UUID   `json:"wallet_id"`     // that paid
	Number       int64       `json:"number"`        // of the charge's corrections, from 1
	Evidence     string      `json:"evidence"`      // each piece corrects a charge once
	Bill         wallet.Bill `json:"bill"`          // what the call comes to from now on
}

// Reviewed is an operator's decision on a suspect charge.
type Reviewed struct {
	GenerationID uuid.UUID `json:"generation_id"` // also in the stream's name
	WalletID     uuid.UUID `json:"wallet_id"`     // that paid
	Decision     Decision  `json:"decision"`      // accepted, or corrected by the correction of the same command
	Reason       string    `json:"reason"`        // why, for people
}

// EventType is the stored name.
func (Corrected) EventType() string { return "charge.corrected.v1" }

// EventType is the stored name.
func (Reviewed) EventType() string { return "charge.reviewed.v1" }

func (Corrected) charge() {}
func (Reviewed) charge()  {}

// Events lists every event version of this package for the registry.
func Events() []domain.EventSpec {
	return []domain.EventSpec{
		domain.Spec[Corrected]("What a charge comes to after a correction was noted."),
		domain.Spec[Reviewed]("An operator decided on a suspect charge."),
	}
}

// Apply folds one event. Events of other aggregates are not ours and change nothing.
func (s *State) Apply(event domain.Event, _ time.Time) {
	e, ok := event.(Event)
	if !ok {
		return
	}
	switch e := e.(type) {
	case Corrected:
		s.Bill, s.Evidence = e.Bill, append(s.Evidence, e.Evidence)
	case Reviewed:
		s.Decision = e.Decision
	}
}

// Correctable says whether a charge can be corrected (C1).
func Correctable(e wallet.UsageCharged) bool {
	return e.Provenance == usage.Estimated || e.Call.Suspect
}
