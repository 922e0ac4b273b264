package sso

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/session"
)

// enforce ends, where an organisation insists on its issuer, the sessions that Allow would not make now: of members with a mailbox of a proved domain, but for owners, that were
// made in another way. The organisation is locked.
func (s *Store) enforce(ctx context.Context, tx pgx.Tx, org uuid.UUID) error {
	rows, err := tx.Query(ctx, `SELECT u.user_id, c.connection_id FROM identity.sso_connections c JOIN identity.sso_domains d USING (organisation_id) JOIN identity.members m USING (organisation_id)
		JOIN identity.users u ON u.user_id = m.user_id AND split_part(u.email, '@', 2) = d.domain
		WHERE c.organisation_id = $1 AND c.enforced AND d.verified_at IS NOT NULL AND m.role <> 'owner' AND u.deleted_at IS NULL ORDER BY u.user_id`, org)
	if err != nil {
		return identity.Wrap("find whom an issuer is for", err)
	}
	type one struct{ User, Connection uuid.UUID }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[one])
	if err != nil || len(all) == 0 {
		return identity.Wrap("find whom an issuer is for", err)
	}
	users := make([]uuid.UUID, len(all))
	for i, o := range all {
		users[i] = o.User
	}
	_, err = s.sessions.EndOthers(ctx, tx, users, Connection{ID: all[0].Connection}.Provider(), session.SSOEnforced)
	return err
}
