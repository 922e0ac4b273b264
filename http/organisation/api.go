// Package organisation is the console of tenants and of roles: organisations, their members and invitations, roles on the platform, and what waits for a second
// person. The contract is http/openapi/console.yaml; api.gen.go is generated from it.
//
//	organisation.go  organisations themselves
//	member.go        who belongs to one, and in which role
//	invitation.go    how others join
//	close.go         what ends with an organisation
//	departed.go      which keys end when a member goes, or has another role
//	grant.go         roles on the platform
//	approval.go      what a second person has to approve, and how it is done then
//	page.go          lists, page by page
package organisation

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	tenants "github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/keys"
)

// Head says where the log ends.
type Head interface {
	Position(ctx context.Context) (int64, error)
}

// Parts are what the API works with.
type Parts struct {
	Organisations *tenants.Service
	Access        *access.Service
	ApproveAbove  money.Amount // moving more than this by hand needs a second person
	Now           func() time.Time
	People        *account.Service
	App           *commands.App
	Balances      *balance.Query
	Keys          *keys.Query
	Head          Head
}

// API answers the operations of the document that are tagged organisation.
type API struct {
	Parts
	dispatch http.Handler // the whole service, for requests that were approved
}

var _ StrictServerInterface = (*API)(nil)

// New makes the API.
func New(parts Parts) *API { return &API{Parts: parts} }

// Dispatch says what answers requests that were approved: the router on which the operations are mounted. It is called once, before the first request.
func (a *API) Dispatch(to http.Handler) { a.dispatch = to }

// Mount adds the operations to a router on which auth.Guard runs.
func (a *API) Mount(r chi.Router) {
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{blamed, contract.Query[StrictHandlerFunc]}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  contract.BadBody,
		ResponseErrorHandlerFunc: problem.Write,
	})
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r.With(contract.Bodies(bodies())), ErrorHandlerFunc: contract.BadParameter})
}

// bodies makes an empty body of each operation that has one.
func bodies() map[string]func() any {
	return map[string]func() any{
		"CreateOrganisation": func() any { return new(CreateOrganisationJSONRequestBody) },
		"RenameOrganisation": func() any { return new(RenameOrganisationJSONRequestBody) },
		"SetMemberRole":      func() any { return new(SetMemberRoleJSONRequestBody) },
		"TransferOwnership":  func() any { return new(TransferOwnershipJSONRequestBody) },
		"InviteMember":       func() any { return new(InviteMemberJSONRequestBody) },
		"GrantRole":          func() any { return new(GrantRoleJSONRequestBody) },
	}
}
