package program

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/organisation"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	tenants "github.com/massrouter/massrouter/identity/organisation"
)

// tenantWallets opens the wallets of organisations in the ledger. The command's id follows from the wallet's: a process that dies before it has noted the
// organisation opens the same wallet again, once.
type tenantWallets struct{ app *commands.App }

// Open opens a wallet; one that is open is no error.
func (w tenantWallets) Open(ctx context.Context, wallet uuid.UUID, actor string) error {
	id := domain.DeriveID(wallet, "open")
	_, _, err := w.app.OpenWallet(ctx, commands.Meta{CommandID: id, Actor: actor, CorrelationID: id, CausationID: id},
		commands.OpenWallet{WalletID: wallet, Owner: actor, Currency: money.USD})
	if domain.CodeOf(err) == domain.CodeWalletExists {
		return nil
	}
	return err
}

// organisations are the operations about tenants.
func (p *Program) organisations(people *account.Service) (*organisation.API, error) {
	above, err := money.Parse(p.o.Config.HTTP.ApproveAbove)
	if err != nil {
		return nil, fmt.Errorf("read the amount above which money is moved by two people: %w", err)
	}
	return organisation.New(organisation.Parts{
		Access: access.New(p.pool, time.Now), ApproveAbove: above, Now: time.Now,
		Organisations: tenants.New(p.pool, tenantWallets{p.app}, time.Now), People: people, App: p.app, Balances: p.views.balance, Keys: p.views.keys,
		Head: rawLog{p.store},
	}), nil
}

// revoker ends the keys of wallets whose owners go, and those of members who go.
func (p *Program) revoker() organisation.Revoker {
	return organisation.Revoker{App: p.app, Keys: p.views.keys, Head: rawLog{p.store}, Members: p.people.organisations}
}
