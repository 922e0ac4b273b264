package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
)

// ArchiveApp ends an app.
type ArchiveApp struct {
	AppID  uuid.UUID `json:"app_id"`
	Reason string    `json:"reason"`
}

// ArchiveApp records the end.
func (a *App) ArchiveApp(ctx context.Context, m Meta, c ArchiveApp) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (ArchiveApp) name() string { return "archive_app" }

func (c ArchiveApp) streams() []domain.StreamID { return []domain.StreamID{app.Stream(c.AppID)} }

func (c ArchiveApp) decide(d *executor.Decision) (Done, error) {
	e, err := state[*app.State](d, app.Stream(c.AppID)).Archive(app.Archive{Reason: c.Reason})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(app.Stream(c.AppID), e)
}
