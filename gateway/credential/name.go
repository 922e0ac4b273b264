package credential

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// LongestName is how long the name of a key may be, in bytes.
const LongestName = 40

// telling is how many characters of a key in its name would tell something of it.
const telling = 6

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// CheckName refuses a name that cannot be an id, or that is a piece of the key. Errors: invalid_request; they do not quote the name, which may
// be a key in the wrong place.
func CheckName(name, secret string) error {
	if len(name) > LongestName || !namePattern.MatchString(name) {
		return domain.Errorf(domain.CodeInvalid, "the id of a key has 1 to %d characters a-z, 0-9, '.', '_' or '-'", LongestName)
	}
	lower := strings.ToLower(secret)
	if strings.Contains(name, lower) || len(name) >= telling && strings.Contains(lower, name) {
		return domain.Errorf(domain.CodeInvalid, "the id of a key is not part of the key: it is shown")
	}
	return nil
}

// fingerprint is how many bytes of a hash name a key: enough for the keys of one vendor, and useless for finding one.
const fingerprint = 5

// Name is the name of a key that was given none: it follows from the key, and another key has another one.
func Name(vendor, secret string) string {
	sum := sha256.Sum256([]byte("massrouter vendor key\x00" + vendor + "\x00" + secret))
	return hex.EncodeToString(sum[:fingerprint])
}

// ID is the id of a vendor's key by its name; "" takes Name.
func ID(vendor, name, secret string) string {
	if name == "" {
		name = Name(vendor, secret)
	}
	return vendor + "/" + name
}
