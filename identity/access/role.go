package access

import (
	"slices"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/organisation"
)

// PlatformRole is what somebody is on the platform; it is granted to a person for a time.
type PlatformRole string

// The roles on the platform.
const (
	PlatformSupport   PlatformRole = "support"
	PlatformOperator  PlatformRole = "operator"
	PlatformCatalogue PlatformRole = "catalogue"
	PlatformFinance   PlatformRole = "finance"
	PlatformAuditor   PlatformRole = "auditor"
	PlatformOwner     PlatformRole = "owner"
	PlatformReadOnly  PlatformRole = "read-only"
)

// PlatformRoles are all of them.
func PlatformRoles() []PlatformRole {
	return []PlatformRole{PlatformSupport, PlatformOperator, PlatformCatalogue, PlatformFinance, PlatformAuditor, PlatformOwner, PlatformReadOnly}
}

// ParsePlatformRole reads the name of a role. Errors: invalid_request, "role".
func ParsePlatformRole(name string) (PlatformRole, error) {
	if !slices.Contains(PlatformRoles(), PlatformRole(name)) {
		return "", domain.Errorf(domain.CodeInvalid, "role is one of: support, operator, catalogue, finance, auditor, owner, read-only").With("param", "role")
	}
	return PlatformRole(name), nil
}

// row says which roles have a permission: in an organisation, on what is its own; on the platform, on everything.
type row struct {
	permission   Permission
	organisation []organisation.Role
	platform     []PlatformRole
}

// table is the one table of roles. An owner of the platform has everything and is in no row.
func table() []row {
	type in = []organisation.Role
	type on = []PlatformRole
	const (
		owner, admin, finance, developer, viewer            = organisation.Owner, organisation.Admin, organisation.Finance, organisation.Developer, organisation.Viewer
		support, operator, catalogue, money, audit, reading = PlatformSupport, PlatformOperator, PlatformCatalogue, PlatformFinance, PlatformAuditor, PlatformReadOnly
	)
	return []row{
		{WalletsRead, in{owner, admin, finance, developer, viewer}, on{support, operator, money, audit, reading}},
		{WalletsWrite, nil, on{operator}},
		{MoneyWrite, nil, on{money}},
		{HoldsWrite, nil, on{support, operator}},
		{KeysRead, in{owner, admin, finance, developer, viewer}, on{support, operator, audit, reading}},
		{KeysWrite, in{owner, admin, developer}, on{operator}},
		{CatalogRead, in{owner, admin, finance, developer, viewer}, on{support, operator, catalogue, money, audit, reading}},
		{CatalogWrite, nil, on{catalogue}},
		{GenerationsRead, in{owner, admin, finance, developer, viewer}, on{support, operator, money, audit, reading}},
		{LedgerRead, nil, on{operator, money, audit}},
		{UsageRead, in{owner, admin, finance, developer, viewer}, on{support, operator, catalogue, money, audit, reading}},
		{JournalRead, in{owner, admin, finance}, on{money, audit, reading}},
		{CostsRead, nil, on{catalogue, money, audit}},
		{ContentsRead, in{owner, admin, developer}, nil},
		{ContentsWrite, in{owner, admin}, nil},
		{OperationsRead, nil, on{support, operator, audit, reading}},
		{WebhooksRead, in{owner, admin, developer, viewer}, on{support, operator, audit, reading}},
		{WebhooksWrite, in{owner, admin, developer}, on{operator}},
		{MembersRead, in{owner, admin, finance, developer, viewer}, on{support, operator, audit, reading}},
		{MembersWrite, in{owner, admin}, nil},
		{OrganisationOwn, in{owner}, nil},
		{GrantsRead, nil, on{audit}},
		{GrantsWrite, nil, nil},
		{ApprovalsRead, nil, on{operator, catalogue, money, audit}},
		{AuditRead, in{owner, admin}, on{audit}},
		{AuditExport, in{owner, admin}, on{audit}},
	}
}

// In is what a role may do in its organisation; nothing for a role that there is not.
func In(role organisation.Role) Set {
	var has []Permission
	for _, r := range table() {
		if slices.Contains(r.organisation, role) {
			has = append(has, r.permission)
		}
	}
	return NewSet(has...)
}

// On is what roles may do on the platform, together.
func On(roles ...PlatformRole) Set {
	var has []Permission
	for _, r := range table() {
		if slices.ContainsFunc(roles, func(role PlatformRole) bool { return role == PlatformOwner || slices.Contains(r.platform, role) }) {
			has = append(has, r.permission)
		}
	}
	return NewSet(has...)
}
