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
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/body"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
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
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{exchanged}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  func(w http.ResponseWriter, r *http.Request, err error) { problem.Write(w, r, decodeError(err)) },
		ResponseErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) { problem.Write(w, r, err) },
	})
	makers := bodies()
	strict := body.Strict(func(r *http.Request) func() any { return makers[auth.OperationOf(r.Context())] })
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r.With(a.there, a.trusted, strict), ErrorHandlerFunc: badParameter})
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

type exchangeKey struct{}

// exchange is a request that is being answered, for its cookies.
type exchange struct {
	w http.ResponseWriter
	r *http.Request
}

func exchanged(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error) {
		if err := request.CheckQuery(r, input); err != nil {
			return nil, err
		}
		return next(context.WithValue(ctx, exchangeKey{}, exchange{w, r}), w, r, input)
	}
}

func of(ctx context.Context) exchange {
	x, _ := ctx.Value(exchangeKey{}).(exchange)
	return x
}

// decodeError is for what the generated decoder refuses although body.Strict has let it pass.
func decodeError(err error) error {
	var known *domain.Error
	if errors.As(err, &known) {
		return known
	}
	return domain.Errorf(domain.CodeInvalid, "the body does not fit the operation").Wrap(err)
}

// badParameter names the parameter; the generated errors repeat the caller's text.
func badParameter(w http.ResponseWriter, r *http.Request, err error) {
	message, name := "a parameter is malformed", ""
	var format *InvalidParamFormatError
	if errors.As(err, &format) {
		message, name = "the parameter "+format.ParamName+" is malformed", format.ParamName
	}
	problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "%s", message).With("parameter", name).Wrap(err))
}
