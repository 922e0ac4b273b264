package http

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/request"
)

// Protection is what stands before the handlers of all surfaces. The zero value lets everything through that is well-formed.
type Protection struct {
	Proxies  []netip.Prefix                  // in front, which are believed whose requests they pass on
	Gate     *middleware.Gate                // by address; nil lets all through
	Limiter  middleware.Limiter              // nil limits nothing
	Limits   RequestLimits                   // that it keeps
	Attempts *limit.Attempts                 // of signing in, and of having mails sent; nil counts none
	Firewall func(http.Handler) http.Handler // before the console; nil for none
}

// RequestLimits are requests a minute; 0 is no limit.
type RequestLimits struct {
	Address int64 // from one address
	Console int64 // from one address to the console
	SignIn  int64 // from one address to sign in, with all that belongs to it
	User    int64 // of one person
}

const (
	signInPrefix = consolePrefix + "v1/auth/"
	signInPath   = signInPrefix + "sign-in"
	signUpPath   = signInPrefix + "sign-up"
	forgotPath   = signInPrefix + "forgot-password"
	userPrefix   = "user:" // of an actor's id
)

// guards are the middlewares for all requests, the cheapest first.
func (p Protection) guards(refuse func(http.ResponseWriter, *http.Request, error)) []func(http.Handler) http.Handler {
	all := []func(http.Handler) http.Handler{middleware.Head(refuse), when(forConsole, middleware.Asker)}
	if p.Gate != nil {
		all = append(all, p.Gate.Middleware(forConsole, refuse))
	}
	if p.Limiter != nil {
		all = append(all,
			middleware.PerAddress(p.Limiter, middleware.ScopeAddress, p.Limits.Address, refuse),
			when(forConsole, middleware.PerAddress(p.Limiter, middleware.ScopeConsole, p.Limits.Console, refuse)),
			when(toSignIn, middleware.PerAddressExactly(p.Limiter, middleware.ScopeSignIn, p.Limits.SignIn, refuse)))
	}
	if p.Firewall != nil {
		all = append(all, when(forConsole, p.Firewall))
	}
	if p.Attempts != nil {
		all = append(all, when(withPassword, middleware.SignIn(p.Attempts, refuse)), when(forMails, middleware.Mails(p.Attempts, refuse)))
	}
	for i := range all {
		all[i] = when(fromOutside, all[i])
	}
	return all
}

// perUser comes after the guard of the console, which finds out who asks. The operator's token is not bound.
func (p Protection) perUser(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	if p.Limiter == nil {
		return func(next http.Handler) http.Handler { return next }
	}
	return middleware.PerUser(p.Limiter, p.Limits.User, func(ctx context.Context) string {
		if id := auth.From(ctx).ID; strings.HasPrefix(id, userPrefix) {
			return id
		}
		return ""
	}, refuse)
}

func fromOutside(r *http.Request) bool { return !request.ClientOf(r.Context()).Inner }

func forConsole(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, consolePrefix) }

// toSignIn says what is bound by what one address may try. A way to a service of others is begun by a link, which is a GET and leaves a row all the same; coming back from there is the
// second half of the same try.
func toSignIn(r *http.Request) bool {
	rest, within := strings.CutPrefix(r.URL.Path, signInPrefix)
	provider, service := strings.CutPrefix(rest, "oauth/")
	return within && (r.Method == http.MethodPost || service && !strings.Contains(provider, "/"))
}

func withPassword(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == signInPath
}

// forMails says whether a request of somebody who has not signed in has a mail sent to an address of his choice.
func forMails(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == signUpPath || r.URL.Path == forgotPath)
}

// when applies a middleware to some requests.
func when(applies func(*http.Request) bool, m func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		guarded := m(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if applies(r) {
				guarded.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
