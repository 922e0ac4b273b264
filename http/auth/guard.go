package auth

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// Guard lets a request through once its sender is known and may do what its route does. It runs after routing (in a
// chi group); refuse answers what is refused.
func Guard(a Authenticator, owners Owners, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	operations := map[string]Operation{}
	for _, op := range Operations() {
		operations[op.Method+" "+op.Pattern] = op
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			route := r.Method + " " + chi.RouteContext(r.Context()).RoutePattern()
			operation, ok := operations[route]
			actor, err := sender(a, r)
			if ok && operation.Permission == Anybody && domain.CodeOf(err) == domain.CodeUnauthenticated {
				actor, err = Actor{}, nil
			}
			if err == nil && !ok {
				err = fmt.Errorf("the route %s is in no row of the table of permissions", route)
			}
			if err != nil {
				refuse(w, r, err)
				return
			}
			acting, err := decide(r, owners, actor, operation)
			if renewer, ok := a.(Renewer); ok && refusedByRights(err) {
				if actor, err = renewer.Renew(r.Context(), actor); err == nil {
					acting, err = decide(r, owners, actor, operation)
				}
			}
			if err != nil && acting.Role == "" && !actor.Platform.Empty() {
				acting.Role = actor.role() // as what it is refused
			}
			learn(r, owners, actor, acting, operation)
			if err != nil {
				refuse(w, r, err)
				return
			}
			ctx := context.WithValue(With(r.Context(), actor), actingKey{}, acting)
			if w, ok := a.(Watcher); ok && actor.User != uuid.Nil {
				ctx = context.WithValue(ctx, watcherKey{}, w)
			}
			next.ServeHTTP(w, r.WithContext(withOperation(ctx, operation.ID)))
		})
	}
}

// refusedByRights says of a decision that it would be another one, had the actor other rights: they may be those of a moment ago.
func refusedByRights(err error) bool {
	code := domain.CodeOf(err)
	return code == domain.CodeNotFound || code == domain.CodeForbidden
}

type actingKey struct{}

// ActingOf is as what the actor of a guarded request does it; the zero value outside of one.
func ActingOf(ctx context.Context) Acting {
	acting, _ := ctx.Value(actingKey{}).(Acting)
	return acting
}

// approval is of a request that is made in the name of who asked for it, now that somebody else has approved it.
type approval struct {
	asker Actor
	by    string // the actor who approved
}

type approvalKey struct{}

// WithApproval returns the context of a request of asker that by has approved: it is made with the asker's rights, without credentials.
func WithApproval(ctx context.Context, asker Actor, by string) context.Context {
	return context.WithValue(ctx, approvalKey{}, approval{asker, by})
}

// ApprovedBy is the actor who approved a request; "" for one that nobody had to.
func ApprovedBy(ctx context.Context) string {
	given, _ := ctx.Value(approvalKey{}).(approval)
	return given.by
}

func sender(a Authenticator, r *http.Request) (Actor, error) {
	if given, ok := r.Context().Value(approvalKey{}).(approval); ok {
		return given.asker, nil
	}
	return a.Authenticate(r)
}
