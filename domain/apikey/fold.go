package apikey

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
	case Issued:
		s.ID, s.WalletID, s.Scope, s.Issued = e.KeyID, e.WalletID, e.Scope, true
		s.Hash, s.Label, s.Limits = e.Hash, e.Label, e.Limits
	case Updated:
		s.Limits = e.Limits
	case Rotated:
		s.OldHash, s.OldHashUntil = s.Hash, e.OldHashUntil
		s.Hash, s.Label, s.Leaked = e.Hash, e.Label, false
	case Disabled:
		s.Disabled, s.DisabledReason = true, e.Reason
		s.Leaked = s.Leaked || e.Leaked
	case Enabled:
		s.Disabled, s.DisabledReason = false, ""
	case Revoked:
		s.Revoked = true
	case AppBound:
		s.AppID = e.AppID
	}
}
