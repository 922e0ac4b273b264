package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	tenants "github.com/massrouter/massrouter/identity/organisation"
)

// ListMembers lists who belongs to an organisation.
func (a *API) ListMembers(ctx context.Context, r ListMembersRequestObject) (ListMembersResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	if _, err := a.Organisations.Find(ctx, auth.From(ctx).User, r.OrganisationID); err != nil {
		return nil, err
	}
	p, err := a.Organisations.Members(ctx, r.OrganisationID, chosen(r.Params.Cursor), n)
	if err != nil {
		return nil, err
	}
	return ListMembers200JSONResponse{Items: shown(p.Items, member), NextCursor: present(p.NextCursor)}, nil
}

// SetMemberRole gives a member another role.
func (a *API) SetMemberRole(ctx context.Context, r SetMemberRoleRequestObject) (SetMemberRoleResponseObject, error) {
	by, err := person(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.Organisations.SetRole(ctx, r.OrganisationID, by, r.MemberID, tenants.Role(r.Body.Role)); err != nil {
		return nil, err
	}
	a.lost(ctx, r.OrganisationID, by, r.MemberID)
	return SetMemberRole204Response{}, nil
}

// RemoveMember takes somebody out of an organisation.
func (a *API) RemoveMember(ctx context.Context, r RemoveMemberRequestObject) (RemoveMemberResponseObject, error) {
	by, err := person(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.Organisations.Remove(ctx, r.OrganisationID, by, r.MemberID); err != nil {
		return nil, err
	}
	a.lost(ctx, r.OrganisationID, by, r.MemberID)
	return RemoveMember204Response{}, nil
}

// LeaveOrganisation takes oneself out of it.
func (a *API) LeaveOrganisation(ctx context.Context, r LeaveOrganisationRequestObject) (LeaveOrganisationResponseObject, error) {
	by, err := person(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.Organisations.Remove(ctx, r.OrganisationID, by, by); err != nil {
		return nil, err
	}
	a.lost(ctx, r.OrganisationID, by, by)
	return LeaveOrganisation204Response{}, nil
}

// TransferOwnership makes another member the owner.
func (a *API) TransferOwnership(ctx context.Context, r TransferOwnershipRequestObject) (TransferOwnershipResponseObject, error) {
	by, err := person(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.Organisations.HandOver(ctx, r.OrganisationID, by, r.Body.MemberID); err != nil {
		return nil, err
	}
	return TransferOwnership204Response{}, nil
}

// person is who acts, for what only members can do: whose roles are compared.
func person(ctx context.Context) (uuid.UUID, error) {
	user := auth.From(ctx).User
	if user == uuid.Nil {
		return user, domain.Errorf(domain.CodeForbidden, "only a member of the organisation can do this")
	}
	return user, nil
}

func member(m *tenants.Member) OrganisationMember {
	return OrganisationMember{ID: m.User, Email: m.Email, Name: m.Name, Role: OrganisationRole(m.Role), JoinedAt: m.JoinedAt}
}
