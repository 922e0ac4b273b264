package apikey

import "github.com/massrouter/massrouter/domain"

// Disable stops a key until it is enabled again.
type Disable struct {
	Reason string
}

// Disable decides a Disable (K2, K3). Errors: key_not_found, key_revoked, conflict, invalid_request.
func (s *State) Disable(c Disable) (Disabled, error) {
	if err := s.changeable(); err != nil {
		return Disabled{}, err
	}
	if s.Disabled {
		return Disabled{}, domain.Errorf(domain.CodeConflict, "this key is disabled already")
	}
	if err := domain.CheckTextSize("reason", c.Reason, 0, maxReason); err != nil {
		return Disabled{}, err
	}
	return Disabled{KeyID: s.ID, Reason: c.Reason}, nil
}
