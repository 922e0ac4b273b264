package oauth

import (
	"net/url"
	"path"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// targets are the pages of the front ends that a browser may be sent to, with all below them. Addresses of the API are none, nor is any other host.
var targets = []string{ //nolint:gochecknoglobals // never changed
	"/account", "/auth", "/docs", "/models", "/orders", "/organisations", "/playground", "/rankings", "/verify", // portal
	"/audit", "/events", "/ledger", "/payments", "/prices", "/providers", "/replay", "/roles", "/stats", "/system", "/users", // admin
}

const maxTarget = 2048 // bytes

// Target reads where a browser is to be sent: a path of a page, maybe with a query; "" is the first page. Errors: invalid_request, "return_to".
func Target(text string) (string, error) {
	if text == "" || text == "/" {
		return "/", nil
	}
	wrong := domain.Errorf(domain.CodeInvalid, "return_to is the path of a page here, such as /account").With("param", "return_to")
	strange := func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }
	if len(text) > maxTarget || text[0] != '/' || strings.ContainsFunc(text, strange) {
		return "", wrong
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Fragment != "" || u.RawPath != "" || strings.Contains(u.Path, "%") || path.Clean(u.Path) != u.Path {
		return "", wrong
	}
	for _, page := range targets {
		if u.Path == page || strings.HasPrefix(u.Path, page+"/") {
			return u.RequestURI(), nil
		}
	}
	return "", wrong
}
