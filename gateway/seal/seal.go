// Package seal encrypts what only a caller of the API can read: the key is derived from the secret of the caller's own API key, of
// which the platform stores a hash.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// SaltBytes is the length of a salt.
const SaltBytes = 32

const keyBytes = 32

var errNoSecret = errors.New("there is no secret to seal with")

// Seal encrypts text for whoever has the secret. It opens with the same purpose and the same bound bytes only, which are not part
// of it. The salt is new each time and has to be kept beside it.
func Seal(secret, purpose string, text, bound []byte) (salt, sealed []byte, err error) {
	salt = make([]byte, SaltBytes)
	if _, err := rand.Read(salt); err != nil {
		return nil, nil, fmt.Errorf("draw a salt: %w", err)
	}
	aead, err := sealer(secret, purpose, salt)
	if err != nil {
		return nil, nil, err
	}
	return salt, aead.Seal(nil, nil, text, bound), nil //nolint:gosec // this AEAD draws its own nonce
}

// Open reads what Seal has made.
func Open(secret, purpose string, salt, sealed, bound []byte) ([]byte, error) {
	aead, err := sealer(secret, purpose, salt)
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, nil, sealed, bound)
	if err != nil {
		return nil, fmt.Errorf("open what is sealed: %w", err)
	}
	return text, nil
}

// Name is what something is called whose content nobody else shall be able to guess: HMAC-SHA256 under a key of its own.
func Name(secret, purpose string, content []byte) ([sha256.Size]byte, error) {
	key, err := derive(secret, purpose, nil)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return [sha256.Size]byte(mac.Sum(nil)), nil
}

// sealer derives a key that serves once: HKDF-SHA256 of the secret with the salt, AES-256-GCM.
func sealer(secret, purpose string, salt []byte) (cipher.AEAD, error) {
	key, err := derive(secret, purpose, salt)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return aead, nil
}

func derive(secret, purpose string, salt []byte) ([]byte, error) {
	if secret == "" {
		return nil, errNoSecret
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), salt, purpose, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return key, nil
}
