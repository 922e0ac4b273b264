package apikey

import "github.com/massrouter/massrouter/domain"

// Revoke ends a key for good.
type Revoke struct {
	Reason string
}

// Revoke decides a Revoke (K3). Errors: key_not_found, key_revoked (it is revoked already), invalid_request.
func (s *State) Revoke(c Revoke) (Revoked, error) {
	if err := s.changeable(); err != nil {
		return Revoked{}, err
	}
	if err := domain.CheckTextSize("reason", c.Reason, 0, maxReason); err != nil {
		return Revoked{}, err
	}
	return Revoked{KeyID: s.ID, Reason: c.Reason}, nil
}
