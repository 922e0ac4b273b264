package sso_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/migrations"
)

// TestThoseWhoHadLeftBefore migration 0037 stay out, domains of organisations that had ended are free, and mailboxes of before are known from the audit trail.
func TestThoseWhoHadLeftBefore(t *testing.T) {
	t.Parallel()
	const before = 36
	db, err := sql.Open("pgx", pgtest.Empty(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	source, err := iofs.New(migrations.FS, ".")
	require.NoError(t, err)
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	require.NoError(t, err)
	m, err := migrate.NewWithInstance("migrations", source, "pgx5", driver)
	require.NoError(t, err)
	t.Cleanup(func() {
		sourceErr, driverErr := m.Close()
		require.NoError(t, errors.Join(sourceErr, driverErr))
	})
	require.NoError(t, m.Migrate(before))
	const (
		ann, bob     = `'018f0000-0000-7000-8000-00000000000a'`, `'018f0000-0000-7000-8000-00000000000b'`
		there, ended = `'018f0000-0000-7000-8000-000000000001'`, `'018f0000-0000-7000-8000-000000000002'` // organisations, and their connections
	)
	_, err = db.ExecContext(t.Context(), `
		INSERT INTO identity.users (user_id, email, email_verified_at, language, zone, created_at) VALUES (`+ann+`, 'ann@now.example', now(), 'en', 'UTC', now()), (`+bob+`, 'bob@x.example', now(), 'en', 'UTC', now());
		INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at, deleted_at) VALUES (`+there+`, `+there+`, 'A', now(), NULL), (`+ended+`, `+ended+`, 'B', now(), now());
		INSERT INTO identity.members VALUES (`+there+`, `+ann+`, 'owner', now());
		INSERT INTO identity.sso_connections SELECT id::uuid, id::uuid, 'https://i', 'c', '', 'viewer', false, now(), now() FROM unnest(ARRAY[`+there+`, `+ended+`]) AS id;
		INSERT INTO identity.sso_domains (organisation_id, domain, token, created_at, verified_at) VALUES (`+there+`, 'a.example', 't', now(), now()), (`+ended+`, 'b.example', 't', now(), now());
		INSERT INTO identity.external_identities (identity_id, provider, subject, user_id, linked_at, used_at)
			SELECT gen_random_uuid(), provider, left(who, 40), who::uuid, now(), now() FROM unnest(ARRAY['google', 'sso-' || `+there+`, 'sso-' || `+ended+`]) AS provider, unnest(ARRAY[`+ann+`, `+bob+`]) AS who;
		SELECT audit.record(ARRAY['{"actor":"user:x","action":"ConfirmEmail","result":"done","person":"' || `+ann+` || '"}', '{"actor":"user:x","action":"ConfirmEmail","result":"refused","person":"' || `+ann+` || '"}'],
			ARRAY['{"address":"192.0.2.1","values":{"before":"ann@before.example","after":"ann@now.example"}}', '{"address":"192.0.2.1"}'])`)
	require.NoError(t, err)
	one := func(query string) (n int) {
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n), query)
		return n
	}
	require.NoError(t, m.Steps(1))
	require.Equal(t, 2, one(`SELECT count(*) FROM identity.external_identities WHERE provider = 'google'`))
	require.Equal(t, 1, one(`SELECT count(*) FROM identity.external_identities WHERE provider = 'sso-' || `+there+` AND user_id = `+ann))
	require.Equal(t, 3, one(`SELECT count(*) FROM identity.external_identities`))
	require.Equal(t, 2, one(`SELECT count(*) FROM identity.sso_removed WHERE connection_id = `+there+` AND who_hash IN
		(identity.sso_who(`+there+`, 'subject', `+bob+`), identity.sso_who(`+there+`, 'user', `+bob+`))`))
	require.Equal(t, 2, one(`SELECT count(*) FROM identity.sso_removed`))
	require.Equal(t, 1, one(`SELECT count(*) FROM identity.sso_domains WHERE domain = 'a.example'`))
	require.Equal(t, 1, one(`SELECT count(*) FROM identity.sso_domains`))
	require.Equal(t, 1, one(`SELECT count(*) FROM identity.sso_connections`))
	require.Equal(t, 1, one(`SELECT count(*) FROM identity.former_emails WHERE user_id = `+ann+` AND email = 'ann@before.example'`))
	require.Equal(t, 1, one(`SELECT count(*) FROM identity.former_emails`))
	require.NoError(t, m.Steps(-1))
	require.Equal(t, 3, one(`SELECT count(*) FROM identity.external_identities`))
}
