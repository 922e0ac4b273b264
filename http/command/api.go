// Package command is the writing side of the console API: each file decodes one group of operations, calls the use case
// and encodes its receipt. The contract is http/openapi/console.yaml; api.gen.go is generated from it.
package command

import (
	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
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
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{contract.Query[StrictHandlerFunc]}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  contract.BadBody,
		ResponseErrorHandlerFunc: problem.Write,
	})
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r.With(contract.Bodies(Bodies())), ErrorHandlerFunc: contract.BadParameter})
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
