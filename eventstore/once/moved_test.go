package once_test

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

// TestRequestsOfBeforeAreMoved, those that are still valid; versions of presets come back whole on the way down.
func TestRequestsOfBeforeAreMoved(t *testing.T) {
	t.Parallel()
	const before = 29
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
	_, err = db.ExecContext(t.Context(), `
		INSERT INTO webhooks.requests SELECT gen_random_uuid(), sha256(''), gen_random_uuid(), now() - days * interval '1 day' FROM unnest(ARRAY[1, 29, 31]) AS days;
		INSERT INTO gateway.vendor_key_requests SELECT gen_random_uuid(), sha256(''), now() - days * interval '1 day' FROM unnest(ARRAY[2, 40]) AS days;
		INSERT INTO gateway.presets VALUES (gen_random_uuid(), gen_random_uuid(), 'x', now(), 'user:a');
		INSERT INTO gateway.preset_versions SELECT preset_id, days, gen_random_uuid(), sha256(''), 'd', 's', '{}', now() - days * interval '1 day', 'user:a'
			FROM gateway.presets, unnest(ARRAY[3, 50]) AS days`)
	require.NoError(t, err)
	one := func(sql string) (n int) {
		require.NoError(t, db.QueryRowContext(t.Context(), sql).Scan(&n), sql)
		return n
	}
	require.NoError(t, m.Steps(1))
	require.Equal(t, 4, one(`SELECT count(*) FROM once.requests WHERE expires_at > now() AND input_hash IS NULL AND answer IS NULL`))
	require.Equal(t, 4, one(`SELECT count(*) FROM once.requests`))
	require.Equal(t, 2, one(`SELECT count(*) FROM gateway.preset_versions`))
	require.NoError(t, m.Steps(-1))
	require.Equal(t, 2, one(`SELECT count(DISTINCT command_id) FROM gateway.preset_versions WHERE description = 'd' AND system_prompt = 's' AND version IN (3, 50)`))
}
