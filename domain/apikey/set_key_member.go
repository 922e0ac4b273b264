package apikey

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// SetMember says who of the wallet uses the key; the nil UUID means nobody (K3, K9, K10). Errors: key_not_found, key_revoked, conflict,
// invalid_request.
func (s *State) SetMember(member uuid.UUID) (Updated, error) {
	if err := s.changeable(); err != nil {
		return Updated{}, err
	}
	if member == s.Limits.MemberID {
		return Updated{}, domain.Errorf(domain.CodeConflict, "this key has that member already")
	}
	limits := s.Limits
	limits.MemberID = member
	return Updated{KeyID: s.ID, Limits: limits}, s.Scope.check(limits)
}
