package apikey

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// BindApp says which app the key's calls count for; the nil UUID means none. The caller has found that the app may be bound to
// keys of this key's wallet.
type BindApp struct {
	AppID uuid.UUID
}

// BindApp decides a BindApp (K3, K7). Errors: key_not_found, key_revoked, conflict.
func (s *State) BindApp(c BindApp) (AppBound, error) {
	if err := s.changeable(); err != nil {
		return AppBound{}, err
	}
	if c.AppID == s.AppID {
		return AppBound{}, domain.Errorf(domain.CodeConflict, "this key has that app already")
	}
	return AppBound{KeyID: s.ID, AppID: c.AppID}, nil
}
