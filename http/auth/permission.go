package auth

import "github.com/massrouter/massrouter/identity/access"

// Permission is the right to one kind of operation; package access has the closed list of them, and which role has which.
type Permission = access.Permission

// Set is a set of permissions.
type Set = access.Set

// Tenant is what somebody may do for one organisation.
type Tenant = access.Tenant

// PlatformRole is what somebody is on the platform.
type PlatformRole = access.PlatformRole

// The permissions that operations need.
const (
	WalletsRead     = access.WalletsRead
	WalletsWrite    = access.WalletsWrite
	MoneyWrite      = access.MoneyWrite
	HoldsWrite      = access.HoldsWrite
	KeysRead        = access.KeysRead
	KeysWrite       = access.KeysWrite
	CatalogRead     = access.CatalogRead
	CatalogWrite    = access.CatalogWrite
	GenerationsRead = access.GenerationsRead
	LedgerRead      = access.LedgerRead
	UsageRead       = access.UsageRead
	JournalRead     = access.JournalRead
	OperationsRead  = access.OperationsRead
	WebhooksRead    = access.WebhooksRead
	WebhooksWrite   = access.WebhooksWrite
	CostsRead       = access.CostsRead
	ContentsRead    = access.ContentsRead
	ContentsWrite   = access.ContentsWrite
	MembersRead     = access.MembersRead
	MembersWrite    = access.MembersWrite
	OrganisationOwn = access.OrganisationOwn
	GrantsRead      = access.GrantsRead
	GrantsWrite     = access.GrantsWrite
	ApprovalsRead   = access.ApprovalsRead
	AuditRead       = access.AuditRead
	AuditExport     = access.AuditExport
	Anybody         = access.Anybody // nobody has to be signed in
	Oneself         = access.Oneself // somebody who is signed in, about oneself
)

// All lists every permission.
func All() []Permission { return access.All() }

// NewSet makes a set.
func NewSet(permissions ...Permission) Set { return access.NewSet(permissions...) }
