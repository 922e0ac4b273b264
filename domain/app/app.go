// Package app is the registry of apps: what the owner of a wallet says of the product that calls through its keys. Usage is
// shown under an app's name only when a key of the same wallet is bound to it.
//
// Rules (each number is in the name of the test that shows it):
//
//	A1 An app is registered once, for one wallet that is open, under the owner of that wallet.
//	A2 Its address is https, at a host name of the public internet; it has neither user, query, fragment nor port.
//	A3 What the owner says can be replaced as a whole; a change that changes nothing is refused.
//	A4 An app that was archived changes no more, and no key is bound to it any more; keys that are bound stay so.
//	A5 Only keys of the app's own wallet are bound to it.
package app

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// Kind is the stream kind of apps.
const Kind = "app"

// Stream is the stream id of an app.
func Stream(id uuid.UUID) domain.StreamID { return domain.NewStreamID(Kind, id.String()) }

// Details are what an owner says of an app.
type Details struct {
	Name        string `json:"name"`                  // for people
	URL         string `json:"url"`                   // where the app is found; https
	Description string `json:"description,omitempty"` // for people
	Hidden      bool   `json:"hidden,omitempty"`      // its usage is shown nowhere by name
}

// State is the folded app.
type State struct {
	ID         uuid.UUID `json:"id"`
	Registered bool      `json:"registered"`
	WalletID   uuid.UUID `json:"wallet_id"`
	Owner      string    `json:"owner,omitempty"` // of the wallet when the app was registered
	Details    Details   `json:"details"`
	Archived   bool      `json:"archived"`
}

// New is the state before the first event.
func New() *State { return &State{} }

// Check has nothing to add: an app holds no money.
func (s *State) Check() error { return nil }

// Binds says whether a key of a wallet may be bound to the app (A4, A5). Errors: app_not_found, app_archived.
func (s *State) Binds(walletID uuid.UUID) error {
	if !s.Registered || s.WalletID != walletID {
		return domain.Errorf(domain.CodeAppNotFound, "this wallet has no such app")
	}
	return s.changeable()
}

// changeable refuses changes of apps that do not exist or are at their end (A4).
func (s *State) changeable() error {
	if !s.Registered {
		return domain.Errorf(domain.CodeAppNotFound, "no such app")
	}
	if s.Archived {
		return domain.Errorf(domain.CodeAppArchived, "this app was archived; an archived app changes no more")
	}
	return nil
}
