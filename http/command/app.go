package command

import (
	"context"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
)

func details(d *AppDetails) app.Details {
	return app.Details{Name: d.Name, URL: d.URL, Description: chosen(d.Description), Hidden: chosen(d.Hidden)}
}

// RegisterApp registers an app; its id follows from the command's.
func (a *API) RegisterApp(ctx context.Context, r RegisterAppRequestObject) (RegisterAppResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	id := domain.DeriveID(m.CommandID, "app")
	_, done, err := a.app.RegisterApp(ctx, m, commands.RegisterApp{AppID: id, WalletID: r.WalletID, Details: details(r.Body)})
	if err != nil {
		return nil, err
	}
	return RegisterApp201JSONResponse{AppID: id, Position: openapi.Count(done.Position), RecordedAt: done.RecordedAt.UTC(), Replayed: done.Replayed}, nil
}

// UpdateApp replaces what is said of an app.
func (a *API) UpdateApp(ctx context.Context, r UpdateAppRequestObject) (UpdateAppResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.UpdateApp(ctx, m, commands.UpdateApp{AppID: r.AppID, Details: details(r.Body)})
	if err != nil {
		return nil, err
	}
	return UpdateApp200JSONResponse(receipt(done)), nil
}

// ArchiveApp ends an app.
func (a *API) ArchiveApp(ctx context.Context, r ArchiveAppRequestObject) (ArchiveAppResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.ArchiveApp(ctx, m, commands.ArchiveApp{AppID: r.AppID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return ArchiveApp200JSONResponse(receipt(done)), nil
}

// BindApp binds a key to an app.
func (a *API) BindApp(ctx context.Context, r BindAppRequestObject) (BindAppResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.BindApp(ctx, m, commands.BindApp{KeyID: r.KeyID, AppID: r.Body.AppID})
	if err != nil {
		return nil, err
	}
	return BindApp200JSONResponse(receipt(done)), nil
}

// UnbindApp frees a key.
func (a *API) UnbindApp(ctx context.Context, r UnbindAppRequestObject) (UnbindAppResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.BindApp(ctx, m, commands.BindApp{KeyID: r.KeyID})
	if err != nil {
		return nil, err
	}
	return UnbindApp200JSONResponse(receipt(done)), nil
}
