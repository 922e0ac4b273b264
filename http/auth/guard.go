package auth

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Guard lets a request through once its sender is known and may do what its route does. It runs after routing (in a
// chi group); refuse answers what is refused.
func Guard(a Authenticator, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	operations := map[string]Operation{}
	for _, op := range Operations() {
		operations[op.Method+" "+op.Pattern] = op
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			actor, err := a.Authenticate(r)
			if err != nil {
				refuse(w, r, err)
				return
			}
			route := r.Method + " " + chi.RouteContext(r.Context()).RoutePattern()
			operation, ok := operations[route]
			if !ok {
				refuse(w, r, fmt.Errorf("the route %s is in no row of the table of permissions", route))
				return
			}
			if err := Authorize(actor, operation.Permission); err != nil {
				refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(withOperation(With(r.Context(), actor), operation.ID)))
		})
	}
}
