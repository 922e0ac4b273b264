package middleware

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/password"
)

const signInBody = 16 << 10 // bytes of a request to sign in

// SignIn slows down who guesses passwords. It stands before a handler that takes an e-mail address in the member "email" of a JSON body,
// and answers 401 when the password was wrong. Whether there is such an account makes no difference to it.
func SignIn(attempts *limit.Attempts, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			account, err := accountOf(w, r)
			if err != nil {
				refuse(w, r, err)
				return
			}
			if account == "" { // the handler refuses it
				next.ServeHTTP(w, r)
				return
			}
			attempt, err := begin(r, attempts, account)
			if err != nil {
				refuse(w, r, err)
				return
			}
			asker := askerOf(r)
			asker.Known = attempt.Known()
			r = r.WithContext(password.WithAsker(r.Context(), asker))
			ww := chimiddleware.NewWrapResponseWriter(w, r.ProtoMajor)
			end := attempt.Dropped              // also when the handler panics
			defer func() { end(r.Context()) }() //nolint:contextcheck // the request carries its context
			next.ServeHTTP(ww, r)
			switch status := ww.Status(); {
			case status == problem.Status(domain.CodeUnauthenticated):
				end = attempt.Failed
			case status < http.StatusMultipleChoices:
				end = attempt.Passed
			}
		})
	}
}

// Mails slows down who has mails sent to a mailbox, as SignIn does who guesses: by the address and the network. It stands before a handler that takes an e-mail address in
// the member "email" of a JSON body. Whether there is such an account makes no difference to it.
func Mails(attempts *limit.Attempts, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			account, err := accountOf(w, r)
			if err != nil {
				refuse(w, r, err)
				return
			}
			if account == "" { // the handler refuses it
				next.ServeHTTP(w, r)
				return
			}
			attempt, err := begin(r, attempts, "mails to "+account) // no account has such a name
			if err != nil {
				refuse(w, r, err)
				return
			}
			ww := chimiddleware.NewWrapResponseWriter(w, r.ProtoMajor)
			end := attempt.Dropped              // also when the handler panics
			defer func() { end(r.Context()) }() //nolint:contextcheck // the request carries its context
			next.ServeHTTP(ww, r)
			if ww.Status() < http.StatusMultipleChoices {
				end = attempt.Failed // nothing ends the counting but time
			}
		})
	}
}

// Asker tells who hashes passwords for whom. Loopback is this machine, and is not counted.
func Asker(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(password.WithAsker(r.Context(), askerOf(r))))
	})
}

func askerOf(r *http.Request) password.Asker {
	from := request.Address(r.Context())
	if !from.IsValid() || from.IsLoopback() {
		return password.Asker{}
	}
	return password.Asker{Network: request.Crowd(from).String()}
}

// begin is a try at an account from where the request comes.
func begin(r *http.Request, attempts *limit.Attempts, account string) (*limit.Attempt, error) {
	from := request.Address(r.Context())
	var around []string
	if wider := request.Around(from); wider.IsValid() && !from.IsLoopback() {
		around = append(around, wider.String())
	}
	return attempts.Begin(r.Context(), account, request.Network(from).String(), around...) //nolint:wrapcheck // it is for the caller
}

// accountOf reads the body, and puts it back for the handler.
func accountOf(w http.ResponseWriter, r *http.Request) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, signInBody))
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return "", domain.Errorf(domain.CodeInvalid, "this body has at most %d bytes", long.Limit)
	}
	if err != nil {
		return "", domain.Errorf(domain.CodeInvalid, "the body could not be read to its end").Wrap(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var named struct {
		Email string `json:"email"`
	}
	if json.Unmarshal(body, &named) != nil {
		return "", nil
	}
	email, err := address.Parse(named.Email)
	if err != nil {
		return "", nil //nolint:nilerr // the handler says what is wrong with it
	}
	return string(email), nil
}
