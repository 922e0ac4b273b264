package answers

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	saltBytes = 32
	keyBytes  = 32
	purpose   = "massrouter inference answer v1"
)

// bound is what a sealed answer is tied to: it opens in its own row only.
func (c Claim) bound() []byte {
	b := make([]byte, 0, 2*len(c.KeyID)+2*sha256.Size)
	b = append(b, c.KeyID[:]...)
	b = append(b, c.Token[:]...)
	b = append(b, c.Body[:]...)
	return append(b, c.Generation[:]...)
}

// sealer derives a key that serves for one row: HKDF-SHA256 of the API key's secret with the row's own salt, AES-256-GCM.
func sealer(secret string, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), salt, purpose, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
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

func seal(secret string, body, bound []byte) (salt, sealed []byte, err error) {
	if secret == "" {
		return nil, nil, errors.New("there is no secret to seal with")
	}
	salt = make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return nil, nil, fmt.Errorf("draw a salt: %w", err)
	}
	aead, err := sealer(secret, salt)
	if err != nil {
		return nil, nil, err
	}
	return salt, aead.Seal(nil, nil, body, bound), nil //nolint:gosec // this AEAD draws its own nonce
}

func unseal(secret string, salt, sealed, bound []byte) ([]byte, error) {
	aead, err := sealer(secret, salt)
	if err != nil {
		return nil, err
	}
	body, err := aead.Open(nil, nil, sealed, bound)
	if err != nil {
		return nil, fmt.Errorf("open a sealed answer: %w", err)
	}
	return body, nil
}
