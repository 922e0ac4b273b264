// Package apikey is the API key: a secret that lets its bearer spend from one wallet, within limits.
//
// Rules (each number is in the name of the test that shows it):
//
//	K1 A key is issued once, for one wallet. Only the SHA-256 of its secret is kept.
//	K2 A key can be used while it is neither revoked, disabled nor expired.
//	K3 Revocation is final: a revoked key changes no more.
//	K4 Caps and the expiry can be changed; a cap is not negative, an expiry lies in the future when it is set.
//	K5 Rotation replaces the secret; the old one works on until the grace ends, at most MaxRotationGrace.
//	K6 A key with a list of allowed models calls no other model; an empty list allows all.
//	K7 A key is bound to at most one app; the bound app can be replaced and taken away, and never to what it is already.
//	K8 Rate limits can be changed; each is zero, which is no limit, or within its bounds. Keeping them is the gateway's part.
//	K9 A key's scope is for ever. A management key manages the other keys of its wallet; it calls no model and has no caps.
//	K10 A key has at most one member of its wallet, whose it is and whose limits count beside its own. Changes of other limits leave it.
//	K11 A key with a list of networks works from these only; an empty list allows all. Looking at addresses is the surface's part.
//	K12 A secret that leaked and works stops its key, whichever of its secrets it is, until the secret is replaced without a grace.
package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Kind is the stream kind of keys.
const Kind = "apikey"

// MaxRotationGrace bounds how long an old secret works on after a rotation.
const MaxRotationGrace = 30 * 24 * time.Hour

// Bounds of the lists of allowed models and networks.
const (
	MaxModels   = 200
	MaxNetworks = 100
)

// Bounds of the rate limits.
const (
	MaxPerMinute = wallet.MaxPerMinute
	MaxParallel  = wallet.MaxParallel
)

// Stream is the stream id of a key.
func Stream(id uuid.UUID) domain.StreamID { return domain.NewStreamID(Kind, id.String()) }

// Hash is the SHA-256 of a whole secret, in hex in JSON.
type Hash [sha256.Size]byte

// HashSecret hashes a secret as clients send it.
func HashSecret(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// String is lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes lower-case hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hex digits.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return domain.Errorf(domain.CodeInvalid, "a key hash has %d hex digits", 2*len(h))
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return domain.Errorf(domain.CodeInvalid, "a key hash has %d hex digits", 2*len(h)).Wrap(err)
	}
	return nil
}

// Equal compares in constant time.
func (h Hash) Equal(o Hash) bool { return subtle.ConstantTimeCompare(h[:], o[:]) == 1 }

// Scope is what a key is for.
type Scope string

// The scopes.
const (
	Inference  Scope = ""           // calls models
	Management Scope = "management" // manages the other keys of its wallet
)

// Limits are what can be changed of a key.
type Limits struct {
	Name      string      `json:"name,omitempty"`       // for people
	Caps      wallet.Caps `json:"caps,omitzero"`        // what the key may spend; a cap that is missing does not limit
	Models    []string    `json:"models,omitempty"`     // the only models that the key may call; all when missing
	ExpiresAt time.Time   `json:"expires_at,omitzero"`  // when the key stops working; never when missing
	Rates     RateLimits  `json:"rate_limits,omitzero"` // how fast it may be used; without limits when missing
	MemberID  uuid.UUID   `json:"member_id,omitzero"`   // whose it is of the wallet, an opaque id: the member's limits count too; nobody's when missing
	Networks  Networks    `json:"networks,omitempty"`   // the only networks that it may be used from, in CIDR notation; all when missing
}

// RateLimits bound how fast a key may be used, whatever it spends. Zero is no limit.
type RateLimits = wallet.RateLimits

// State is the folded key.
type State struct {
	ID             uuid.UUID `json:"id"`
	Issued         bool      `json:"issued"`
	WalletID       uuid.UUID `json:"wallet_id"`
	Scope          Scope     `json:"scope,omitempty"`
	Hash           Hash      `json:"hash"`
	Label          string    `json:"label"`
	OldHash        Hash      `json:"old_hash,omitzero"`
	OldHashUntil   time.Time `json:"old_hash_until,omitzero"`
	Limits         Limits    `json:"limits"`
	AppID          uuid.UUID `json:"app_id,omitzero"` // the app that its calls count for
	Disabled       bool      `json:"disabled"`
	DisabledReason string    `json:"disabled_reason,omitempty"`
	Leaked         bool      `json:"leaked,omitempty"` // its secret is known to others
	Revoked        bool      `json:"revoked"`
}

// New is the state before the first event.
func New() *State { return &State{} }

// Check has nothing to add: a key holds no money.
func (s *State) Check() error { return nil }

// Use says whether the key may call a model now, on behalf of a wallet (K2, K6, K9).
func (s *State) Use(walletID uuid.UUID, model string, now time.Time) error {
	if !s.Issued || s.WalletID != walletID {
		return domain.Errorf(domain.CodeKeyNotFound, "no such key")
	}
	if err := Usable(s.Revoked, s.Disabled, s.Limits.ExpiresAt, now); err != nil {
		return err
	}
	if s.Scope != Inference {
		return domain.Errorf(domain.CodeForbidden, "a management key calls no models")
	}
	if !s.Limits.Allows(model) {
		return domain.Errorf(domain.CodeModelNotAllowed, "this key may not call the model %q", model)
	}
	return nil
}

// Usable is rule K2 for whoever holds these facts.
func Usable(revoked, disabled bool, expiresAt, now time.Time) error {
	switch {
	case revoked:
		return domain.Errorf(domain.CodeKeyRevoked, "this API key was revoked")
	case disabled:
		return domain.Errorf(domain.CodeKeyDisabled, "this API key is disabled")
	case !expiresAt.IsZero() && !now.Before(expiresAt):
		return domain.Errorf(domain.CodeKeyExpired, "this API key has expired")
	}
	return nil
}

// Allows is rule K6.
func (l Limits) Allows(model string) bool {
	return len(l.Models) == 0 || slices.Contains(l.Models, model)
}
