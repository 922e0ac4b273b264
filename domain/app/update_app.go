package app

import "github.com/massrouter/massrouter/domain"

// Update replaces all details.
type Update struct {
	Details Details
}

// Update decides an Update (A2, A3, A4). Errors: app_not_found, app_archived, conflict, invalid_request.
func (s *State) Update(c Update) (Updated, error) {
	if err := s.changeable(); err != nil {
		return Updated{}, err
	}
	if err := c.Details.check(); err != nil {
		return Updated{}, err
	}
	if c.Details == s.Details {
		return Updated{}, domain.Errorf(domain.CodeConflict, "the app has these details already")
	}
	return Updated{AppID: s.ID, Details: c.Details}, nil
}
