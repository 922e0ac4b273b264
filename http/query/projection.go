package query

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/runner"
)

// Projections says where the builds of all read models stand. *runner.Runner does.
type Projections interface {
	// Status lists the builds, those of a projection together, the live one first. Safe for concurrent use.
	Status(ctx context.Context) ([]runner.Status, error)
}

// ListProjections shows how far the read models are.
func (a *API) ListProjections(ctx context.Context, _ ListProjectionsRequestObject) (ListProjectionsResponseObject, error) {
	all, err := a.views.Projections.Status(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, domain.Errorf(domain.CodeUnavailable, "the read models cannot be asked now").Wrap(err)
	}
	head, err := a.views.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	answer := ListProjections200JSONResponse{
		Items: make([]ProjectionBuild, len(all)), Position: openapi.Count(head.Position), AsOf: head.asOf(),
	}
	for i := range all {
		s := &all[i]
		answer.Items[i] = ProjectionBuild{
			Name: s.Name, Version: s.Version, Slot: s.Slot.String(), Build: s.Build, State: s.State, Position: openapi.Count(s.Position),
			Lag: openapi.Count(s.Lag), Rows: openapi.Count(s.Rows), RowsEstimated: s.RowsEstimated, UpdatedAt: moment(s.UpdatedAt),
			Error: present(s.Error),
		}
		if s.Position > 0 {
			answer.Items[i].RecordedAt = moment(s.RecordedAt)
		}
	}
	return answer, nil
}
