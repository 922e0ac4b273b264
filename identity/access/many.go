package access

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity/organisation"
)

// Many is Rights of many users, with one query. Who may do nothing is left out.
func (s *Service) Many(ctx context.Context, users []uuid.UUID) (map[uuid.UUID]Rights, error) {
	rows, err := s.pool.Query(ctx, `SELECT m.user_id, o.wallet_id, o.organisation_id, m.role FROM identity.members m
			JOIN identity.organisations o USING (organisation_id) JOIN identity.users u ON u.user_id = m.user_id
			WHERE m.user_id = ANY ($1) AND o.deleted_at IS NULL AND u.deleted_at IS NULL
		UNION ALL SELECT g.user_id, NULL, NULL, g.role FROM identity.platform_grants g JOIN identity.users u USING (user_id)
			WHERE g.user_id = ANY ($1) AND g.ended_at IS NULL AND g.expires_at > $2 AND u.deleted_at IS NULL`, users, s.now())
	if err != nil {
		return nil, fmt.Errorf("read the rights of many: %w", err)
	}
	type right struct {
		User              uuid.UUID
		Wallet, Organised *uuid.UUID
		Role              string
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[right])
	if err != nil {
		return nil, fmt.Errorf("read the rights of many: %w", err)
	}
	all := map[uuid.UUID]Rights{}
	for _, one := range found {
		r, known := all[one.User]
		if !known {
			r.Tenants = map[uuid.UUID]Tenant{}
		}
		if one.Wallet == nil {
			r.Roles = append(r.Roles, PlatformRole(one.Role))
		} else {
			r.Tenants[*one.Wallet] = Tenant{Organisation: *one.Organised, Role: organisation.Role(one.Role), Permissions: In(organisation.Role(one.Role))}
		}
		all[one.User] = r
	}
	for user, r := range all {
		r.Platform = On(r.Roles...)
		all[user] = r
	}
	return all, nil
}
