package apikey

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// secretPrefix marks our secrets, so that scanners can find leaked ones.
const secretPrefix = "sk-mr-v1-" //nolint:gosec // what all secrets begin with is no secret

// Digits of a secret after its prefix. Secrets without a checksum are read as well.
const (
	plainDigits = 2 * (16 + 32)
	sumDigits   = 2 * crc32.Size
)

// SecretPattern finds secrets in texts. What it finds and Checked refuses is none.
const SecretPattern = `sk-mr-v1-[0-9a-f]{104}` //nolint:gosec // what all secrets look like is no secret

// Secret composes a secret: the prefix, the key's id (so that no look-up by hash is needed), 256 random bits, and a CRC-32 (IEEE 802.3)
// of all that, so that scanners tell it from what only looks like one. All digits are lower-case hex.
func Secret(id uuid.UUID, random [32]byte) string {
	plain := secretPrefix + hex.EncodeToString(id[:]) + hex.EncodeToString(random[:])
	return plain + checksum(plain)
}

func checksum(plain string) string {
	var sum [crc32.Size]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(plain)))
	return hex.EncodeToString(sum[:])
}

// Checked says whether a text has the form and the checksum of a secret: without asking anybody, and with nothing to learn from it.
func Checked(secret string) bool {
	if len(secret) != len(secretPrefix)+plainDigits+sumDigits {
		return false
	}
	_, err := ParseSecret(secret)
	return err == nil
}

// ParseSecret takes the key's id out of a secret. It says nothing about whether the secret is right. Error: key_invalid.
func ParseSecret(secret string) (uuid.UUID, error) {
	rest, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok || len(rest) != plainDigits && len(rest) != plainDigits+sumDigits {
		return uuid.UUID{}, invalidSecret()
	}
	if at := len(secretPrefix) + plainDigits; len(rest) > plainDigits && checksum(secret[:at]) != secret[at:] {
		return uuid.UUID{}, invalidSecret()
	}
	var id uuid.UUID
	for i := range len(rest) {
		if !isDigit(rest[i]) {
			return uuid.UUID{}, invalidSecret()
		}
	}
	if _, err := hex.Decode(id[:], []byte(rest[:2*len(id)])); err != nil {
		return uuid.UUID{}, invalidSecret()
	}
	return id, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func invalidSecret() error {
	return domain.Errorf(domain.CodeKeyInvalid, "this is not an API key of this platform")
}

// Label is how a secret is shown after it was issued: its head and its last four characters.
func Label(secret string) string {
	if len(secret) < len(secretPrefix)+8 {
		return ""
	}
	return secret[:len(secretPrefix)+4] + "…" + secret[len(secret)-4:]
}
