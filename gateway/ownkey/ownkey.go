// Package ownkey keeps the keys that customers have at vendors: calls of their wallets are made with them, and billed by the vendor to the
// customer. store.go changes them, watch.go tells calls which there are.
package ownkey

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

// CodeNotFound says that a wallet has no such key.
const CodeNotFound domain.Code = "vendor_key_not_found"

// Bounds of keys.
const (
	MaxLabel     = 100     // bytes
	MaxSecret    = 8 << 10 // bytes
	LeastSecret  = 8       // bytes
	MaxPerVendor = 5       // keys of a wallet at a vendor
	MaxPerWallet = 100
	MaxListed    = 100 // models, and API keys, that a key is for
	maxModel     = 200 // bytes
)

// The orders in which the keys of a customer and those of the platform are asked: see Settings.Only.
const (
	First = "first"
	Only  = "only"
)

// Settings are what the owner decides about a key.
type Settings struct {
	Label    string      `json:"label"` // for people
	Only     bool        `json:"only"`  // no key of the platform's serves the calls that this one is for
	Disabled bool        `json:"disabled"`
	Models   []string    `json:"models"`  // that it is for; none means all
	KeyIDs   []uuid.UUID `json:"key_ids"` // API keys that it is for; none means all
}

// Key is a key without its secret.
type Key struct {
	ID       uuid.UUID
	WalletID uuid.UUID
	Vendor   string
	LastFour string // "" of a document
	Settings
	Version   int64 // of its last change
	CreatedAt time.Time
	CreatedBy string
	UpdatedAt time.Time
	UpdatedBy string
}

// Usable is a key that calls can be made with. Its credential has another id after each change, so that what is known of the key before, such as
// that the vendor refuses it, does not count against the new one.
type Usable struct {
	ID   uuid.UUID
	Only bool
	credential.Credential
}

// For says whether the key is for calls of a model with an API key.
func (k *Key) For(model string, key uuid.UUID) bool {
	return !k.Disabled && (len(k.Models) == 0 || slices.Contains(k.Models, model)) && (len(k.KeyIDs) == 0 || slices.Contains(k.KeyIDs, key))
}

// place is where the key is kept.
func (k *Key) place() envelope.Place { return Place(k.ID, k.WalletID) }

// Place is where the key of a row is sealed.
func Place(id, wallet uuid.UUID) envelope.Place {
	return envelope.Place{Table: "gateway.vendor_keys", Column: "sealed", Row: id.String(), Owner: wallet.String()}
}

func invalid(member, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("member", member)
}

func (s *Settings) check() error {
	if err := domain.CheckTextSize("label", s.Label, 1, MaxLabel); err != nil {
		return invalid("/label", "a label has 1 to %d bytes and no control characters", MaxLabel)
	}
	if len(s.Models) > MaxListed {
		return invalid("/models", "a key is for at most %d models by name", MaxListed)
	}
	if len(s.KeyIDs) > MaxListed {
		return invalid("/key_ids", "a key is for at most %d API keys by id", MaxListed)
	}
	for _, model := range s.Models {
		if err := domain.CheckTextSize("model", model, 1, maxModel); err != nil {
			return invalid("/models", "a model's name has 1 to %d bytes and no control characters", maxModel)
		}
	}
	return nil
}

// checkSecret refuses what could not stand in a header, unless it is a document. Its error does not quote it.
func checkSecret(secret string) error {
	if len(secret) < LeastSecret || len(secret) > MaxSecret {
		return invalid("/secret", "a key has %d to %d bytes", LeastSecret, MaxSecret)
	}
	if isDocument(secret) {
		if !json.Valid([]byte(secret)) {
			return invalid("/secret", "a key that begins with { is a JSON document")
		}
		return nil
	}
	if strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalid("/secret", "a key is of visible ASCII characters, without spaces")
	}
	return nil
}

func isDocument(secret string) bool { return strings.HasPrefix(secret, "{") }

// lastFour is what may be shown of a key: nothing of a document, nor of what is too short to lose it.
func lastFour(secret string) string {
	const shown, least = 4, 16
	if isDocument(secret) || len(secret) < least {
		return ""
	}
	return secret[len(secret)-shown:]
}
