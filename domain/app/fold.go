package app

import (
	"time"

	"github.com/massrouter/massrouter/domain"
)

// Apply folds one event. Events of other aggregates are not ours and change nothing.
func (s *State) Apply(event domain.Event, _ time.Time) {
	e, ok := event.(Event)
	if !ok {
		return
	}
	switch e := e.(type) {
	case Registered:
		s.ID, s.WalletID, s.Owner, s.Registered = e.AppID, e.WalletID, e.Owner, true
		s.Details = e.Details
	case Updated:
		s.Details = e.Details
	case Archived:
		s.Archived = true
	}
}
