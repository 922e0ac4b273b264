package middleware

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/rs/zerolog"
)

// Recover answers a panic with an internal error and keeps its text for the log. When the answer has begun already, or
// the handler asked for it with http.ErrAbortHandler, the connection is cut instead, so that no client takes half an
// answer for a whole one.
func Recover(write func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { //nolint:contextcheck // the request carries its context
				cause := recover()
				if cause == nil {
					return
				}
				if cause == http.ErrAbortHandler { //nolint:errorlint // panic values are compared as they are
					panic(cause)
				}
				zerolog.Ctx(r.Context()).Error().Str("panic", fmt.Sprint(cause)).Bytes("stack", debug.Stack()).Msg("handler panicked")
				if begun, ok := w.(interface{ Status() int }); ok && begun.Status() != 0 {
					panic(http.ErrAbortHandler)
				}
				write(w, r, fmt.Errorf("panic: %v", cause))
			}()
			next.ServeHTTP(w, r)
		})
	}
}
