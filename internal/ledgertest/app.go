package ledgertest

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/app"
)

// RegisterApp registers an app of a customer and binds the customer's key to it.
func (l *Ledger) RegisterApp(ctx context.Context, c Customer, d app.Details) uuid.UUID {
	l.tb.Helper()
	id := uuid.New()
	must[commands.Done](l)(l.App.RegisterApp(ctx, meta(uuid.New()), commands.RegisterApp{AppID: id, WalletID: c.Wallet, Details: d}))
	must[commands.Done](l)(l.App.BindApp(ctx, meta(uuid.New()), commands.BindApp{KeyID: c.Key, AppID: id}))
	return id
}

// apps registers, changes and archives apps.
func (l *Ledger) apps(ctx context.Context, s Story) {
	l.tb.Helper()
	l.RegisterApp(ctx, s.Rich, app.Details{Name: "Notes", URL: "https://notes.example", Description: "Takes notes."})
	id := l.RegisterApp(ctx, s.Capped, app.Details{Name: "Draft", URL: "https://draft.example"})
	must[commands.Done](l)(l.App.UpdateApp(ctx, meta(uuid.New()), commands.UpdateApp{
		AppID: id, Details: app.Details{Name: "Draft 2", URL: "https://draft.example/2", Hidden: true},
	}))
	must[commands.Done](l)(l.App.BindApp(ctx, meta(uuid.New()), commands.BindApp{KeyID: s.Capped.Key}))
	must[commands.Done](l)(l.App.ArchiveApp(ctx, meta(uuid.New()), commands.ArchiveApp{AppID: id, Reason: "given up"}))
}
