package apikey

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// Event is one of this package's events.
//
//sumtype:decl
type Event interface {
	domain.Event
	apikey()
}

// Issued starts a key.
type Issued struct {
	KeyID    uuid.UUID `json:"key_id"`          // the key
	WalletID uuid.UUID `json:"wallet_id"`       // the wallet that the key spends from
	Hash     Hash      `json:"hash"`            // SHA-256 of the secret
	Label    string    `json:"label"`           // the secret's head and last four characters, to tell keys apart
	Limits   Limits    `json:"limits"`          // what can be changed later
	Scope    Scope     `json:"scope,omitempty"` // management for a key that manages keys; missing for one that calls models
}

// Updated replaces all limits.
type Updated struct {
	KeyID  uuid.UUID `json:"key_id"` // the key
	Limits Limits    `json:"limits"` // all limits; those before are gone
}

// Rotated replaces the secret.
type Rotated struct {
	KeyID        uuid.UUID `json:"key_id"`         // the key
	Hash         Hash      `json:"hash"`           // SHA-256 of the secret
	Label        string    `json:"label"`          // the secret's head and last four characters, to tell keys apart
	OldHashUntil time.Time `json:"old_hash_until"` // when the secret before this one stops working
}

// Disabled stops a key until it is enabled again.
type Disabled struct {
	KeyID  uuid.UUID `json:"key_id"`           // the key
	Reason string    `json:"reason,omitempty"` // why, for people
	Leaked bool      `json:"leaked,omitempty"` // a secret of the key was found in public
}

// Enabled lets a disabled key work again.
type Enabled struct {
	KeyID uuid.UUID `json:"key_id"` // the key
}

// Revoked ends a key.
type Revoked struct {
	KeyID  uuid.UUID `json:"key_id"`           // the key
	Reason string    `json:"reason,omitempty"` // why, for people
}

// AppBound says which app a key's calls count for.
type AppBound struct {
	KeyID uuid.UUID `json:"key_id"`          // the key
	AppID uuid.UUID `json:"app_id,omitzero"` // the app, of the same wallet; none when missing
}

// EventType is the stored name.
func (Issued) EventType() string { return "apikey.issued.v1" }

// EventType is the stored name.
func (Updated) EventType() string { return "apikey.updated.v1" }

// EventType is the stored name.
func (Rotated) EventType() string { return "apikey.rotated.v1" }

// EventType is the stored name.
func (Disabled) EventType() string { return "apikey.disabled.v1" }

// EventType is the stored name.
func (Enabled) EventType() string { return "apikey.enabled.v1" }

// EventType is the stored name.
func (Revoked) EventType() string { return "apikey.revoked.v1" }

// EventType is the stored name.
func (AppBound) EventType() string { return "apikey.app_bound.v1" }

func (Issued) apikey()   {}
func (Updated) apikey()  {}
func (Rotated) apikey()  {}
func (Disabled) apikey() {}
func (Enabled) apikey()  {}
func (Revoked) apikey()  {}
func (AppBound) apikey() {}

// Events lists every event version of this package for the registry.
func Events() []domain.EventSpec {
	return []domain.EventSpec{
		domain.Spec[Issued]("An API key was issued for a wallet; only its secret's hash is kept."),
		domain.Spec[Updated]("A key's name, caps, allowed models and networks, expiry or rate limits were replaced."),
		domain.Spec[Rotated]("A key got a new secret; the old one works until the grace ends."),
		domain.Spec[Disabled]("A key was stopped until it is enabled again."),
		domain.Spec[Enabled]("A disabled key works again."),
		domain.Spec[Revoked]("A key was ended for good."),
		domain.Spec[AppBound]("A key was bound to an app, or freed from it."),
	}
}
