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
//	K10 A key has at most one member of its wallet, whose limits count beside its own. Changes of other limits leave it.
package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Kind is the stream kind of keys.
const Kind = "apikey"

// MaxRotationGrace bounds how long an old secret works on after a rotation.
const MaxRotationGrace = 30 * 24 * time.Hour

// MaxModels bounds the list of allowed models.
const MaxModels = 200

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

// secretPrefix marks our secrets, so that scanners can find leaked ones.
const secretPrefix = "sk-mr-v1-" //nolint:gosec // what all secrets begin with is no secret

// Secret composes a secret: the prefix, the key's id (so that no look-up by hash is needed) and 256 random bits, all
// in lower-case hex.
func Secret(id uuid.UUID, random [32]byte) string {
	return secretPrefix + hex.EncodeToString(id[:]) + hex.EncodeToString(random[:])
}

// ParseSecret takes the key's id out of a secret. It says nothing about whether the secret is right.
func ParseSecret(secret string) (uuid.UUID, error) {
	rest, ok := strings.CutPrefix(secret, secretPrefix)
	invalid := domain.Errorf(domain.CodeKeyInvalid, "this is not an API key of this platform")
	if !ok || len(rest) != 2*(16+32) {
		return uuid.UUID{}, invalid
	}
	raw, err := hex.DecodeString(rest)
	if err != nil || strings.ToLower(rest) != rest {
		return uuid.UUID{}, invalid
	}
	return uuid.UUID(raw[:16]), nil
}

// Label is how a secret is shown after it was issued: its head and its last four characters.
func Label(secret string) string {
	if len(secret) < len(secretPrefix)+8 {
		return ""
	}
	return secret[:len(secretPrefix)+4] + "…" + secret[len(secret)-4:]
}

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
	MemberID  uuid.UUID   `json:"member_id,omitzero"`   // who of the wallet uses it, an opaque id: the member's limits count too; nobody when missing
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
