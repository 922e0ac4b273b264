package oauth

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
)

// Provider is a service that says who somebody is. It is safe for concurrent use.
type Provider interface {
	// Authorize is the address that the browser is sent to. Errors: provider_failed.
	Authorize(ctx context.Context, a Ask) (string, error)
	// Identify asks the service who has come back with a code. Errors: provider_failed when it does not answer, or answers what cannot be
	// believed; provider_refused when it says no.
	Identify(ctx context.Context, r Return) (Claims, error)
}

// Ask is what a browser is sent to a service with.
type Ask struct {
	Redirect string // the callback's address
	State    string
	Nonce    string // the ID token has to repeat it
	Verifier string // of PKCE; its hash is sent
	Again    bool   // the person is to show once more who it is
}

// Return is what the browser came back with, and what it was sent with.
type Return struct {
	Redirect string
	Code     string
	Issuer   string // the parameter iss (RFC 9207); "" for none
	Nonce    string
	Verifier string
	Again    bool
	Since    time.Time // when the browser was sent
}

// Claims are what a service says of a person.
type Claims struct {
	Subject  string        // its own id of the person, which never changes
	Email    address.Email // "" for none
	Verified bool          // the mailbox is proved, and the service is trusted to say so
	Name     string        // as far as it can be shown
	Session  string        // the service's own id of its session; "" for none
}

const (
	maxSubject = 255 // characters of ASCII (OpenID Connect Core, 2)
	maxName    = 100
)

// claims reads what a service says, of which nothing is believed to be well-formed. false: the subject is none.
func claims(subject, email string, verified bool, name string) (Claims, bool) {
	plain := func(c rune) bool { return c <= ' ' || c > '~' }
	if subject == "" || len(subject) > maxSubject || strings.ContainsFunc(subject, plain) {
		return Claims{}, false
	}
	c := Claims{Subject: subject, Name: shown(name)}
	if mailbox, err := address.Parse(email); err == nil {
		c.Email, c.Verified = mailbox, verified
	}
	return c, true
}

// shown is a name without what cannot be seen, cut where it is too long; "" where it is none that people may have.
func shown(name string) string {
	name = strings.Map(func(c rune) rune {
		if !unicode.IsGraphic(c) || unicode.Is(unicode.Cf, c) || c == utf8.RuneError {
			return -1
		}
		return c
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = strings.TrimSpace(string(runes[:maxName]))
	}
	if _, err := identity.Name(name, 0, maxName); err != nil {
		return "" // it is an address of the web
	}
	return name
}

// The codes of services.
const (
	CodeFailed  domain.Code = "provider_failed"  // it does not answer, or not as it should; try again later
	CodeRefused domain.Code = "provider_refused" // the person or the service has said no
)

// failed is what went wrong with a service. why is for the log; it has no secrets.
func failed(why error) error {
	return domain.Errorf(CodeFailed, "the sign-in service does not answer as it should: try again later, or sign in another way").Wrap(why)
}

func refused(reason string) error {
	return domain.Errorf(CodeRefused, "the sign-in service has refused").With("reason", plain(reason))
}

// plain is a short word of a service, fit to be repeated.
func plain(text string) string {
	const most = 100
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, text)
	return text[:min(len(text), most)]
}
