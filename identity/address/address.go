// Package address reads e-mail addresses. One mailbox has one form here, so that nobody has two accounts with it, and no look-alike of it is taken for
// it.
package address

import (
	"strings"

	"golang.org/x/net/idna"

	"github.com/massrouter/massrouter/domain"
)

// Email is a mailbox in its one form: lower case, the domain in ASCII (RFC 5891). A name in another script is seen as what it is, xn--….
type Email string

const (
	maxLocal = 64 // bytes (RFC 5321, 4.5.3.1)
	maxEmail = 254
)

// lookup is how browsers and mail servers read a name: what they would not find is refused.
var lookup = idna.New( //nolint:gochecknoglobals // a profile
	idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.Transitional(false),
)

// Parse reads an address as somebody typed it. The part before the @ is of the ASCII characters that need no quotes (RFC 5322's dot-atom):
// what is invisible, what looks like another letter and what could begin a header is none of them. Errors: invalid_request, "email".
func Parse(text string) (Email, error) {
	text = strings.Trim(text, " ")
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return "", invalid("an e-mail address has an @")
	}
	local, host := text[:at], text[at+1:]
	if local == "" || len(local) > maxLocal || !isDotAtom(local) {
		return "", invalid("before the @ stand 1 to 64 letters, digits or signs such as . _ + -, in ASCII")
	}
	name, err := lookup.ToASCII(host)
	if err == nil { // some names are not valid in the form that they are mapped to
		var again string
		if again, err = lookup.ToASCII(name); again != name {
			name = ""
		}
	}
	if err != nil || !strings.Contains(name, ".") || isNumber(name[strings.LastIndexByte(name, '.')+1:]) {
		return "", invalid("after the @ stands the name of a mail server, such as example.com")
	}
	email := strings.ToLower(local) + "@" + name
	if len(email) > maxEmail {
		return "", invalid("an e-mail address has at most 254 characters")
	}
	return Email(email), nil
}

// Local is the part before the @.
func (e Email) Local() string { return string(e[:strings.LastIndexByte(string(e), '@')]) }

// Domain is the part after the @.
func (e Email) Domain() string { return string(e[strings.LastIndexByte(string(e), '@')+1:]) }

// Masked is the address for others who may guess whose it is, but not learn it: a***@e***.com.
func (e Email) Masked() string {
	name := e.Domain()
	return string(e[:1]) + "***@" + name[:1] + "***" + name[strings.LastIndexByte(name, '.'):]
}

// atom are the signs that may stand in an address without quotes, beside letters, digits and dots.
const atom = "!#$%&'*+-/=?^_`{|}~"

func isDotAtom(text string) bool {
	for _, part := range strings.Split(text, ".") {
		if part == "" {
			return false
		}
		for i := range len(part) {
			c := part[i]
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
			if !letter && strings.IndexByte(atom, c) < 0 {
				return false
			}
		}
	}
	return true
}

func isNumber(text string) bool { return strings.Trim(text, "0123456789") == "" }

func invalid(why string) error {
	return domain.Errorf(domain.CodeInvalid, "%s", why).With("param", "email")
}
