package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/projections/keys"
)

// closed is the reason of what ends with an organisation.
const closed = "the organisation was ended"

// DeleteOrganisation ends an organisation: its keys, then itself, then the keys that were issued meanwhile. Each step can be made again.
func (a *API) DeleteOrganisation(ctx context.Context, r DeleteOrganisationRequestObject) (DeleteOrganisationResponseObject, error) {
	m, err := meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	o, err := a.Organisations.Find(ctx, auth.From(ctx).User, r.OrganisationID)
	if err != nil {
		return nil, err
	}
	if o.Personal {
		return nil, domain.Errorf(domain.CodeConflict, "this organisation is one person's own: it ends with the account")
	}
	if err := a.empty(ctx, o.Wallet); err != nil {
		return nil, err
	}
	if err := a.revoke(ctx, m, o.Wallet); err != nil {
		return nil, err
	}
	if err := a.empty(ctx, o.Wallet); err != nil { // a call that began meanwhile
		return nil, err
	}
	if err := a.Organisations.Delete(ctx, o.ID); err != nil {
		return nil, err
	}
	if err := a.revoke(ctx, m, o.Wallet); err != nil {
		return nil, err
	}
	return DeleteOrganisation204Response{}, nil
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

// revoke ends all keys of a wallet.
func (a *API) revoke(ctx context.Context, m commands.Meta, wallet uuid.UUID) error {
	at, err := a.Head.Position(ctx)
	if err != nil {
		return err
	}
	ask := keys.Request{Limit: 1000, MinPosition: at}
	for {
		page, err := a.Keys.ByWallet(ctx, wallet, ask)
		if err != nil {
			return err
		}
		for i := range page.Keys {
			k := &page.Keys[i]
			if k.Revoked {
				continue
			}
			one := m
			one.CommandID = domain.DeriveID(m.CommandID, "revoke "+k.ID.String())
			if _, _, err := a.App.RevokeKey(ctx, one, commands.RevokeKey{KeyID: k.ID, Reason: closed}); err != nil {
				return err
			}
		}
		if ask.Cursor = page.NextCursor; ask.Cursor == "" {
			return nil
		}
	}
}
