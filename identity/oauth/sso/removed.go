package sso

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/oauth"
)

// Removed implements oauth.Connections.
func (*Store) Removed(ctx context.Context, tx pgx.Tx, provider, subject string, user uuid.UUID) (is bool, err error) {
	id, err := idOf(provider)
	if err != nil {
		return false, err
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.sso_removed WHERE connection_id = $1
		AND who_hash IN (identity.sso_who($1, 'subject', $2), identity.sso_who($1, 'user', $3::uuid::text)))`, id, subject, user).Scan(&is)
	return is, identity.Wrap("find whom an organisation has taken out", err)
}

// again forgets that somebody was taken out who is a member again. Errors: forbidden.
func (s *Store) again(ctx context.Context, tx pgx.Tx, provider, subject string, user uuid.UUID) error {
	member, err := s.Member(ctx, tx, provider, user)
	if err != nil {
		return err
	}
	if !member {
		return oauth.Left()
	}
	id, err := idOf(provider)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM identity.sso_removed WHERE connection_id = $1
		AND who_hash IN (identity.sso_who($1, 'subject', $2), identity.sso_who($1, 'user', $3::uuid::text))`, id, subject, user)
	return identity.Wrap("forget that somebody was taken out", err)
}

// belongs refuses who is shown by the issuer of an organisation that he is no member of. Errors: forbidden, not_found.
func belongs(ctx context.Context, q identity.Querier, user uuid.UUID, provider string) error {
	if !strings.HasPrefix(provider, oauth.SSOPrefix) {
		return nil
	}
	id, err := idOf(provider)
	if err != nil {
		return err
	}
	is, err := member(ctx, q, id, user)
	if err == nil && !is {
		err = oauth.Left()
	}
	return err
}

// member says whether somebody belongs to the organisation of a connection.
func member(ctx context.Context, q identity.Querier, connection, user uuid.UUID) (bool, error) {
	rows, err := q.Query(ctx, `SELECT EXISTS (SELECT FROM identity.sso_connections c JOIN identity.members m USING (organisation_id) WHERE c.connection_id = $1 AND m.user_id = $2)`,
		connection, user)
	if err != nil {
		return false, identity.Wrap("find a member", err)
	}
	is, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	return is, identity.Wrap("find a member", err)
}
