package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
)

// UpdateApp replaces what is said of an app.
type UpdateApp struct {
	AppID   uuid.UUID   `json:"app_id"`
	Details app.Details `json:"details"`
}

// UpdateApp records the change.
func (a *App) UpdateApp(ctx context.Context, m Meta, c UpdateApp) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (UpdateApp) name() string { return "update_app" }

func (c UpdateApp) streams() []domain.StreamID { return []domain.StreamID{app.Stream(c.AppID)} }

func (c UpdateApp) decide(d *executor.Decision) (Done, error) {
	e, err := state[*app.State](d, app.Stream(c.AppID)).Update(app.Update{Details: c.Details})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(app.Stream(c.AppID), e)
}
