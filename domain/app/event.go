package app

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// Event is one of this package's events.
//
//sumtype:decl
type Event interface {
	domain.Event
	app()
}

// Registered starts an app.
type Registered struct {
	AppID    uuid.UUID `json:"app_id"`          // the app
	WalletID uuid.UUID `json:"wallet_id"`       // only keys of this wallet are bound to it
	Owner    string    `json:"owner,omitempty"` // of the wallet: an opaque id, never a name or address
	Details  Details   `json:"details"`         // what can be changed later
}

// Updated replaces all details.
type Updated struct {
	AppID   uuid.UUID `json:"app_id"`  // the app
	Details Details   `json:"details"` // all details; those before are gone
}

// Archived ends an app.
type Archived struct {
	AppID  uuid.UUID `json:"app_id"`           // the app
	Reason string    `json:"reason,omitempty"` // why, for people
}

// EventType is the stored name.
func (Registered) EventType() string { return "app.registered.v1" }

// EventType is the stored name.
func (Updated) EventType() string { return "app.updated.v1" }

// EventType is the stored name.
func (Archived) EventType() string { return "app.archived.v1" }

func (Registered) app() {}
func (Updated) app()    {}
func (Archived) app()   {}

// Events lists every event version of this package for the registry.
func Events() []domain.EventSpec {
	return []domain.EventSpec{
		domain.Spec[Registered]("An app was registered for a wallet."),
		domain.Spec[Updated]("An app's name, address, description or visibility were replaced."),
		domain.Spec[Archived]("An app was archived: no key is bound to it any more."),
	}
}
