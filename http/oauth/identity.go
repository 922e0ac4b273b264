package oauth

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	services "github.com/massrouter/massrouter/identity/oauth"
)

// fresh refuses what is dangerous when the caller has shown no factor in the last minutes. Errors: step_up_required.
func (a *API) fresh(ctx context.Context) error {
	actor := auth.From(ctx)
	return a.p.Machine.RequireFresh(ctx, actor.Session, actor.Shown)
}

// ListSignInProviders is for the sign-in page.
func (a *API) ListSignInProviders(context.Context, ListSignInProvidersRequestObject) (ListSignInProvidersResponseObject, error) {
	answer := ListSignInProviders200JSONResponse{Items: []SignInProvider{}}
	for _, p := range a.p.Services.Providers() {
		answer.Items = append(answer.Items, SignInProvider{ID: p.ID, Kind: string(p.Kind), Name: p.Name})
	}
	return answer, nil
}

// linked is what the caller has linked.
func (a *API) linked(ctx context.Context) (IdentityList, error) {
	actor := auth.From(ctx)
	all, err := a.p.Services.Identities(ctx, actor.User)
	if err != nil {
		return IdentityList{}, err
	}
	s, err := a.p.Sessions.Get(ctx, actor.Session)
	if err != nil {
		return IdentityList{}, err
	}
	list := IdentityList{Items: []Identity{}, Pending: a.p.Account.Kept(contract.Of(ctx).R, s.Audience, account.Pending) != ""}
	for _, i := range all {
		shown := Identity{ID: i.ID, Provider: i.Provider, Name: i.Name, LinkedAt: i.LinkedAt, UsedAt: i.UsedAt}
		if i.Email != "" {
			shown.Email = &i.Email
		}
		if i.Shown != "" {
			shown.ShownAs = &i.Shown
		}
		list.Items = append(list.Items, shown)
	}
	return list, nil
}

// ListIdentities is what the caller has linked.
func (a *API) ListIdentities(ctx context.Context, _ ListIdentitiesRequestObject) (ListIdentitiesResponseObject, error) {
	list, err := a.linked(ctx)
	return ListIdentities200JSONResponse(list), err
}

// goTo sends the caller's browser to a service.
func (a *API) goTo(ctx context.Context, purpose services.Purpose, b *GoToProvider) (AuthorizationURL, error) {
	s, err := a.p.Sessions.Get(ctx, auth.From(ctx).Session)
	if err != nil {
		return AuthorizationURL{}, err
	}
	start := services.Start{Provider: b.Provider, Purpose: purpose, Audience: s.Audience, User: s.User, Session: s.ID}
	if b.ReturnTo != nil {
		start.ReturnTo = *b.ReturnTo
	}
	to, err := a.send(contract.Of(ctx).W, contract.Of(ctx).R, start)
	return AuthorizationURL{AuthorizationURL: to}, err
}

// LinkIdentity sends the caller to link what he has at a service.
func (a *API) LinkIdentity(ctx context.Context, r LinkIdentityRequestObject) (LinkIdentityResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	to, err := a.goTo(ctx, services.Link, r.Body)
	return LinkIdentity200JSONResponse(to), err
}

// ConfirmIdentity sends the caller to show once more who he is.
func (a *API) ConfirmIdentity(ctx context.Context, r ConfirmIdentityRequestObject) (ConfirmIdentityResponseObject, error) {
	to, err := a.goTo(ctx, services.Confirm, r.Body)
	return ConfirmIdentity200JSONResponse(to), err
}

// ClaimIdentity links what a service has shown in this browser.
func (a *API) ClaimIdentity(ctx context.Context, _ ClaimIdentityRequestObject) (ClaimIdentityResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	s, err := a.p.Sessions.Get(ctx, auth.From(ctx).Session)
	if err != nil {
		return nil, err
	}
	secret := a.p.Account.Kept(contract.Of(ctx).R, s.Audience, account.Pending)
	if secret == "" {
		return nil, domain.Errorf(services.CodeFlow, "this browser has shown nothing that could be linked: begin again")
	}
	if err := a.p.Services.Claim(ctx, s.User, secret); err != nil {
		return nil, err
	}
	a.p.Account.Forget(contract.Of(ctx).W, s.Audience, account.Pending)
	list, err := a.linked(ctx)
	list.Pending = false
	return ClaimIdentity200JSONResponse(list), err
}

// UnlinkIdentity takes an identity away.
func (a *API) UnlinkIdentity(ctx context.Context, r UnlinkIdentityRequestObject) (UnlinkIdentityResponseObject, error) {
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	if err := a.p.Services.Unlink(ctx, auth.From(ctx).User, r.IdentityID); err != nil {
		return nil, err
	}
	list, err := a.linked(ctx)
	return UnlinkIdentity200JSONResponse(list), err
}
