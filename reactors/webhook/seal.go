package webhook

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

const (
	keyBytes  = 32
	saltBytes = 32
	purpose   = "massrouter webhook secret v1"
)

// errSealed: none of the configured keys opens a secret.
var errSealed = errors.New("a webhook's secret was sealed with a key that is not configured")

// Keyring encrypts the secrets of webhooks where they are stored.
type Keyring struct{ keys [][]byte }

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
		k.keys = append(k.keys, key)
	}
	return &k, nil
}

// sealer derives a key that serves for one row: HKDF-SHA256 with the row's own salt, AES-256-GCM.
func sealer(key, salt []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key, salt, purpose, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return aead, nil
}

// seal encrypts a secret for its row: it opens with that webhook's and secret's ids only.
func (k *Keyring) seal(secret []byte, webhook, id uuid.UUID) (salt, sealed []byte, err error) {
	salt = make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return nil, nil, fmt.Errorf("draw a salt: %w", err)
	}
	aead, err := sealer(k.keys[0], salt)
	if err != nil {
		return nil, nil, err
	}
	return salt, aead.Seal(nil, nil, secret, append(webhook[:], id[:]...)), nil //nolint:gosec // this AEAD draws its own nonce
}

// open decrypts a secret.
func (k *Keyring) open(salt, sealed []byte, webhook, id uuid.UUID) ([]byte, error) {
	for _, key := range k.keys {
		aead, err := sealer(key, salt)
		if err != nil {
			return nil, err
		}
		if secret, err := aead.Open(nil, nil, sealed, append(webhook[:], id[:]...)); err == nil {
			return secret, nil
		}
	}
	return nil, errSealed
}
