package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	tenants "github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/projections/keys"
)

// closed is the reason of what ends with an organisation.
const closed = "the organisation was ended"

// DeleteOrganisation ends an organisation: its keys, then itself. Each step can be made again; a key that is issued meanwhile is ended by whoever
// looks after what ended organisations leave behind.
func (a *API) DeleteOrganisation(ctx context.Context, r DeleteOrganisationRequestObject) (DeleteOrganisationResponseObject, error) {
	actor := auth.From(ctx)
	o, err := a.Organisations.Find(ctx, actor.User, r.OrganisationID)
	if err != nil {
		return nil, err
	}
	if o.Personal {
		return nil, domain.Errorf(domain.CodeConflict, "this organisation is one person's own: it ends with the account")
	}
	if err := a.empty(ctx, o.Wallet); err != nil {
		return nil, err
	}
	if err := a.revoker().RevokeAll(ctx, o.Wallet, actor.ID); err != nil {
		return nil, err
	}
	if err := a.empty(ctx, o.Wallet); err != nil { // a call that began meanwhile
		return nil, err
	}
	if err := a.Organisations.Delete(ctx, o.ID); err != nil {
		return nil, err
	}
	return DeleteOrganisation204Response{}, nil
}

func (a *API) revoker() Revoker {
	return Revoker{App: a.App, Keys: a.Keys, Head: a.Head, Members: a.Organisations}
}

// empty makes sure that a wallet has no money, and that no call holds any.
func (a *API) empty(ctx context.Context, wallet uuid.UUID) error {
	at, err := a.Head.Position(ctx)
	if err != nil {
		return err
	}
	w, err := a.Balances.Wallet(ctx, wallet, at)
	if err != nil {
		return err
	}
	if !w.Held.IsZero() || w.Posted.Sign() > 0 {
		return domain.Errorf(domain.CodeConflict, "the wallet has %s, of which calls hold %s: it has to be empty first", w.Posted, w.Held)
	}
	return nil
}

// Revoker ends the keys of wallets whose organisations end, and of members who may have them no more. It is safe for concurrent use.
type Revoker struct {
	App     *commands.App
	Keys    *keys.Query
	Head    Head
	Members *tenants.Service
}

// RevokeAll revokes every key that the wallet has. The commands' ids follow from the keys': what was cut off goes on when it is asked for again, by whomever.
func (v Revoker) RevokeAll(ctx context.Context, wallet uuid.UUID, actor string) error {
	at, err := v.Head.Position(ctx)
	if err != nil {
		return err
	}
	const most = 1000
	for ask := (keys.Request{Limit: most, MinPosition: at}); ; {
		page, err := v.Keys.ByWallet(ctx, wallet, ask)
		if err != nil {
			return err
		}
		for i := range page.Keys {
			if page.Keys[i].Revoked {
				continue
			}
			id := domain.DeriveID(page.Keys[i].ID, closed)
			m := commands.Meta{CommandID: id, Actor: actor, CorrelationID: id, CausationID: id}
			_, _, err := v.App.RevokeKey(ctx, m, commands.RevokeKey{KeyID: page.Keys[i].ID, Reason: closed})
			if err != nil && domain.CodeOf(err) != domain.CodeKeyRevoked {
				return err
			}
		}
		if ask.Cursor = page.NextCursor; ask.Cursor == "" {
			return nil
		}
	}
}
