package apikey

import "github.com/massrouter/massrouter/domain"

// Enable decides that a disabled key works again (K2, K3, K12). Errors: key_not_found, key_revoked, conflict.
func (s *State) Enable() (Enabled, error) {
	if err := s.changeable(); err != nil {
		return Enabled{}, err
	}
	if !s.Disabled {
		return Enabled{}, domain.Errorf(domain.CodeConflict, "this key is not disabled")
	}
	if s.Leaked {
		return Enabled{}, domain.Errorf(domain.CodeConflict, "the secret of this key leaked: rotate it without a grace first")
	}
	return Enabled{KeyID: s.ID}, nil
}
