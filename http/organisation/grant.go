package organisation

import (
	"context"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/address"
)

// ListGrants lists the roles that people have on the platform.
func (a *API) ListGrants(ctx context.Context, r ListGrantsRequestObject) (ListGrantsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	p, err := a.Access.Grants(ctx, chosen(r.Params.Past), chosen(r.Params.Cursor), n)
	if err != nil {
		return nil, err
	}
	return ListGrants200JSONResponse{Items: shown(p.Items, grant), NextCursor: present(p.NextCursor)}, nil
}

// GrantRole gives somebody a role on the platform for a time.
func (a *API) GrantRole(ctx context.Context, r GrantRoleRequestObject) (GrantRoleResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	email, err := address.Parse(r.Body.Email)
	if err != nil {
		return nil, err
	}
	const most = int(access.MaxGrant / (24 * time.Hour))
	if r.Body.Days < 1 || r.Body.Days > most {
		return nil, domain.Errorf(domain.CodeInvalid, "days is between 1 and %d", most).With("member", "/days")
	}
	g, err := a.Access.Grant(ctx, access.Grant{
		ID: domain.DeriveID(m.CommandID, "grant"), Email: email, Role: access.PlatformRole(r.Body.Role), Reason: r.Body.Reason, GrantedBy: m.Actor,
		ApprovedBy: auth.ApprovedBy(ctx),
	}, time.Duration(r.Body.Days)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	return GrantRole201JSONResponse(grant(&g)), nil
}

// EndGrant takes a role back.
func (a *API) EndGrant(ctx context.Context, r EndGrantRequestObject) (EndGrantResponseObject, error) {
	if err := a.Access.EndGrant(ctx, r.GrantID, auth.From(ctx).ID); err != nil {
		return nil, err
	}
	return EndGrant204Response{}, nil
}

func grant(g *access.Grant) PlatformGrant {
	return PlatformGrant{
		ID: g.ID, UserID: g.User, Email: string(g.Email), Role: PlatformRole(g.Role), Reason: g.Reason, GrantedBy: g.GrantedBy, ApprovedBy: present(g.ApprovedBy),
		CreatedAt: g.CreatedAt, ExpiresAt: g.ExpiresAt, EndedAt: moment(g.EndedAt), EndedBy: present(g.EndedBy),
	}
}

// present is a pointer to a value that is not its type's zero; nil leaves a member out.
func present[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// moment is a time, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
