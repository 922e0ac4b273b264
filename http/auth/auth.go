// Package auth says who sends a console request and what that actor may do. Who that can be is behind one small
// interface; what each operation needs is in one table.
package auth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// Actor is who sends a request.
type Actor struct {
	ID       string               // with its kind: "operator:token", "user:<uuid>"; goes into events and the audit log
	User     uuid.UUID            // zero for the operator token
	Session  uuid.UUID            // zero for the operator token
	Shown    time.Time            // when a factor was shown last, as the access token says
	Platform Set                  // what it may do on everything
	Tenants  map[uuid.UUID]Tenant // what it may do for the organisations that it belongs to, by the ids of their wallets
	Roles    []PlatformRole       // that Platform follows from; none for the operator token
}

// role is as what the actor acts on everything.
func (a Actor) role() string {
	if len(a.Roles) == 0 {
		return "operator"
	}
	names := make([]string, len(a.Roles))
	for i, role := range a.Roles {
		names[i] = string(role)
	}
	slices.Sort(names)
	return "platform:" + strings.Join(slices.Compact(names), "+")
}

// Authenticator finds out who sends a request.
type Authenticator interface {
	// Authenticate reads the request's credentials, never its body. It is safe for concurrent use. Credentials that are
	// missing or wrong are a *domain.Error with code unauthenticated, which says nothing about how wrong they are; any
	// other error means that it could not be found out.
	Authenticate(r *http.Request) (Actor, error)
}

// Renewer is an Authenticator that believes for a moment what it knows of an actor's rights.
type Renewer interface {
	Authenticator

	// Renew asks once more what an actor may do: who has just founded an organisation, or been let into one, finds it, and a role counts once it is given.
	Renew(ctx context.Context, a Actor) (Actor, error)
}

// Watcher is an Authenticator that says again what those may do whom it has let in: an answer that goes on for hours is open longer than a right lasts.
type Watcher interface {
	Authenticator

	// Again is what each of some actors may do now, in their order; one whose session has ended has no ID. An error means that it cannot be found out. It is safe for
	// concurrent use.
	Again(ctx context.Context, actors []Actor) ([]Actor, error)
}

type watcherKey struct{}

// WatcherOf is the Watcher that has let the actor of a guarded request in; nil for one whose rights never change.
func WatcherOf(ctx context.Context) Watcher {
	w, _ := ctx.Value(watcherKey{}).(Watcher)
	return w
}

type key struct{}

// With returns a context that carries the actor.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, key{}, a) }

// From is the actor of a request that was authenticated; an actor without a name or rights otherwise.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(key{}).(Actor)
	return a
}

// Authorize refuses an actor without the permission on everything, with code forbidden.
func Authorize(a Actor, p Permission) error {
	if a.Platform.Has(p) {
		return nil
	}
	return domain.Errorf(domain.CodeForbidden, "this needs the permission %s", p).With("permission", string(p))
}
