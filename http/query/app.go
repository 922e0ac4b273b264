package query

import (
	"context"

	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/apps"
)

// GetApp shows an app.
func (a *API) GetApp(ctx context.Context, r GetAppRequestObject) (GetAppResponseObject, error) {
	found, err := a.views.Apps.App(ctx, r.AppID, position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	return GetApp200JSONResponse{App: app(&found), Position: openapi.Count(found.Position), AsOf: found.AsOf}, nil
}

// ListApps lists the apps of a wallet that exists.
func (a *API) ListApps(ctx context.Context, r ListAppsRequestObject) (ListAppsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	least := position(r.Params.MinPosition)
	if _, err := a.views.Balance.Wallet(ctx, r.WalletID, least); err != nil {
		return nil, err
	}
	page, err := a.views.Apps.ByWallet(ctx, r.WalletID, apps.Request{Cursor: chosen(r.Params.Cursor), Limit: n, MinPosition: least})
	if err != nil {
		return nil, err
	}
	answer := ListApps200JSONResponse{
		Items: make([]App, len(page.Apps)), NextCursor: present(page.NextCursor), Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Apps {
		answer.Items[i] = app(&page.Apps[i])
	}
	return answer, nil
}

func app(a *apps.App) App {
	return App{
		ID: a.ID, WalletID: a.WalletID, Owner: present(a.Owner), Name: a.Details.Name, URL: a.Details.URL, Description: a.Details.Description,
		Hidden: a.Details.Hidden, Archived: a.Archived, ArchivedReason: present(a.ArchivedReason), RegisteredAt: a.RegisteredAt, UpdatedAt: a.UpdatedAt,
	}
}
