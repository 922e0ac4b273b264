// Package auth says who sends a console request and what that actor may do. Who that can be is behind one small
// interface; what each operation needs is in one table.
package auth

import (
	"context"
	"net/http"

	"github.com/massrouter/massrouter/domain"
)

// Permission is the right to one kind of operation.
type Permission string

// The permissions.
const (
	WalletsRead     Permission = "wallets.read"
	WalletsWrite    Permission = "wallets.write"
	MoneyWrite      Permission = "money.write" // top-ups, grants, adjustments
	HoldsWrite      Permission = "holds.write"
	KeysRead        Permission = "keys.read"
	KeysWrite       Permission = "keys.write"
	CatalogRead     Permission = "catalog.read"
	CatalogWrite    Permission = "catalog.write"
	GenerationsRead Permission = "generations.read"
	LedgerRead      Permission = "ledger.read"
	UsageRead       Permission = "usage.read"      // statistics
	JournalRead     Permission = "journal.read"    // the books
	OperationsRead  Permission = "operations.read" // the state of the service itself
	WebhooksRead    Permission = "webhooks.read"
	WebhooksWrite   Permission = "webhooks.write"
)

// All lists every permission.
func All() []Permission {
	return []Permission{
		WalletsRead, WalletsWrite, MoneyWrite, HoldsWrite, KeysRead, KeysWrite, CatalogRead, CatalogWrite,
		GenerationsRead, LedgerRead, UsageRead, JournalRead, OperationsRead, WebhooksRead, WebhooksWrite,
	}
}

// Set is a set of permissions; the zero value has none.
type Set struct{ has map[Permission]struct{} }

// NewSet makes a set.
func NewSet(permissions ...Permission) Set {
	s := Set{has: make(map[Permission]struct{}, len(permissions))}
	for _, p := range permissions {
		s.has[p] = struct{}{}
	}
	return s
}

// Has says whether the permission is in the set.
func (s Set) Has(p Permission) bool {
	_, ok := s.has[p]
	return ok
}

// Actor is who sends a request. ID goes into events, with its kind: "operator:token", "user:<uuid>".
type Actor struct {
	ID          string
	Permissions Set
}

// Authenticator finds out who sends a request.
type Authenticator interface {
	// Authenticate reads the request's credentials, never its body. It is safe for concurrent use. Credentials that are
	// missing or wrong are a *domain.Error with code unauthenticated, which says nothing about how wrong they are; any
	// other error means that it could not be found out.
	Authenticate(r *http.Request) (Actor, error)
}

type key struct{}

// With returns a context that carries the actor.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, key{}, a) }

// From is the actor of a request that was authenticated; an actor without a name or rights otherwise.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(key{}).(Actor)
	return a
}

// Authorize refuses an actor without the permission, with code forbidden.
func Authorize(a Actor, p Permission) error {
	if a.Permissions.Has(p) {
		return nil
	}
	return domain.Errorf(domain.CodeForbidden, "this needs the permission %s", p).With("permission", string(p))
}
