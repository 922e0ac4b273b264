package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// TestWhatMembersLeaveIsEndedByWork: a process that dies right after a member was taken out has ended nothing of him, and an erasure names no organisation. Work ends his
// keys, those that a request under way issues later, and stops his webhooks; who has come back keeps what is new.
func TestWhatMembersLeaveIsEndedByWork(t *testing.T) {
	t.Parallel()
	_, mailServer := openPostbox(t)
	database, keyset := pgtest.URL(t), filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", keyset)
	s, _ := servePeople(t, database, redistest.Start(t).URL(), keyset, mailServer)
	pool, err := pgxpool.New(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	sql := func(text string, args ...any) {
		t.Helper()
		_, err := pool.Exec(t.Context(), text, args...)
		require.NoError(t, err)
	}
	wallet := member(t, s.ask(http.MethodPost, "/console/v1/wallets", operatorToken, map[string]any{"owner": "acme", "currency": "USD"}).body, "wallet_id")
	organisation, eve, dan := uuid.New(), uuid.New(), uuid.New()
	sql(`INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ($1, $2, 'Acme', now())`, organisation, wallet)
	join := func(user uuid.UUID) {
		t.Helper()
		sql(`INSERT INTO identity.users (user_id, email, language, zone, created_at) VALUES ($1, $1::uuid::text || '@example.com', 'en', 'UTC', now()) ON CONFLICT DO NOTHING`, user)
		sql(`INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'admin', now())`, organisation, user)
	}
	issue := func(of uuid.UUID, scope string) string {
		t.Helper()
		body := map[string]any{"name": "k", "member_id": of}
		if scope != "" {
			body["scope"] = scope
		}
		made := s.ask(http.MethodPost, "/console/v1/wallets/"+wallet+"/keys", operatorToken, body)
		require.Equal(t, http.StatusCreated, made.status, "%s", made.body)
		return member(t, made.body, "secret")
	}
	is := func(status int, keys ...string) {
		t.Helper()
		for _, key := range keys {
			require.Eventually(t, func() bool { return s.try("/api/v1/key", key) == status }, patience, tick)
		}
	}
	join(eve)
	join(dan)
	plain, managing, others := issue(eve, ""), issue(eve, "management"), issue(dan, "")
	is(http.StatusOK, plain, managing, others)
	var hook string
	await(t, func() bool {
		made := s.ask(http.MethodPost, "/console/v1/wallets/"+wallet+"/webhooks", operatorToken, map[string]any{"name": "hers", "url": "https://eve.example/hook"})
		if made.status == http.StatusCreated {
			hook = member(t, made.body, "webhook_id")
		}
		return hook != ""
	})
	sql(`UPDATE webhooks.webhooks SET updated_by = 'user:' || $1::uuid::text`, eve)
	stopped := func() (reason string) {
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT disabled_reason FROM webhooks.webhooks WHERE id = $1`, hook).Scan(&reason))
		return reason
	}

	sql(`DELETE FROM identity.members WHERE user_id = $1`, eve)
	is(http.StatusUnauthorized, plain, managing)
	await(t, func() bool { return stopped() != "" })
	is(http.StatusOK, others)
	is(http.StatusUnauthorized, issue(eve, "")) // a request that was under way

	join(eve)
	again := issue(eve, "")
	is(http.StatusOK, again)
	looked := func() (at time.Time) {
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT due_at FROM identity.departures WHERE member_id = $1`, eve).Scan(&at))
		return at
	}
	for range 2 {
		before := looked()
		await(t, func() bool { return looked().After(before) })
	}
	is(http.StatusOK, again)

	sql(`DELETE FROM identity.users WHERE user_id = $1`, dan) // an erasure
	is(http.StatusUnauthorized, others)
	sql(`UPDATE identity.departures SET at = at - interval '1 day', due_at = now()`)
	await(t, func() bool {
		var left int
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.departures`).Scan(&left))
		return left == 0
	})
	require.NoError(t, s.stop())
	do(t, []string{"DATABASE_URL=" + database}, "audit", "verify")
}
