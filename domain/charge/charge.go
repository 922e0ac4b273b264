// Package charge is what became of a charge after it was made: its corrections, and what an operator decided of a suspect one. The
// money of a correction moves in the wallet; this keeps what the next one has to know. A charge of which nothing became has no stream.
//
// Rules (each number is in the name of the test that shows it):
//
//	C1 Only a charge that was estimated, or whose usage is suspect, is corrected; all others are the vendor's word.
//	C2 A piece of evidence corrects a charge once, and a charge has at most MaxCorrections corrections.
//	C3 Only a suspect charge is reviewed, with a reason. It is accepted at most once, and not after it was corrected.
//	C4 A review that corrects is a decision and a correction; corrections may follow any decision, because the truth may come late.
package charge

import (
	"slices"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Kind is the stream kind of charges.
const Kind = "charge"

// MaxCorrections bounds a charge's state.
const MaxCorrections = 100

// Stream is the stream id of a generation's charge.
func Stream(generation uuid.UUID) domain.StreamID {
	return domain.NewStreamID(Kind, generation.String())
}

// Decision is what an operator made of a suspect charge.
type Decision string

// The decisions.
const (
	Accept  Decision = "accepted"  // the charge is right as it is
	Correct Decision = "corrected" // by the correction of the same command
)

// State is the folded charge.
type State struct {
	Bill     wallet.Bill `json:"bill"` // after the last correction
	Evidence []string    `json:"evidence,omitempty"`
	Decision Decision    `json:"decision,omitempty"` // the last one
}

// New is the state before the first event.
func New() *State { return &State{} }

// Check has nothing to add: the money is the wallet's.
func (s *State) Check() error { return nil }

// Before is what the call came to until now, given what its charge says.
func (s *State) Before(charged wallet.UsageCharged) wallet.Bill {
	if len(s.Evidence) == 0 {
		return charged.Bill()
	}
	return s.Bill
}

// Next is the number of the next correction by a piece of evidence (C1, C2). Errors: charge_final, evidence_used.
func (s *State) Next(charged wallet.UsageCharged, evidence string) (int64, error) {
	switch {
	case !Correctable(charged):
		return 0, domain.Errorf(domain.CodeChargeFinal, "the vendor reported this usage and nothing is wrong with it: adjust the wallet instead")
	case slices.Contains(s.Evidence, evidence):
		return 0, domain.Errorf(domain.CodeEvidenceUsed, "this evidence has corrected the charge already")
	case len(s.Evidence) >= MaxCorrections:
		return 0, domain.Errorf(domain.CodeChargeFinal, "a charge has at most %d corrections", MaxCorrections)
	}
	return int64(len(s.Evidence)) + 1, nil
}
