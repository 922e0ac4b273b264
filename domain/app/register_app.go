package app

import (
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

const (
	maxName        = 100  // bytes
	maxDescription = 1000 // bytes
	maxReason      = 200  // bytes
)

// Register makes an app for a wallet. The caller has found the wallet open, and its owner.
type Register struct {
	AppID    uuid.UUID
	WalletID uuid.UUID
	Owner    string
	Details  Details
}

// Register decides a Register (A1, A2). Errors: app_exists, invalid_request.
func (s *State) Register(c Register) (Registered, error) {
	if s.Registered {
		return Registered{}, domain.Errorf(domain.CodeAppExists, "this app was registered already")
	}
	if c.AppID == uuid.Nil || c.WalletID == uuid.Nil {
		return Registered{}, domain.Errorf(domain.CodeInvalid, "an app needs an id and a wallet")
	}
	if err := c.Details.check(); err != nil {
		return Registered{}, err
	}
	return Registered(c), nil
}

func (d Details) check() error {
	if strings.TrimSpace(d.Name) != d.Name {
		return domain.Errorf(domain.CodeInvalid, "name begins and ends with a visible character")
	}
	if err := domain.CheckTextSize("name", d.Name, 1, maxName); err != nil {
		return err
	}
	if err := domain.CheckTextSize("description", d.Description, 0, maxDescription); err != nil {
		return err
	}
	return checkURL(d.URL)
}
