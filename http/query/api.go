// Package query is the reading side of the console API: each file asks one read model and encodes its answer with the
// position that it is of. The contract is http/openapi/console.yaml; api.gen.go is generated from it.
package query

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/projections/apps"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/reviews"
	"github.com/massrouter/massrouter/projections/statement"
	"github.com/massrouter/massrouter/projections/usage"
)

// Views are what the API answers from.
type Views struct {
	Balance     *balance.Query
	Statement   *statement.Query
	Keys        *keys.Query
	Catalog     *catalog.Query
	Generations *generations.Query
	Reviews     *reviews.Query
	Usage       *usage.Query
	Apps        *apps.Query
	Rankings    Rankings
	Journal     *journal.Query
	Log         Log
	Moments     Moments
	Receipts    Receipts // nil without a transparency log
	Projections Projections
	Webhooks    Webhooks // nil for a service that has none
	Presets     Presets
	Audit       Audit
	Contents    Contents // nil for a service that stores none
	Hits        Hits
	OwnKeys     OwnKeys // the same
}

// API answers the operations of the document that are tagged query.
type API struct {
	views   Views
	catalog *catalog.Cache
	now     func() time.Time
}

var _ StrictServerInterface = (*API)(nil)

// New makes the API over the read models.
func New(views Views) *API {
	return &API{views: views, catalog: catalog.NewCache(views.Catalog, catalogAge), now: time.Now}
}

// Mount adds the operations to a router on which auth.Guard runs.
func (a *API) Mount(r chi.Router) {
	handler := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{checkQuery}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: problem.Write, ResponseErrorHandlerFunc: problem.Write,
	})
	HandlerWithOptions(handler, ChiServerOptions{BaseRouter: r, ErrorHandlerFunc: contract.BadParameter})
}

func checkQuery(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error) {
		if err := request.CheckQuery(r, input); err != nil {
			return nil, err
		}
		if err := checkCosts(ctx, r); err != nil {
			return nil, err
		}
		answer, err := next(accepting(ctx, r), w, r, input)
		if err != nil {
			return nil, request.BlameQuery(err, input)
		}
		return answer, nil
	}
}

func position(p *openapi.Count) int64 {
	if p == nil {
		return 0
	}
	return int64(*p)
}

// chosen is the caller's value, or the zero value when it was left out.
func chosen[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}

// present is a pointer to a value that is not its type's zero; nil leaves a member out, or makes it null.
func present[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// moment is a time in UTC, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// list is never null in JSON.
func list(items []string) []string {
	if items == nil {
		return []string{}
	}
	return items
}
