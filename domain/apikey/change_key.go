package apikey

import (
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Window is what a cap is counted in.
type Window string

// The windows.
const (
	Ever    Window = "" // never counted anew
	Daily   Window = "daily"
	Weekly  Window = "weekly"
	Monthly Window = "monthly"
)

// Cap is one cap. A nil Amount is none.
type Cap struct {
	Amount *money.Amount `json:"amount,omitempty"`
	Window Window        `json:"window,omitempty"`
}

// Caps are the caps of a key that has no other.
func (c Cap) Caps() (wallet.Caps, error) {
	if c.Amount == nil {
		return wallet.Caps{}, nil
	}
	switch c.Window {
	case Ever:
		return wallet.Caps{Total: c.Amount}, nil
	case Daily:
		return wallet.Caps{Day: c.Amount}, nil
	case Weekly:
		return wallet.Caps{Week: c.Amount}, nil
	case Monthly:
		return wallet.Caps{Month: c.Amount}, nil
	}
	return wallet.Caps{}, domain.Errorf(domain.CodeInvalid, "a cap is counted daily, weekly, monthly or never anew")
}

// only is the one cap; ok is false when there are several.
func only(c wallet.Caps) (found Cap, ok bool) {
	n := 0
	for _, one := range []Cap{{c.Day, Daily}, {c.Week, Weekly}, {c.Month, Monthly}, {c.Total, Ever}} {
		if one.Amount != nil {
			found, n = one, n+1
		}
	}
	return found, n <= 1
}

// Change replaces what it names, and leaves all else as it is.
type Change struct {
	Name     *string       `json:"name,omitempty"`
	Disabled *bool         `json:"disabled,omitempty"`
	Amount   *money.Amount `json:"amount,omitempty"`   // of the one cap
	Uncapped bool          `json:"uncapped,omitempty"` // takes all caps away; then Amount and Window are nil
	Window   *Window       `json:"window,omitempty"`   // of the one cap
}

// Change decides a Change: Updated, Disabled, Enabled, or nothing when everything is so already (K2, K3, K4, K9, K12). A cap whose amount or
// window alone is changed is the only one. Errors: key_not_found, key_revoked, conflict, invalid_request, amount_invalid,
// amount_out_of_range.
func (s *State) Change(c Change, now time.Time) ([]domain.Event, error) {
	if err := s.changeable(); err != nil {
		return nil, err
	}
	limits, err := c.limits(s.Limits)
	if err != nil {
		return nil, err
	}
	updated, err := s.Update(Update{Limits: limits}, now)
	if err != nil {
		return nil, err
	}
	var events []domain.Event
	if updated.Limits.Name != s.Limits.Name || !sameCaps(updated.Limits.Caps, s.Limits.Caps) {
		events = append(events, updated)
	}
	if c.Disabled != nil && *c.Disabled != s.Disabled {
		if *c.Disabled {
			events = append(events, Disabled{KeyID: s.ID})
		} else {
			enabled, err := s.Enable()
			if err != nil {
				return nil, err
			}
			events = append(events, enabled)
		}
	}
	return events, nil
}

func (c Change) limits(l Limits) (Limits, error) {
	if c.Name != nil {
		l.Name = *c.Name
	}
	if c.Uncapped {
		if c.Amount != nil || c.Window != nil && *c.Window != Ever {
			return Limits{}, domain.Errorf(domain.CodeInvalid, "a cap that is taken away has neither an amount nor a window")
		}
		l.Caps = wallet.Caps{}
		return l, nil
	}
	if c.Amount == nil && c.Window == nil {
		return l, nil
	}
	current, single := only(l.Caps)
	if !single && (c.Amount == nil || c.Window == nil) {
		return Limits{}, domain.Errorf(domain.CodeConflict, "this key has several caps: an amount and a window together replace them")
	}
	if c.Amount != nil {
		current.Amount = c.Amount
	}
	if c.Window != nil {
		current.Window = *c.Window
	}
	if current.Amount == nil && current.Window != Ever {
		return Limits{}, domain.Errorf(domain.CodeInvalid, "this key has no cap: a window needs an amount")
	}
	var err error
	l.Caps, err = current.Caps()
	return l, err
}

func sameCaps(a, b wallet.Caps) bool {
	same := func(a, b *money.Amount) bool { return a == b || a != nil && b != nil && a.Cmp(*b) == 0 }
	return same(a.Day, b.Day) && same(a.Week, b.Week) && same(a.Month, b.Month) && same(a.Total, b.Total)
}
