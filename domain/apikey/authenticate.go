package apikey

import (
	"crypto/subtle"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// Authenticate says whether a presented secret, by its hash, is this key's (K1, K5); key_invalid when not. Whether
// the key may be used is another question: Use.
func (s *State) Authenticate(h Hash, now time.Time) error {
	if !s.Issued || !Matches(s.Hash, s.OldHash, s.OldHashUntil, h, now) {
		return domain.Errorf(domain.CodeKeyInvalid, "this API key is not valid")
	}
	return nil
}

// Matches is rule K5 for whoever holds these facts: the presented hash is the current one, or the old one within its
// grace. Constant time: both comparisons are always made.
func Matches(current, old Hash, oldUntil time.Time, presented Hash, now time.Time) bool {
	inGrace := 0
	if now.Before(oldUntil) {
		inGrace = 1
	}
	isCurrent := subtle.ConstantTimeCompare(current[:], presented[:])
	isOld := subtle.ConstantTimeCompare(old[:], presented[:])
	return isCurrent|isOld&inGrace == 1
}
