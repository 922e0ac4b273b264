package organisation

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	tenants "github.com/massrouter/massrouter/identity/organisation"
)

// CreateOrganisation makes an organisation. Its id follows from the request's, so a repeated one finds the same.
func (a *API) CreateOrganisation(ctx context.Context, r CreateOrganisationRequestObject) (CreateOrganisationResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	o, err := a.Organisations.Create(ctx, domain.DeriveID(m.CommandID, "organisation"), auth.From(ctx).User, r.Body.Name)
	if err != nil {
		return nil, err
	}
	return CreateOrganisation201JSONResponse(organisation(&o)), nil
}

// ListOrganisations lists where somebody belongs.
func (a *API) ListOrganisations(ctx context.Context, r ListOrganisationsRequestObject) (ListOrganisationsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	user := auth.From(ctx).User
	if _, err := a.Organisations.Personal(ctx, user); err != nil {
		return nil, err
	}
	p, err := a.Organisations.Page(ctx, user, chosen(r.Params.Cursor), n)
	if err != nil {
		return nil, err
	}
	return ListOrganisations200JSONResponse{Items: shown(p.Items, organisation), NextCursor: present(p.NextCursor)}, nil
}

// GetOrganisation shows an organisation.
func (a *API) GetOrganisation(ctx context.Context, r GetOrganisationRequestObject) (GetOrganisationResponseObject, error) {
	o, err := a.Organisations.Find(ctx, auth.From(ctx).User, r.OrganisationID)
	if err != nil {
		return nil, err
	}
	return GetOrganisation200JSONResponse(organisation(&o)), nil
}

// RenameOrganisation gives an organisation another name.
func (a *API) RenameOrganisation(ctx context.Context, r RenameOrganisationRequestObject) (RenameOrganisationResponseObject, error) {
	if err := a.Organisations.Rename(ctx, r.OrganisationID, r.Body.Name); err != nil {
		return nil, err
	}
	o, err := a.Organisations.Find(ctx, auth.From(ctx).User, r.OrganisationID)
	if err != nil {
		return nil, err
	}
	return RenameOrganisation200JSONResponse(organisation(&o)), nil
}

func organisation(o *tenants.Organisation) Organisation {
	answer := Organisation{ID: o.ID, WalletID: o.Wallet, Name: o.Name, Personal: o.Personal, CreatedAt: o.CreatedAt}
	if o.Role != "" {
		role := OrganisationRole(o.Role)
		answer.Role = &role
	}
	return answer
}
