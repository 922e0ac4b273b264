package account

import (
	"net/http"
	"time"

	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

// The cookies of package http/oauth.
const (
	Flow    kind = "oa" // of a browser that was sent to a service
	Pending kind = "op" // of what a service has shown and nobody has yet
)

// Enter keeps in the browser's cookies where somebody has come to who was shown by a service of others: to a session, or to the challenge of a second factor.
func (a *API) Enter(w http.ResponseWriter, r *http.Request, result *signin.Result, audience token.Audience) {
	ctx := contract.WithExchange(r.Context(), w, r)
	a.signedIn(ctx, result, audience, byCookie)
}

// Keep sets a cookie of package http/oauth.
func (a *API) Keep(w http.ResponseWriter, audience token.Audience, k kind, value string, until time.Time) {
	c := a.jar.cookie(audience, k, value) //nolint:gosec // the cookie has all of it
	c.SameSite = http.SameSiteLaxMode     // it comes back with a link of the service
	c.MaxAge = max(int(until.Sub(a.p.Now())/time.Second), 1)
	http.SetCookie(w, c)
}

// Kept reads a cookie of package http/oauth; "" for none.
func (a *API) Kept(r *http.Request, audience token.Audience, k kind) string {
	all := r.CookiesNamed(a.jar.name(audience, k))
	if len(all) != 1 { // one that is there twice was set by somebody else
		return ""
	}
	return all[0].Value
}

// Forget removes a cookie of package http/oauth.
func (a *API) Forget(w http.ResponseWriter, audience token.Audience, k kind) {
	a.jar.clear(w, audience, k)
}

// Trusted says whether a request comes from a page of a front end, or from no page.
func (a *API) Trusted(r *http.Request) error {
	if a.origin.check(r, token.Portal) != nil && a.origin.check(r, token.Admin) != nil {
		return crossOrigin()
	}
	return nil
}

// Site is the address of a front end; "" for none.
func (a *API) Site(audience token.Audience) string { return a.p.Sites.of(audience) }
