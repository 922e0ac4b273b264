package apikey

import (
	"time"

	"github.com/massrouter/massrouter/domain"
)

// Rotate replaces a key's secret. The old one works on for Grace; zero ends it at once.
type Rotate struct {
	Hash  Hash
	Label string
	Grace time.Duration
}

// Rotate decides a Rotate (K3, K5, K12). A secret whose grace of an earlier rotation still runs ends at once: there are
// never more than two. One that leaked ends at once (K12). Errors: key_not_found, key_revoked, conflict, invalid_request.
func (s *State) Rotate(c Rotate, now time.Time) (Rotated, error) {
	if err := s.changeable(); err != nil {
		return Rotated{}, err
	}
	if err := checkSecret(c.Hash, c.Label); err != nil {
		return Rotated{}, err
	}
	if c.Hash.Equal(s.Hash) || c.Hash.Equal(s.OldHash) {
		return Rotated{}, domain.Errorf(domain.CodeConflict, "a rotation needs a new secret")
	}
	if c.Grace < 0 || c.Grace > MaxRotationGrace {
		return Rotated{}, domain.Errorf(domain.CodeInvalid, "the grace is between 0 and %s", MaxRotationGrace)
	}
	if s.Leaked && c.Grace > 0 {
		return Rotated{}, domain.Errorf(domain.CodeInvalid, "the secret of this key leaked: the rotation has no grace")
	}
	return Rotated{KeyID: s.ID, Hash: c.Hash, Label: c.Label, OldHashUntil: domain.Moment(now.Add(c.Grace))}, nil
}
