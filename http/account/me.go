package account

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity"
	people "github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
)

// GetMe is the account, and where it belongs.
func (a *API) GetMe(ctx context.Context, _ GetMeRequestObject) (GetMeResponseObject, error) {
	user := auth.From(ctx).User
	a.home(ctx, user)
	u, err := a.p.Accounts.Get(ctx, user)
	if err != nil {
		return nil, erased(err)
	}
	me, err := a.me(ctx, &u)
	return GetMe200JSONResponse(me), err
}

// erased says of somebody who is not there that he has to sign in again: the account ended while its token was still believed.
func erased(err error) error {
	if domain.CodeOf(err) == domain.CodeNotFound {
		return identity.Gone()
	}
	return err
}

// UpdateMe changes what is given of the profile.
func (a *API) UpdateMe(ctx context.Context, r UpdateMeRequestObject) (UpdateMeResponseObject, error) {
	user := auth.From(ctx).User
	u, err := a.p.Accounts.Update(ctx, user, people.Changes{Name: r.Body.Name, Language: (*people.Language)(r.Body.Language), Zone: r.Body.Zone})
	if err != nil {
		return nil, erased(err)
	}
	me, err := a.me(ctx, &u)
	return UpdateMe200JSONResponse(me), err
}

func (a *API) me(ctx context.Context, u *people.User) (Me, error) {
	all, err := a.p.Organisations.List(ctx, u.ID)
	if err != nil {
		return Me{}, err
	}
	me := Me{
		UserID: u.ID, Email: string(u.Email), Name: u.Profile.Name, Language: string(u.Profile.Language), Zone: u.Profile.Zone, CreatedAt: u.CreatedAt,
		Organisations: make([]MyOrganisation, len(all)),
	}
	for i, o := range all {
		me.Organisations[i] = MyOrganisation{OrganisationID: o.ID, WalletID: o.Wallet, Name: o.Name, Personal: o.Personal, Role: string(o.Role)}
	}
	return me, nil
}

// ExportMe is everything that is kept of the caller.
func (a *API) ExportMe(ctx context.Context, _ ExportMeRequestObject) (ExportMeResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	tables, err := a.p.Accounts.Export(ctx, auth.From(ctx).User)
	return ExportMe200JSONResponse{ExportedAt: domain.Moment(a.p.Now()), Tables: tables}, err
}

// EraseMe ends the account. Its keys go first: while they can be used there is somebody to whom they belong.
func (a *API) EraseMe(ctx context.Context, r EraseMeRequestObject) (EraseMeResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	actor := auth.From(ctx)
	u, err := a.p.Accounts.Get(ctx, actor.User)
	if err != nil {
		return nil, err
	}
	if typed, err := address.Parse(r.Body.Email); err != nil || typed != u.Email {
		return nil, domain.Errorf(domain.CodeInvalid, "repeat the e-mail address of the account").With("member", "/email")
	}
	if err := a.p.Accounts.CanErase(ctx, actor.User); err != nil {
		return nil, err
	}
	own, err := a.p.Organisations.Personal(ctx, actor.User)
	if err != nil {
		return nil, err
	}
	if err := a.p.Keys.RevokeAll(ctx, own.Wallet, actor.ID); err != nil {
		return nil, err
	}
	if err := a.p.Accounts.Erase(ctx, actor.User); err != nil {
		return nil, err
	}
	a.clear(ctx)
	return EraseMe200JSONResponse{Done: true}, nil
}
