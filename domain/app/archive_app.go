package app

import "github.com/massrouter/massrouter/domain"

// Archive ends an app.
type Archive struct {
	Reason string
}

// Archive decides an Archive (A4). Errors: app_not_found, app_archived (it is archived already), invalid_request.
func (s *State) Archive(c Archive) (Archived, error) {
	if err := s.changeable(); err != nil {
		return Archived{}, err
	}
	if err := domain.CheckTextSize("reason", c.Reason, 0, maxReason); err != nil {
		return Archived{}, err
	}
	return Archived{AppID: s.ID, Reason: c.Reason}, nil
}
