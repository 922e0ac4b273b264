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
package organisation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/body"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
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
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{checkQuery}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  func(w http.ResponseWriter, r *http.Request, err error) { problem.Write(w, r, decodeError(err)) },
		ResponseErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) { problem.Write(w, r, err) },
	})
	makers := bodies()
	strict := body.Strict(func(r *http.Request) func() any { return makers[auth.OperationOf(r.Context())] })
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r.With(strict), ErrorHandlerFunc: badParameter})
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

// decodeError is for what the generated decoder refuses although strict has let it pass.
func decodeError(err error) error {
	var known *domain.Error
	if errors.As(err, &known) {
		return known
	}
	return domain.Errorf(domain.CodeInvalid, "the body does not fit the operation").Wrap(err)
}

func checkQuery(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error) {
		if err := request.CheckQuery(r, input); err != nil {
			return nil, err
		}
		return next(ctx, w, r, input)
	}
}

// badParameter names the parameter; the generated errors repeat the caller's text.
func badParameter(w http.ResponseWriter, r *http.Request, err error) {
	message, name := "a parameter is malformed", ""
	var format *InvalidParamFormatError
	var many *TooManyValuesForParamError
	switch {
	case errors.As(err, &format):
		message, name = "the parameter "+format.ParamName+" is malformed", format.ParamName
	case errors.As(err, &many):
		message, name = "the header "+many.ParamName+" is given more than once", many.ParamName
	}
	problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "%s", message).With("parameter", name).Wrap(err))
}

var keyPattern = regexp.MustCompile(`^[!-~]{1,200}$`)

// meta identifies a request: by the caller's Idempotency-Key, within operation and actor, or else by a fresh id.
func meta(ctx context.Context, key *string) (commands.Meta, error) {
	actor, id := auth.From(ctx).ID, request.ID(ctx)
	m := commands.Meta{Actor: actor, CorrelationID: id, CausationID: id}
	if key != nil {
		if !keyPattern.MatchString(*key) {
			return m, domain.Errorf(domain.CodeInvalid,
				"an Idempotency-Key has 1 to 200 printable ASCII characters without spaces").With("parameter", "Idempotency-Key")
		}
		m.CommandID = domain.IDFromKey(auth.OperationOf(ctx)+" "+actor, *key)
		return m, nil
	}
	fresh, err := uuid.NewV7()
	if err != nil {
		return m, fmt.Errorf("draw an id: %w", err)
	}
	m.CommandID = fresh
	return m, nil
}
