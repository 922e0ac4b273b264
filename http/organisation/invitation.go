package organisation

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/identity/address"
	tenants "github.com/massrouter/massrouter/identity/organisation"
)

// InviteMember invites the owner of a mailbox, who is told by mail.
func (a *API) InviteMember(ctx context.Context, r InviteMemberRequestObject) (InviteMemberResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	by, err := person(ctx)
	if err != nil {
		return nil, err
	}
	email, err := address.Parse(r.Body.Email)
	if err != nil {
		return nil, err
	}
	inviter, err := a.People.Get(ctx, by)
	if err != nil {
		return nil, err
	}
	i, err := a.Organisations.Invite(ctx, domain.DeriveID(m.CommandID, "invitation"), r.OrganisationID, by, email, tenants.Role(r.Body.Role),
		a.People.TellInvited(ctx, inviter.Profile.Language))
	if err != nil {
		return nil, err
	}
	return InviteMember201JSONResponse(invitation(&i)), nil
}

// ListInvitations lists the open invitations of an organisation.
func (a *API) ListInvitations(ctx context.Context, r ListInvitationsRequestObject) (ListInvitationsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	p, err := a.Organisations.Invitations(ctx, r.OrganisationID, chosen(r.Params.Cursor), n)
	if err != nil {
		return nil, err
	}
	return ListInvitations200JSONResponse{Items: shown(p.Items, invitation), NextCursor: present(p.NextCursor)}, nil
}

// WithdrawInvitation takes an invitation back.
func (a *API) WithdrawInvitation(ctx context.Context, r WithdrawInvitationRequestObject) (WithdrawInvitationResponseObject, error) {
	if err := a.Organisations.Withdraw(ctx, r.OrganisationID, r.InvitationID); err != nil {
		return nil, err
	}
	return WithdrawInvitation204Response{}, nil
}

// ListMyInvitations lists the open invitations to one's own mailbox.
func (a *API) ListMyInvitations(ctx context.Context, r ListMyInvitationsRequestObject) (ListMyInvitationsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	user, err := a.People.Get(ctx, auth.From(ctx).User)
	if err != nil {
		return nil, err
	}
	if user.VerifiedAt.IsZero() {
		return ListMyInvitations200JSONResponse{Items: []Invitation{}}, nil
	}
	p, err := a.Organisations.InvitationsTo(ctx, user.ID, user.Email, chosen(r.Params.Cursor), n)
	if err != nil {
		return nil, err
	}
	return ListMyInvitations200JSONResponse{Items: shown(p.Items, invitation), NextCursor: present(p.NextCursor)}, nil
}

// AcceptInvitation joins an organisation.
func (a *API) AcceptInvitation(ctx context.Context, r AcceptInvitationRequestObject) (AcceptInvitationResponseObject, error) {
	user, email, err := a.mailbox(ctx)
	if err != nil {
		return nil, err
	}
	o, err := a.Organisations.Accept(ctx, user, email, r.InvitationID)
	if err != nil {
		return nil, err
	}
	return AcceptInvitation200JSONResponse(organisation(&o)), nil
}

// DeclineInvitation refuses to join.
func (a *API) DeclineInvitation(ctx context.Context, r DeclineInvitationRequestObject) (DeclineInvitationResponseObject, error) {
	_, email, err := a.mailbox(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.Organisations.Decline(ctx, email, r.InvitationID); err != nil {
		return nil, err
	}
	return DeclineInvitation204Response{}, nil
}

// mailbox is who acts, and the mailbox that this person has proved to own. Somebody who has not sees no invitation.
func (a *API) mailbox(ctx context.Context) (uuid.UUID, address.Email, error) {
	user, err := a.People.Get(ctx, auth.From(ctx).User)
	if err == nil && user.VerifiedAt.IsZero() {
		err = domain.Errorf(domain.CodeNotFound, "there is no such invitation")
	}
	return user.ID, user.Email, err
}

func invitation(i *tenants.Invitation) Invitation {
	return Invitation{
		ID: i.ID, OrganisationID: i.Organisation, Organisation: i.Name, Email: string(i.Email), Role: OrganisationRole(i.Role), InvitedBy: i.InvitedBy,
		CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
}
