package middleware

import (
	"context"
	"net/http"

	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http/request"
)

// Limiter lets requests through within limits. See limit.Limiter.
type Limiter interface {
	// Share asks nobody: this process's share counts.
	Share(scopes ...limit.Scope) error
	// Take counts for all processes. What it grants must be Done.
	Take(ctx context.Context, tokens int64, scopes ...limit.Scope) (*limit.Grant, error)
}

// The kinds of scopes that bound requests, as callers see them.
const (
	ScopeAddress = "address"         // all requests
	ScopeConsole = "console_address" // those for the console
	ScopeSignIn  = "sign_in_address" // those for signing in, in all processes together
	ScopeUser    = "user"            // those of a person who has signed in, in all processes together
)

// perSite is how many times as much as a /64 of IPv6 the /48 around it is let through.
const perSite = 8

// PerAddress bounds how many requests a minute come from one address, or /64 of IPv6, in this process's share; 0 does not. A /48 of IPv6 has eight times as
// many. Loopback is this machine, and is not bound.
func PerAddress(l Limiter, kind string, perMinute int64, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return limited(refuse, func(r *http.Request) error {
		return l.Share(addressScopes(r, kind, perMinute)...)
	})
}

// PerAddressExactly is PerAddress for all processes together: for requests that are few and dear.
func PerAddressExactly(l Limiter, kind string, perMinute int64, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return limited(refuse, func(r *http.Request) error {
		return take(r.Context(), l, addressScopes(r, kind, perMinute)...)
	})
}

// PerUser bounds how many requests a minute one person makes, in all processes together; 0 does not. user is "" for others.
func PerUser(l Limiter, perMinute int64, user func(context.Context) string, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return limited(refuse, func(r *http.Request) error {
		id := user(r.Context())
		if id == "" {
			return nil
		}
		return take(r.Context(), l, limit.Scope{Kind: ScopeUser, ID: id, Limits: limit.Limits{Requests: perMinute}})
	})
}

func limited(refuse func(http.ResponseWriter, *http.Request, error), check func(*http.Request) error) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := check(r); err != nil {
				refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func take(ctx context.Context, l Limiter, scopes ...limit.Scope) error {
	if len(scopes) == 0 {
		return nil
	}
	granted, err := l.Take(ctx, 0, scopes...)
	granted.Done(0)
	return err
}

func addressScopes(r *http.Request, kind string, perMinute int64) []limit.Scope {
	from := request.Address(r.Context())
	if !from.IsValid() || from.IsLoopback() || perMinute <= 0 {
		return nil
	}
	scopes := []limit.Scope{{Kind: kind, ID: request.Network(from).String(), Limits: limit.Limits{Requests: perMinute}}}
	if around := request.Around(from); around.IsValid() {
		scopes = append(scopes, limit.Scope{Kind: kind, ID: around.String(), Limits: limit.Limits{Requests: perSite * min(perMinute, limit.MaxPerMinute/perSite)}})
	}
	return scopes
}
