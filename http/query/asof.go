package query

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/asof"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/usage"
)

// Moments finds the position that a moment means. See asof.Log.
type Moments interface {
	// Resolve finds the last event at or before a moment. Errors: invalid_request with the detail "field", ledger_unavailable.
	Resolve(ctx context.Context, m asof.Moment) (checkpoint.At, error)
}

// moment resolves the parameter as_of; the zero value when the caller asks for now. A position that the caller has seen is
// waited for also then, so that both together mean what they say.
func (a *API) moment(ctx context.Context, given *openapi.AsOf, minPosition *openapi.Count) (checkpoint.At, error) {
	if given == nil || given.IsZero() {
		return checkpoint.At{}, nil
	}
	at, err := a.views.Moments.Resolve(ctx, asof.Moment{Position: given.Position, Time: given.Time})
	if err == nil && position(minPosition) > 0 {
		err = a.written(ctx, position(minPosition))
	}
	return at, err
}

// written refuses a min_position that the log does not have: an answer of the past is the same whatever was projected, but a
// position of the future is a mistake.
func (a *API) written(ctx context.Context, least int64) error {
	head, err := a.views.Log.Head(ctx)
	if err == nil && head.Position < least {
		err = domain.Errorf(domain.CodeUnavailable, "the log has not reached position %d yet", least)
	}
	return err
}

// booksAsOf is the parameter as_of for the journal, which looks moments up itself.
func booksAsOf(given *openapi.AsOf) journal.AsOf {
	m := chosen(given)
	return journal.AsOf{Position: m.Position, Time: m.Time}
}

// usageMoment is the same for the usage statistics.
func usageMoment(given *openapi.AsOf, minPosition *openapi.Count) usage.Moment {
	m := chosen(given)
	return usage.Moment{AsOfPosition: m.Position, AsOf: m.Time, MinPosition: position(minPosition)}
}
