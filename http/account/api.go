// Package account is what people do about themselves over HTTP: they sign up and in, keep sessions and second factors, and go. The contract is
// http/openapi/console.yaml; api.gen.go is generated from it.
//
//	api.go          the operations' frame: bodies, origins, cookies
//	authenticate.go who sends a request of the console
//	cookie.go       how tokens are kept in browsers
//	signin.go       sign-up and the ways in
//	challenge.go    second factors, and factors once more
//	session.go      the next tokens, and ends
//	me.go           the account itself
//	credential.go   passwords and mailboxes
//	factor.go       authenticator apps, recovery codes and passkeys
//	phone.go        telephone numbers, and codes that are sent to them
//	fresh.go        what needs a fresh factor
//
// What somebody who is not signed in is answered never depends on whether an address has an account.
package account

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	people "github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

// Keys ends what the keys of a wallet can do.
type Keys interface {
	// RevokeAll revokes every key that the wallet has. Doing it again is no error.
	RevokeAll(ctx context.Context, wallet uuid.UUID, actor string) error
}

// Parts are what the API works with.
type Parts struct {
	Accounts      *people.Service
	Machine       *signin.Machine
	Factors       *factor.Store
	Passkeys      *passkey.Store
	Phones        *phone.Store // nil for none
	Sessions      *session.Store
	Organisations *organisation.Service
	Issuer        *token.Issuer
	Keys          Keys
	Sites         Sites
	Now           func() time.Time
}

// API answers the operations of the document that are tagged account. A nil one says of each that there are no people.
type API struct {
	p      *Parts // nil for a service without people
	jar    jar
	origin origins
}

var _ StrictServerInterface = (*API)(nil)

// New makes the API; parts is nil for a service that has no people: every operation says so.
func New(parts *Parts) (*API, error) {
	a := &API{p: parts}
	if parts == nil {
		return a, nil
	}
	var err error
	a.jar = newJar(parts.Sites, parts.Now)
	a.origin, err = newOrigins(parts.Sites)
	return a, err
}

// Mount adds the operations to a router on which auth.Guard runs.
func (a *API) Mount(r chi.Router) {
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{contract.Exchanged[StrictHandlerFunc]}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  contract.BadBody,
		ResponseErrorHandlerFunc: problem.Write,
	})
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r.With(a.sameOrigin, contract.Bodies(bodies())), ErrorHandlerFunc: contract.BadParameter})
}

// sameOrigin refuses what a page of another site has sent a browser to do, signed in or not: nobody is signed in as somebody else either.
func (a *API) sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a == nil || a.p == nil {
			problem.Write(w, r, domain.Errorf(problem.CodeNotConfigured, "this service has no accounts: MASSROUTER_PORTAL_URL and MASSROUTER_SECRETS_KEYSET are not set"))
			return
		}
		if a.origin.check(r, token.Portal) != nil && a.origin.check(r, token.Admin) != nil {
			problem.Write(w, r, crossOrigin())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// device is where a request comes from.
func device(ctx context.Context) session.Device {
	return session.Device{UserAgent: contract.Of(ctx).R.UserAgent(), Address: request.Address(ctx)}
}

// bodies makes an empty body of each operation that has one.
func bodies() map[string]func() any {
	return map[string]func() any{
		"SignUp":              func() any { return new(SignUpJSONRequestBody) },
		"VerifyEmail":         func() any { return new(VerifyEmailJSONRequestBody) },
		"SignIn":              func() any { return new(SignInJSONRequestBody) },
		"AnswerChallenge":     func() any { return new(AnswerChallengeJSONRequestBody) },
		"AskChallengePasskey": func() any { return new(AskChallengePasskeyJSONRequestBody) },
		"AskChallengeSMS":     func() any { return new(AskChallengeSMSJSONRequestBody) },
		"SignInWithPasskey":   func() any { return new(SignInWithPasskeyJSONRequestBody) },
		"RefreshSession":      func() any { return new(RefreshSessionJSONRequestBody) },
		"SignOut":             func() any { return new(SignOutJSONRequestBody) },
		"ForgotPassword":      func() any { return new(ForgotPasswordJSONRequestBody) },
		"ResetPassword":       func() any { return new(ResetPasswordJSONRequestBody) },
		"ConfirmEmail":        func() any { return new(ConfirmEmailJSONRequestBody) },
		"UpdateMe":            func() any { return new(UpdateMeJSONRequestBody) },
		"EraseMe":             func() any { return new(EraseMeJSONRequestBody) },
		"ChangePassword":      func() any { return new(ChangePasswordJSONRequestBody) },
		"ChangeEmail":         func() any { return new(ChangeEmailJSONRequestBody) },
		"StepUp":              func() any { return new(StepUpJSONRequestBody) },
		"ConfirmTOTP":         func() any { return new(ConfirmTOTPJSONRequestBody) },
		"SetPhone":            func() any { return new(SetPhoneJSONRequestBody) },
		"ConfirmPhone":        func() any { return new(ConfirmPhoneJSONRequestBody) },
		"AddPasskey":          func() any { return new(AddPasskeyJSONRequestBody) },
		"RenamePasskey":       func() any { return new(RenamePasskeyJSONRequestBody) },
	}
}

// home makes sure that somebody has an organisation and a wallet of the own. It is made when it is first needed: what a process that died, or a ledger that was
// away, has left undone is done the next time.
func (a *API) home(ctx context.Context, user uuid.UUID) {
	if _, err := a.p.Organisations.Personal(ctx, user); err != nil && domain.CodeOf(err) != domain.CodeUnauthenticated { // of somebody erased just now
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("user", user).Msg("somebody's own wallet could not be opened; it is tried again at the next sign-in")
	}
}

// choice is a member that has few values; the first one when it was left out.
func choice(value *string, member string, values ...string) (string, error) {
	if value == nil {
		return values[0], nil
	}
	for _, v := range values {
		if v == *value {
			return v, nil
		}
	}
	return "", domain.Errorf(domain.CodeInvalid, "the member %s has a value that it cannot have", member).With("member", "/"+member)
}

func chosen[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}

const (
	byCookie = "cookie"
	byBody   = "body"
)

func audienceOf(value *string) (token.Audience, error) {
	audience, err := choice(value, "audience", string(token.Portal), string(token.Admin))
	return token.Audience(audience), err
}
