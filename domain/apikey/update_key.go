package apikey

import "time"

// Update replaces a key's limits whole, but for its member: see SetMember.
type Update struct {
	Limits Limits
}

// Update decides an Update (K3, K4, K8, K9, K10). Errors: key_not_found, key_revoked, invalid_request, amount_invalid,
// amount_out_of_range.
func (s *State) Update(c Update, now time.Time) (Updated, error) {
	if err := s.changeable(); err != nil {
		return Updated{}, err
	}
	c.Limits.MemberID = s.Limits.MemberID
	limits, err := c.Limits.normal(s.Limits.ExpiresAt, now)
	if err != nil {
		return Updated{}, err
	}
	if err := s.Scope.check(limits); err != nil {
		return Updated{}, err
	}
	return Updated{KeyID: s.ID, Limits: limits}, nil
}
