// Package envelope encrypts what the platform keeps for others and has to read again: each text under a key of its own, which a
// key-encryption key of the operator's keyset encrypts in turn. A sealed text names that key and opens in its own place only.
//
// The keyset is Tink's, as JSON; what is sealed has the form of Tink's envelope encryption: four bytes of the length, the encrypted key of
// the text (which begins with 0x01 and the id of its key-encryption key, four bytes), the text under AES-256-GCM.
// https://developers.google.com/tink/wire-format
package envelope

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Place is where a sealed text is kept. It is no part of the text, which opens with the same place only.
type Place struct {
	Table  string
	Column string
	Row    string // its id
	Owner  string // of the row: who may have it read
}

// bytes are unambiguous: no two places have the same.
func (p Place) bytes() []byte {
	b := []byte("massrouter envelope v1")
	for _, part := range []string{p.Table, p.Column, p.Row, p.Owner} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // the names and ids of rows are short
		b = append(b, part...)
	}
	return b
}

var (
	// ErrUnknownKey says that none of the configured keys has sealed a text.
	ErrUnknownKey = errors.New("it was sealed with a key that is not in the keyset")
	// ErrSealed says that a text does not open: it was changed, or belongs to another place.
	ErrSealed = errors.New("it does not open here: it was changed or moved")
)

// Keyring seals and opens. It is safe for concurrent use.
type Keyring struct {
	read func() ([]byte, error) // nil when the keyset never changes

	set   atomic.Pointer[set]
	mu    sync.Mutex
	asked time.Time // when read was called last
}

// set is a keyset that is ready for use.
type set struct {
	text []byte // it was read from
	keys []Key
	aead tink.AEAD
	root []byte // the oldest key: rotation leaves it, pruning does not
}

// Key is one of a keyset, without its secret.
type Key struct {
	ID      uint32 `json:"id"`
	Primary bool   `json:"primary"` // it seals; all of them open
}

// Open makes a Keyring of a keyset. When read is given, the keyset is what it returns, and it is read again, at most once a second, when
// something is sealed or has an unknown key: so processes learn of a new key without a restart. What cannot be read leaves the keyset as it was.
func Open(text []byte, read func() ([]byte, error)) (*Keyring, error) {
	s, err := newSet(text)
	if err != nil {
		return nil, err
	}
	k := &Keyring{read: read, asked: time.Now()}
	k.set.Store(s)
	return k, nil
}

func newSet(text []byte) (*set, error) {
	handle, err := parse(text)
	if err != nil {
		return nil, err
	}
	kek, err := aead.New(handle)
	if err != nil {
		return nil, errKeyset
	}
	return &set{text: text, keys: keysOf(handle), aead: aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), kek), root: oldest(handle)}, nil
}

// Derive makes a key of 32 bytes for a purpose, with which hashes are keyed that may be lost: HKDF-SHA256 of the keyset's oldest key. It is the same in all processes with that
// key, until it is removed from the keyset.
func (k *Keyring) Derive(purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.set.Load().root, nil, purpose, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return key, nil
}

// Keys are the keyset's.
func (k *Keyring) Keys() []Key { return k.set.Load().keys }

// Primary is the id of the key that seals.
func (k *Keyring) Primary() uint32 {
	for _, key := range k.Keys() {
		if key.Primary {
			return key.ID
		}
	}
	return 0
}

// Seal encrypts a text for its place.
func (k *Keyring) Seal(text []byte, at Place) ([]byte, error) {
	k.renew()
	sealed, err := k.set.Load().aead.Encrypt(text, at.bytes())
	if err != nil {
		return nil, fmt.Errorf("seal for %s.%s: %w", at.Table, at.Column, err)
	}
	return sealed, nil
}

// Open decrypts what Seal made for the same place. Errors: ErrUnknownKey, ErrSealed.
func (k *Keyring) Open(sealed []byte, at Place) ([]byte, error) {
	id, ok := KeyID(sealed)
	if !ok {
		return nil, fmt.Errorf("open what %s.%s has: %w", at.Table, at.Column, ErrSealed)
	}
	if !k.set.Load().has(id) {
		k.renew()
	}
	s := k.set.Load()
	if !s.has(id) {
		return nil, fmt.Errorf("open what %s.%s has, key %d: %w", at.Table, at.Column, id, ErrUnknownKey)
	}
	text, err := s.aead.Decrypt(sealed, at.bytes())
	if err != nil {
		return nil, fmt.Errorf("open what %s.%s has: %w", at.Table, at.Column, ErrSealed)
	}
	return text, nil
}

func (s *set) has(id uint32) bool {
	for _, key := range s.keys {
		if key.ID == id {
			return true
		}
	}
	return false
}

// renewEvery bounds how often the keyset is read.
const renewEvery = time.Second

// renew reads the keyset again, if that was not done just now.
func (k *Keyring) renew() {
	if k.read == nil || !k.mu.TryLock() {
		return
	}
	defer k.mu.Unlock()
	if now := time.Now(); now.Sub(k.asked) >= renewEvery {
		k.asked = now
		k.readAgain()
	}
}

func (k *Keyring) readAgain() {
	text, err := k.read()
	if err != nil || string(text) == string(k.set.Load().text) {
		return
	}
	if s, err := newSet(text); err == nil {
		k.set.Store(s)
	}
}

// What is sealed begins with the length of the encrypted key, a mark, and the id of the key that has encrypted it.
const (
	lengthBytes = 4
	mark        = 1
	// KeyIDAt is where, from 1, the four bytes of a key's id begin in what it has sealed.
	KeyIDAt = lengthBytes + 2
	// KeyIDBytes is how many they are, big-endian.
	KeyIDBytes = 4
)

// KeyID is the id of the key that a text was sealed with; false for what Seal has not made.
func KeyID(sealed []byte) (uint32, bool) {
	if len(sealed) < lengthBytes+1+KeyIDBytes || sealed[lengthBytes] != mark {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[KeyIDAt-1:]), true
}
