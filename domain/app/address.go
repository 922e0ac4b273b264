package app

import (
	"net/url"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

const (
	maxURL   = 200 // bytes
	maxHost  = 253 // bytes of a host name, and below those of one of its labels: RFC 1035 §2.3.4
	maxLabel = 63
)

// checkURL is rule A2. The text is stored and shown as it is, so only what cannot be written in another way is taken: lower-case
// ASCII for the host (names in other scripts come as xn--…), and a path.
func checkURL(text string) error {
	invalid := func(why string) error { return domain.Errorf(domain.CodeInvalid, "url %s", why) }
	if err := domain.CheckTextSize("url", text, 1, maxURL); err != nil {
		return err
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return invalid("has only visible ASCII characters; others are written as %-escapes or xn--…")
		}
	}
	if !strings.HasPrefix(text, "https://") {
		return invalid("begins with https://")
	}
	u, err := url.Parse(text)
	if err != nil {
		return domain.Errorf(domain.CodeInvalid, "url cannot be read").Wrap(err)
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(text, `@?#\`) {
		return invalid("has neither user, query nor fragment")
	}
	if !PublicHost(u.Host) {
		return invalid("is at a host name of the public internet, without a port")
	}
	return nil
}

// PublicHost says whether a host is a name that can stand in the public DNS: two or more labels of lower-case letters, digits
// and hyphens, the last of which is no number. Addresses, ports, single names and the special names of RFC 6761 are not.
func PublicHost(host string) bool {
	labels := strings.Split(host, ".")
	if len(host) > maxHost || len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	last := labels[len(labels)-1]
	switch last {
	case "localhost", "local", "internal", "invalid", "test", "onion", "arpa", "lan", "home", "corp":
		return false
	}
	return strings.IndexFunc(last, func(r rune) bool { return r < '0' || r > '9' }) >= 0
}

func isLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return strings.IndexFunc(label, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}
