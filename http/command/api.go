// Package command is the writing side of the console API: each file decodes one group of operations, calls the use case
// and encodes its receipt. The contract is http/openapi/console.yaml; api.gen.go is generated from it.
package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

// API answers the operations of the document that are tagged command.
type API struct {
	app      *commands.App
	webhooks Webhooks
	presets  Presets
	charges  Charges
	contents Contents
	ownKeys  OwnKeys // nil for a service that stores none
}

var _ StrictServerInterface = (*API)(nil)

// New makes the API over the use cases; webhooks and contents are nil for a service that has none.
func New(app *commands.App, webhooks Webhooks, presets Presets, charges Charges, contents Contents) *API {
	return &API{app: app, webhooks: webhooks, presets: presets, charges: charges, contents: contents}
}

// Mount adds the operations to a router on which auth.Guard runs.
func (a *API) Mount(r chi.Router) {
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{checkQuery}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  func(w http.ResponseWriter, r *http.Request, err error) { problem.Write(w, r, decodeError(err)) },
		ResponseErrorHandlerFunc: problem.Write,
	})
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r.With(strict), ErrorHandlerFunc: badParameter})
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
	var missing *RequiredHeaderError
	var many *TooManyValuesForParamError
	switch {
	case errors.As(err, &format):
		message, name = "the parameter "+format.ParamName+" is malformed", format.ParamName
	case errors.As(err, &missing):
		message, name = "the header "+missing.ParamName+" is required", missing.ParamName
	case errors.As(err, &many):
		message, name = "the header "+many.ParamName+" is given more than once", many.ParamName
	}
	problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "%s", message).With("parameter", name).Wrap(err))
}

var keyPattern = regexp.MustCompile(`^[!-~]{1,200}$`)

// meta identifies a command: by the caller's Idempotency-Key, within operation and actor, or else by a fresh id.
func meta(ctx context.Context, key *string) (commands.Meta, error) {
	actor, id := auth.From(ctx).ID, request.ID(ctx)
	m := commands.Meta{Actor: actor, CorrelationID: id, CausationID: id}
	if key != nil {
		if !keyPattern.MatchString(*key) {
			return commands.Meta{}, domain.Errorf(domain.CodeInvalid,
				"an Idempotency-Key has 1 to 200 printable ASCII characters without spaces").With("parameter", "Idempotency-Key")
		}
		m.CommandID = domain.IDFromKey(auth.OperationOf(ctx)+" "+actor, *key)
		return m, nil
	}
	fresh, err := uuid.NewV7()
	if err != nil {
		return commands.Meta{}, fmt.Errorf("draw a command id: %w", err)
	}
	m.CommandID = fresh
	return m, nil
}

func receipt(r commands.Receipt) Receipt {
	return Receipt{Position: openapi.Count(r.Position), RecordedAt: r.RecordedAt.UTC(), Replayed: r.Replayed}
}

// chosen is the caller's value, or the zero value when it was left out.
func chosen[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}
