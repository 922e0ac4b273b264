// Package totp is the second factor of authenticator apps: codes of six digits that change every 30 seconds (RFC 6238 with SHA-1, which all apps know).
package totp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

const (
	period     = 30
	secretSize = 20 // bytes, as long as SHA-1's result (RFC 4226, 4)
	// skew is how many steps a clock may be off.
	skew = 1
)

var text = base32.StdEncoding.WithPadding(base32.NoPadding) //nolint:gochecknoglobals // never changed

// Secret is what an app and we know of each other.
type Secret []byte

// New makes a Secret.
func New() Secret {
	s := make(Secret, secretSize)
	_, _ = rand.Read(s) // never fails
	return s
}

// Text is the secret as it is typed into an app.
func (s Secret) Text() string { return text.EncodeToString(s) }

// URI is what an app reads from a QR code (Google Authenticator's key URI format).
func (s Secret) URI(issuer, account string) string {
	label := url.PathEscape(issuer + ":" + account)
	values := url.Values{"secret": {s.Text()}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {fmt.Sprint(period)}}
	return "otpauth://totp/" + label + "?" + values.Encode()
}

// ErrWrong is of codes that are wrong, too old, or were used.
var ErrWrong = errors.New("the code is wrong or was used")

// Check says in which step (of 30 seconds since 1970) a code of six digits is right at a time, one step to either side. Steps up to used are refused: a
// code is good once, and so is none before it. The caller keeps the step, in one statement that compares it.
func (s Secret) Check(code string, at time.Time, used int64) (step int64, err error) {
	now := at.Unix() / period
	for step := now - skew; step <= now+skew; step++ {
		if step < 0 {
			continue
		}
		want, err := totp.GenerateCodeCustom(s.Text(), time.Unix(step*period, 0), totp.ValidateOpts{Period: period, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("compute a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > used {
			return step, nil
		}
	}
	return 0, ErrWrong
}
