package account

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/token"
)

// Sites are the addresses of the front ends, such as https://portal.example.com.
type Sites struct {
	Portal string
	Admin  string // "" for none
}

func (s Sites) of(a token.Audience) string {
	if a == token.Admin {
		return s.Admin
	}
	return s.Portal
}

// AudienceHeader says, where a browser has cookies of both front ends, which of them sends a request.
const AudienceHeader = "X-Massrouter-Audience"

// kind is what a cookie has.
type kind string

const (
	accessToken  kind = "at"
	refreshToken kind = "rt"
	challenge    kind = "ch"
)

// jar sets and reads cookies. Their names begin with __Host-, so that browsers send them back to the host that set them only, and over TLS: no neighbour of it can
// put one in their place. Where a front end has plain HTTP and is not on this machine, browsers would refuse that, and the names are plain.
type jar struct {
	sites Sites
	now   func() time.Time
}

func newJar(s Sites, now func() time.Time) jar { return jar{sites: s, now: now} }

// secure says whether the browser takes a site's connection for safe.
func secure(site string) bool {
	u, err := url.Parse(site)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || loopback
}

func (j jar) name(a token.Audience, k kind) string {
	name := "mr_" + string(k)
	if a == token.Admin {
		name = "mra_" + string(k)
	}
	if secure(j.sites.of(a)) {
		return "__Host-" + name
	}
	return name
}

func (j jar) cookie(a token.Audience, k kind, value string) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure wherever a browser would take it
		Name: j.name(a, k), Value: value, Path: "/", HttpOnly: true, Secure: secure(j.sites.of(a)), SameSite: http.SameSiteStrictMode,
	}
	if k == accessToken {
		c.SameSite = http.SameSiteLaxMode // who follows a link from elsewhere is signed in
	}
	return c
}

func (j jar) set(w http.ResponseWriter, a token.Audience, k kind, value string, until time.Time) {
	c := j.cookie(a, k, value) //nolint:gosec // the cookie has all of it
	c.MaxAge = max(int(until.Sub(j.now())/time.Second), 1)
	http.SetCookie(w, c)
}

func (j jar) clear(w http.ResponseWriter, a token.Audience, kinds ...kind) {
	for _, k := range kinds {
		c := j.cookie(a, k, "") //nolint:gosec // the cookie has all of it
		c.MaxAge = -1
		http.SetCookie(w, c)
	}
}

// find reads a cookie of one of the front ends: of the one that the request names, else of the portal's, else of the other's. "" for none. One that is there
// twice is none: somebody else has set one of them.
func (j jar) find(r *http.Request, k kind) (string, token.Audience) {
	for _, a := range asked(r) {
		if all := r.CookiesNamed(j.name(a, k)); len(all) == 1 && all[0].Value != "" {
			return all[0].Value, a
		}
	}
	return "", ""
}

func asked(r *http.Request) []token.Audience {
	switch named := token.Audience(r.Header.Get(AudienceHeader)); named {
	case token.Portal, token.Admin:
		return []token.Audience{named}
	}
	return []token.Audience{token.Portal, token.Admin}
}

// origins say which pages may send a browser here.
type origins map[token.Audience]*http.CrossOriginProtection

func newOrigins(s Sites) (origins, error) {
	o := origins{}
	for _, a := range []token.Audience{token.Portal, token.Admin} {
		o[a] = http.NewCrossOriginProtection()
		site := s.of(a)
		if site == "" {
			continue
		}
		u, err := url.Parse(site)
		if err != nil {
			return nil, fmt.Errorf("read the address of a front end: %w", err)
		}
		if err := o[a].AddTrustedOrigin(u.Scheme + "://" + host(u)); err != nil {
			return nil, fmt.Errorf("trust a front end: %w", err)
		}
	}
	return o, nil
}

// host is how browsers write it in Origin.
func host(u *url.URL) string {
	if u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		name := u.Hostname()
		if ip := net.ParseIP(name); ip != nil && ip.To4() == nil {
			return "[" + name + "]"
		}
		return name
	}
	return u.Host
}

// check refuses requests that change something and come from a page of another site.
func (o origins) check(r *http.Request, a token.Audience) error { return o[a].Check(r) }

func crossOrigin() error {
	return domain.Errorf(domain.CodeForbidden, "a page of another site may not do this").With("reason", "cross_origin")
}
