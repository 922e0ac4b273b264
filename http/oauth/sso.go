package oauth

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	services "github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/token"
)

// BeginSSO sends a browser to the issuer of the organisation that has proved the domain of a mailbox.
func (a *API) BeginSSO(ctx context.Context, r BeginSSORequestObject) (BeginSSOResponseObject, error) {
	provider, err := a.p.SSO.ByEmail(ctx, r.Body.Email)
	if err != nil {
		return nil, err
	}
	start := services.Start{Provider: provider, Purpose: services.SignIn, Audience: token.Portal}
	if r.Body.ReturnTo != nil {
		start.ReturnTo = *r.Body.ReturnTo
	}
	to, err := a.send(contract.Of(ctx).W, contract.Of(ctx).R, start)
	return BeginSSO200JSONResponse{AuthorizationURL: to}, err
}

// shown is all of an organisation's single sign-on.
func (a *API) shown(ctx context.Context, org uuid.UUID) (SSO, error) {
	state, err := a.p.SSO.Get(ctx, org)
	if err != nil {
		return SSO{}, err
	}
	answer := SSO{Domains: []SSODomain{}}
	if c := state.Connection; c != nil {
		answer.Connection = &SSOConnection{
			Provider: c.Provider(), Issuer: c.Issuer, ClientID: c.ClientID, Role: string(c.Role), Enforced: c.Enforced, UpdatedAt: c.UpdatedAt,
			RedirectURL: a.p.Account.Site(token.Portal) + services.CallbackPath(c.Provider()),
		}
	}
	for _, d := range state.Domains {
		one := SSODomain{Domain: d.Name, Record: d.Record, Value: d.Value}
		if !d.VerifiedAt.IsZero() {
			one.VerifiedAt = &d.VerifiedAt
		}
		answer.Domains = append(answer.Domains, one)
	}
	return answer, nil
}

// changed does what needs a fresh factor, and shows what there is then. Doing any of this again changes nothing more.
func (a *API) changed(ctx context.Context, org uuid.UUID, do func() error) (SSO, error) {
	if err := a.fresh(ctx); err != nil {
		return SSO{}, err
	}
	if err := do(); err != nil {
		return SSO{}, err
	}
	return a.shown(ctx, org)
}

// GetSSO shows it.
func (a *API) GetSSO(ctx context.Context, r GetSSORequestObject) (GetSSOResponseObject, error) {
	state, err := a.shown(ctx, r.OrganisationID)
	return GetSSO200JSONResponse(state), err
}

// SetSSO keeps an issuer.
func (a *API) SetSSO(ctx context.Context, r SetSSORequestObject) (SetSSOResponseObject, error) {
	state, err := a.changed(ctx, r.OrganisationID, func() error {
		return a.p.SSO.Set(ctx, r.OrganisationID, sso.Settings{
			Issuer: r.Body.Issuer, ClientID: r.Body.ClientID, ClientSecret: r.Body.ClientSecret, Role: organisation.Role(r.Body.Role), Enforced: r.Body.Enforced,
		})
	})
	return SetSSO200JSONResponse(state), err
}

// RemoveSSO takes the issuer away.
func (a *API) RemoveSSO(ctx context.Context, r RemoveSSORequestObject) (RemoveSSOResponseObject, error) {
	state, err := a.changed(ctx, r.OrganisationID, func() error {
		err := a.p.SSO.Remove(ctx, r.OrganisationID)
		if domain.CodeOf(err) == domain.CodeNotFound {
			return nil // it was removed before
		}
		return err
	})
	return RemoveSSO200JSONResponse(state), err
}

// AddSSODomain notes a domain.
func (a *API) AddSSODomain(ctx context.Context, r AddSSODomainRequestObject) (AddSSODomainResponseObject, error) {
	state, err := a.changed(ctx, r.OrganisationID, func() error { return a.p.SSO.Add(ctx, r.OrganisationID, r.Domain) })
	return AddSSODomain200JSONResponse(state), err
}

// RemoveSSODomain gives a domain up.
func (a *API) RemoveSSODomain(ctx context.Context, r RemoveSSODomainRequestObject) (RemoveSSODomainResponseObject, error) {
	state, err := a.changed(ctx, r.OrganisationID, func() error { return a.p.SSO.Drop(ctx, r.OrganisationID, r.Domain) })
	return RemoveSSODomain200JSONResponse(state), err
}

// VerifySSODomain looks for the TXT record.
func (a *API) VerifySSODomain(ctx context.Context, r VerifySSODomainRequestObject) (VerifySSODomainResponseObject, error) {
	state, err := a.changed(ctx, r.OrganisationID, func() error { return a.p.SSO.Verify(ctx, r.OrganisationID, r.Domain) })
	return VerifySSODomain200JSONResponse(state), err
}
