// Package oauth is sign-in by services of others over HTTP. The contract is http/openapi/console.yaml; api.gen.go is generated from it.
//
//	api.go       the operations' frame
//	redirect.go  browsers on their way to a service and back
//	logout.go    services that say who has signed out there
//	identity.go  what somebody has linked
//	app.go       keys for apps of others
//	sso.go       single sign-on of organisations
package oauth

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/problem"
	services "github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
)

// Parts are what the API works with.
type Parts struct {
	Services *services.Service
	Machine  *signin.Machine
	Sessions *session.Store
	Account  *account.API // keeps sessions in cookies
	Codes    *appcode.Store
	SSO      *sso.Store
	Now      func() time.Time
}

// API answers the operations of the document that are tagged oauth and redirect.
type API struct{ p *Parts }

var _ StrictServerInterface = (*API)(nil)

// New makes the API; parts is nil for a service that has no people: every operation says so.
func New(parts *Parts) *API { return &API{p: parts} }

// Mount adds the operations to a router on which auth.Guard runs. A nil API is one without people.
func (a *API) Mount(r chi.Router) {
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{contract.Exchanged[StrictHandlerFunc]}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  contract.BadBody,
		ResponseErrorHandlerFunc: problem.Write,
	})
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r.With(a.there, a.trusted, contract.Bodies(bodies())), ErrorHandlerFunc: contract.BadParameter})
	r.With(a.there).Get("/console/v1/auth/oauth/{provider}", a.begin)
	r.With(a.there).Get("/console/v1/auth/oauth/{provider}/callback", a.finish)
	r.With(a.there).Post("/console/v1/auth/oauth/{provider}/callback", a.finishByForm)
	r.With(a.there).Post("/console/v1/auth/oauth/{provider}/logout", a.logOut)
}

// there refuses what needs people where there are none.
func (a *API) there(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a == nil || a.p == nil {
			problem.Write(w, r, domain.Errorf(problem.CodeNotConfigured, "this service has no accounts: MASSROUTER_PORTAL_URL and MASSROUTER_SECRETS_KEYSET are not set"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// trusted refuses what a page of another site has sent a browser to do.
func (a *API) trusted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.p.Account.Trusted(r); err != nil {
			problem.Write(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bodies makes an empty body of each operation that has one.
func bodies() map[string]func() any {
	return map[string]func() any{
		"AuthorizeApp":    func() any { return new(AuthorizeAppJSONRequestBody) },
		"BeginSSO":        func() any { return new(BeginSSOJSONRequestBody) },
		"SetSSO":          func() any { return new(SetSSOJSONRequestBody) },
		"LinkIdentity":    func() any { return new(LinkIdentityJSONRequestBody) },
		"ConfirmIdentity": func() any { return new(ConfirmIdentityJSONRequestBody) },
	}
}
