package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/gateway/seal"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

const (
	keyBytes = 32
	purpose  = "massrouter webhook secret v1"
)

// errSealed: none of the configured keys opens a secret.
var errSealed = errors.New("a webhook's secret was sealed with a key that is not configured")

// Keyring encrypts the secrets of webhooks where they are stored: with the platform's keyset or, where there is none, with keys that serve
// webhooks only. With both, the keyset seals and all of them open.
type Keyring struct {
	keyset *envelope.Keyring
	keys   []string // of 32 bytes; rows that they have sealed have a salt
}

// NewKey draws a key in the form that ParseKeyring reads.
func NewKey() (string, error) {
	var key [keyBytes]byte
	if _, err := rand.Read(key[:]); err != nil {
		return "", fmt.Errorf("draw a key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(key[:]), nil
}

// ParseKeyring reads keys of 32 bytes in base64, separated by commas: the first one seals, all of them open. Its errors
// do not repeat the text.
func ParseKeyring(text string) (*Keyring, error) {
	var k Keyring
	for part := range strings.SplitSeq(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil || len(key) != keyBytes {
			return nil, fmt.Errorf("a key is base64 of %d bytes; several are separated by commas, the one that seals first", keyBytes)
		}
		k.keys = append(k.keys, string(key))
	}
	return &k, nil
}

// NewKeyring seals with the platform's keyset, and opens what older, which may be nil, has sealed as well.
func NewKeyring(keyset *envelope.Keyring, older *Keyring) *Keyring {
	k := &Keyring{keyset: keyset}
	if older != nil {
		k.keys = older.keys
	}
	return k
}

// SecretPlace is where the secret of a webhook is kept.
func SecretPlace(webhook, id uuid.UUID) envelope.Place {
	return envelope.Place{Table: "webhooks.secrets", Column: "sealed", Row: id.String(), Owner: webhook.String()}
}

// seal encrypts a secret for its row: it opens with that webhook's and secret's ids only. What the keyset seals needs no salt.
func (k *Keyring) seal(secret []byte, webhook, id uuid.UUID) (salt, sealed []byte, err error) {
	if k.keyset == nil {
		return seal.Seal(k.keys[0], purpose, secret, append(webhook[:], id[:]...))
	}
	sealed, err = k.keyset.Seal(secret, SecretPlace(webhook, id))
	return []byte{}, sealed, err
}

// open decrypts a secret.
func (k *Keyring) open(salt, sealed []byte, webhook, id uuid.UUID) ([]byte, error) {
	if len(salt) == 0 {
		if k.keyset == nil {
			return nil, errSealed
		}
		secret, err := k.keyset.Open(sealed, SecretPlace(webhook, id))
		if err != nil {
			return nil, errors.Join(errSealed, err)
		}
		return secret, nil
	}
	for _, key := range k.keys {
		if secret, err := seal.Open(key, purpose, salt, sealed, append(webhook[:], id[:]...)); err == nil {
			return secret, nil
		}
	}
	return nil, errSealed
}

// Reseal is a secret that one of the keys opens, sealed anew by the keyset.
func (k *Keyring) Reseal(salt, sealed []byte, webhook, id uuid.UUID) ([]byte, error) {
	secret, err := k.open(salt, sealed, webhook, id)
	if err != nil {
		return nil, err
	}
	_, sealed, err = k.seal(secret, webhook, id)
	return sealed, err
}
