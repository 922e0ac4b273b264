package webhook

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// checkURL refuses addresses that are malformed, and those that no request would be sent to. It returns the host with its
// port, in lower case. It resolves no names: what they stand for is checked at each connection. Every port will do, as
// the address is a public one and the first thing that it gets is the beginning of TLS.
func (p Policy) checkURL(text string) (host string, err error) {
	if err := domain.CheckTextSize("url", text, 1, MaxURL); err != nil {
		return "", invalid("url", "url has between 1 and %d bytes and no control characters", MaxURL)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return "", invalid("url", "url is no address such as https://example.com/hook")
	case u.Scheme != "https" && (u.Scheme != "http" || !p.AllowHTTP):
		return "", invalid("url", "url begins with https://")
	case u.User != nil:
		return "", invalid("url", "url has no user and password; requests are signed")
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return "", invalid("url", "url has no fragment")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strings.HasSuffix(u.Host, ":") {
		return "", invalid("url", "url has a port between 1 and 65535, or none")
	}
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if address, err := netip.ParseAddr(name); err == nil && p.check(address) != nil {
		return "", invalid("url", "url is not an address on the public internet")
	}
	if (name == "localhost" || strings.HasSuffix(name, ".localhost")) && len(p.Allowed) == 0 {
		return "", invalid("url", "url is not an address on the public internet")
	}
	return name + ":" + port, nil
}
