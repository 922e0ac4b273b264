// Package access says what people may do: by their roles in organisations, and by roles on the platform that were granted to them.
//
//	permission.go  the closed list of permissions, and sets of them
//	role.go        the one table of roles and what they may do
//	grant.go       roles on the platform, granted for a time
//	approval.go    what a second person has to approve
//	rights.go      what somebody may do now, read with one query
package access

import "slices"

// Permission is the right to one kind of operation.
type Permission string

// The permissions.
const (
	WalletsRead     Permission = "wallets.read"
	WalletsWrite    Permission = "wallets.write" // opening them, and the limits that the platform sets
	MoneyWrite      Permission = "money.write"   // top-ups, grants, adjustments
	HoldsWrite      Permission = "holds.write"
	KeysRead        Permission = "keys.read"
	KeysWrite       Permission = "keys.write"
	CatalogRead     Permission = "catalog.read"
	CatalogWrite    Permission = "catalog.write"
	GenerationsRead Permission = "generations.read"
	LedgerRead      Permission = "ledger.read"
	UsageRead       Permission = "usage.read"      // statistics
	JournalRead     Permission = "journal.read"    // the books
	CostsRead       Permission = "costs.read"      // what vendors are paid
	ContentsRead    Permission = "contents.read"   // what calls asked and were answered
	ContentsWrite   Permission = "contents.write"  // whether that is stored, and erasing it
	OperationsRead  Permission = "operations.read" // the state of the service itself
	WebhooksRead    Permission = "webhooks.read"
	WebhooksWrite   Permission = "webhooks.write"
	MembersRead     Permission = "members.read"      // an organisation, its members and invitations
	MembersWrite    Permission = "members.write"     // its name, members and invitations, and the limits of members
	OrganisationOwn Permission = "organisations.own" // handing it over, ending it
	GrantsRead      Permission = "grants.read"       // who has which role on the platform
	GrantsWrite     Permission = "grants.write"
	ApprovalsRead   Permission = "approvals.read" // what waits for a second person
	AuditRead       Permission = "audit.read"     // who did what
	AuditExport     Permission = "audit.export"   // all of it as a file
)

// What needs no role: operations that everybody may call, and those of somebody who is signed in about oneself. No set has them.
const (
	Anybody Permission = "public"
	Oneself Permission = "self"
)

// All lists every permission that roles give.
func All() []Permission {
	return []Permission{
		WalletsRead, WalletsWrite, MoneyWrite, HoldsWrite, KeysRead, KeysWrite, CatalogRead, CatalogWrite,
		GenerationsRead, LedgerRead, UsageRead, JournalRead, CostsRead, ContentsRead, ContentsWrite, OperationsRead, WebhooksRead, WebhooksWrite,
		MembersRead, MembersWrite, OrganisationOwn, GrantsRead, GrantsWrite, ApprovalsRead, AuditRead, AuditExport,
	}
}

// Set is a set of permissions; the zero value has none. It is never changed once made.
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

// Empty says whether nothing is in it.
func (s Set) Empty() bool { return len(s.has) == 0 }

// Union is what is in one of them.
func (s Set) Union(other Set) Set { return NewSet(append(s.List(), other.List()...)...) }

// List is what is in the set, in the order of All.
func (s Set) List() []Permission {
	return slices.DeleteFunc(All(), func(p Permission) bool { return !s.Has(p) })
}
