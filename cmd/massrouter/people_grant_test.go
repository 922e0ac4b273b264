package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestPeopleAreGrantedRoles: by the command line of the operator, which makes the first owner.
func TestPeopleAreGrantedRoles(t *testing.T) {
	t.Parallel()
	_, mailServer := openPostbox(t)
	database, keyset := pgtest.URL(t), filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", keyset)
	s, _ := servePeople(t, database, "", keyset, mailServer)
	pool, err := pgxpool.New(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	ann := uuid.New()
	_, err = pool.Exec(t.Context(), `INSERT INTO identity.users (user_id, email, email_verified_at, name, language, zone, created_at)
		VALUES ($1, 'ann@example.com', now(), 'Ann', 'en', 'UTC', now())`, ann)
	require.NoError(t, err)
	environ := []string{"MASSROUTER_SERVER=" + s.base, "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	weak := call(t.Context(), environ, "people", "grant", "ann@example.com", "owner", "--reason", "the first", "--days", "30")
	require.NotEqual(t, exitOK, weak.code)
	require.Contains(t, weak.err, "neither an authenticator app nor a passkey")
	_, err = pool.Exec(t.Context(), `INSERT INTO identity.totp (user_id, secret, created_at, confirmed_at) VALUES ($1, '', now(), now())`, ann)
	require.NoError(t, err)
	granted := do(t, environ, "people", "grant", "ann@example.com", "owner", "--reason", "the first", "--days", "30")
	require.Contains(t, granted, "operator:token")
	list := do(t, environ, "people", "list")
	require.Contains(t, list, "ann@example.com")
	id := strings.Fields(strings.Split(list, "\n")[1])[0]
	require.Contains(t, do(t, environ, "people", "revoke", id), id)
	require.NotContains(t, do(t, environ, "people", "list"), "ann@example.com")
	require.Contains(t, do(t, environ, "people", "list", "--past"), "ann@example.com")

	_, err = pool.Exec(t.Context(), `INSERT INTO identity.platform_grants (grant_id, user_id, role, reason, granted_by, created_at, expires_at)
		SELECT gen_random_uuid(), $1, 'support', 'r', 'operator:token', now() - interval '1 year', now() - interval '1 month' FROM generate_series(1, 2 * $2::int)`, ann, grantsAtOnce)
	require.NoError(t, err)
	whole := map[string]bool{}
	for line := range strings.Lines(do(t, environ, "people", "list", "--past")) {
		whole[strings.Fields(line)[0]] = true
	}
	require.Len(t, whole, 1+1+2*grantsAtOnce, "the head, and all of three pages")
}
