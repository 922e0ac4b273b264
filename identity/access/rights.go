package access

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/identity/organisation"
)

// Tenant is what somebody is in an organisation, and may do there.
type Tenant struct {
	Organisation uuid.UUID
	Role         organisation.Role
	Permissions  Set
}

// Rights are what somebody may do.
type Rights struct {
	Roles    []PlatformRole       // in force now
	Platform Set                  // on everything; for sessions of the admin audience only
	Tenants  map[uuid.UUID]Tenant // by the ids of their wallets
}

// Service keeps grants and approvals in Postgres, and reads rights. It is safe for concurrent use.
type Service struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// New makes a Service.
func New(pool *pgxpool.Pool, now func() time.Time) *Service { return &Service{pool: pool, now: now} }

// Rights reads what a user may do now. Somebody who was deleted, or never was, may do nothing.
func (s *Service) Rights(ctx context.Context, user uuid.UUID) (Rights, error) {
	rows, err := s.pool.Query(ctx, `SELECT o.wallet_id, o.organisation_id, m.role FROM identity.members m
			JOIN identity.organisations o USING (organisation_id) JOIN identity.users u ON u.user_id = m.user_id
			WHERE m.user_id = $1 AND o.deleted_at IS NULL AND u.deleted_at IS NULL
		UNION ALL SELECT NULL, NULL, g.role FROM identity.platform_grants g JOIN identity.users u USING (user_id)
			WHERE g.user_id = $1 AND g.ended_at IS NULL AND g.expires_at > $2 AND u.deleted_at IS NULL`, user, s.now())
	if err != nil {
		return Rights{}, fmt.Errorf("read somebody's rights: %w", err)
	}
	defer rows.Close()
	r := Rights{Tenants: map[uuid.UUID]Tenant{}}
	for rows.Next() {
		var wallet, organised *uuid.UUID
		var role string
		if err := rows.Scan(&wallet, &organised, &role); err != nil {
			return Rights{}, fmt.Errorf("read somebody's rights: %w", err)
		}
		if wallet == nil {
			r.Roles = append(r.Roles, PlatformRole(role))
			continue
		}
		r.Tenants[*wallet] = Tenant{Organisation: *organised, Role: organisation.Role(role), Permissions: In(organisation.Role(role))}
	}
	r.Platform = On(r.Roles...)
	return r, rows.Err()
}
