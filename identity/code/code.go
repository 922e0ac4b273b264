// Package code makes the secrets that people type or follow once: codes of six digits, links, recovery codes. Only their hashes are kept.
package code

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
)

// Purpose is what a secret is for. One made for one purpose is worth nothing for another.
type Purpose string

// Hash is what is kept of a secret.
type Hash [sha256.Size]byte

// HashOf is the hash of a secret that was made for a purpose and for whatever the id names: a challenge, an account. A code of six digits is only
// as safe as its few minutes and its few tries make it.
func HashOf(purpose Purpose, id []byte, secret string) Hash {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "massrouter code v1\x00%s\x00%d\x00", purpose, len(id))
	_, _ = h.Write(id)
	_, _ = h.Write([]byte(secret))
	return Hash(h.Sum(nil))
}

// Is compares in constant time.
func (h Hash) Is(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// Digits makes a code of six digits.
func Digits() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // the system's randomness does not fail (crypto/rand)
	}
	return fmt.Sprintf("%06d", n)
}

// NormalDigits is a code as it was typed, without the spaces and hyphens between digits; "" if it is not of six digits.
func NormalDigits(typed string) string {
	digits := strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(typed)
	if len(digits) != 6 || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

// Token makes a secret of 256 bits for a link or a cookie, in characters that need no quotes in an address.
func Token() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Recovery codes.
const (
	RecoveryCount = 10
	recoveryBytes = 10 // 80 bits, 16 characters
)

// alphabet is Crockford's: no letters that look like digits.
var alphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding) //nolint:gochecknoglobals // never changed

// Recovery makes recovery codes, such as 3F7K-9QXM-A2TD-0WZR.
func Recovery() []string {
	codes := make([]string, RecoveryCount)
	for i := range codes {
		var b [recoveryBytes]byte
		_, _ = rand.Read(b[:]) // never fails
		text := alphabet.EncodeToString(b[:])
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
	}
	return codes
}

// NormalRecovery is a recovery code as it was typed, with what is mistaken for something else put right; "" if it is none.
func NormalRecovery(typed string) string {
	text := strings.ToUpper(typed)
	text = strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1").Replace(text)
	if _, err := alphabet.DecodeString(text); err != nil || len(text) != recoveryBytes*8/5 {
		return ""
	}
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}
