package organisation

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/session"
)

// providerOf is an organisation's issuer as a sign-in service; "" for none.
const providerOf = `SELECT coalesce((SELECT 'sso-' || connection_id FROM identity.sso_connections WHERE organisation_id = $1), '')`

// left takes from somebody who belongs to an organisation no more, which is locked, what he had by its issuer: it does not sign him in any more, and the sessions that it has made
// end. It is remembered whom it called so: nobody comes back by signing in.
func (s *Service) left(ctx context.Context, tx pgx.Tx, id, user uuid.UUID) error {
	var provider string
	if err := tx.QueryRow(ctx, providerOf, id).Scan(&provider); err != nil || provider == "" {
		return err
	}
	// The user is locked from here on: a sign-in at the same moment has made its session before, or finds that he is no member.
	if _, err := session.New(s.pool, s.now).EndMade(ctx, tx, user, provider, session.LeftOrganisation); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO identity.sso_removed (connection_id, who_hash, removed_at)
		SELECT connection_id, identity.sso_who(connection_id, 'user', $2::uuid::text), $3::timestamptz FROM identity.sso_connections WHERE organisation_id = $1
		UNION SELECT connection_id, identity.sso_who(connection_id, 'subject', i.subject), $3::timestamptz
			FROM identity.sso_connections c JOIN identity.external_identities i ON i.provider = 'sso-' || c.connection_id WHERE c.organisation_id = $1 AND i.user_id = $2
		ON CONFLICT DO NOTHING`, id, user, domain.Moment(s.now())); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM identity.external_identities WHERE provider = $1 AND user_id = $2`, provider, user)
	return err
}

// dissolve takes away the issuer and the domains of an organisation that ends, with what the issuer has shown: its domains are free for whoever proves them.
func dissolve(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	var provider string
	if err := tx.QueryRow(ctx, providerOf, id).Scan(&provider); err != nil {
		return err
	}
	for _, one := range []struct {
		sql string
		arg any
	}{
		{`DELETE FROM identity.external_identities WHERE provider = $1`, provider},
		{`DELETE FROM identity.oauth_pending WHERE provider = $1`, provider},
		{`DELETE FROM identity.sso_connections WHERE organisation_id = $1`, id},
		{`DELETE FROM identity.sso_domains WHERE organisation_id = $1`, id},
	} {
		if _, err := tx.Exec(ctx, one.sql, one.arg); err != nil {
			return err
		}
	}
	return nil
}
