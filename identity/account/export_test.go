package account_test

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// TestExportHasEveryTable: each table, of any schema, that names people is in the export, or is here with the reason why not. A new one fails until somebody has decided.
func TestExportHasEveryTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.member(email, secret)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, _, err := b.sessions.Begin(t.Context(), tx, u.ID, token.Portal, []string{"ext"}, session.Device{UserAgent: "a browser"}, session.Origin{Provider: "sso-x", Subject: "her-subject", Session: "s"})
		return err
	}))
	for _, sql := range []string{
		`INSERT INTO identity.external_identities (identity_id, provider, subject, user_id, linked_at, used_at) VALUES (gen_random_uuid(), 'sso-x', 'her-subject', $1, now(), now())`,
		`INSERT INTO identity.app_codes (code_id, code_hash, user_id, wallet_id, actor, challenge, method, limits, created_at, expires_at)
			VALUES (gen_random_uuid(), sha256('x'), $1, gen_random_uuid(), 'user:x', '', '', '{"name":"her app"}', now(), now())`,
	} {
		_, err := b.pool.Exec(t.Context(), sql, u.ID)
		require.NoError(t, err)
	}
	all, err := b.Export(t.Context(), u.ID)
	require.NoError(t, err)
	text, err := json.Marshal(all)
	require.NoError(t, err)
	require.Contains(t, string(text), "her-subject")
	require.Contains(t, string(text), "her app")
	require.Contains(t, string(all["sessions"]), "a browser")
	require.Contains(t, string(all["audit_entries"]), u.ID.String())
	require.NotContains(t, string(text), "$argon2id$")

	without := map[string]string{ // of what is over in minutes, and is nothing but secrets
		"identity.ceremonies": "what a browser was asked to sign", "identity.challenges": "hashes of a sign-in under way", "identity.links": "hashes of links under way",
	}
	rows, err := b.pool.Query(t.Context(), `SELECT DISTINCT c.table_schema || '.' || c.table_name, c.table_name::text FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE c.column_name IN ('user_id', 'requested_by', 'personal_of', 'person', 'recipient') AND t.table_type = 'BASE TABLE' AND c.table_schema IN ('identity', 'audit', 'webhooks', 'ledger', 'public', 'gateway')`)
	require.NoError(t, err)
	type table struct{ Full, Name string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	require.NoError(t, err)
	require.Greater(t, len(found), 12)
	members := map[string]string{
		"audit.entries":    "audit_entries",
		"webhooks.replays": "", // an actor, on the things of a wallet: no row of a person's own
	}
	for _, f := range found {
		if why, ok := without[f.Full]; ok {
			require.NotContains(t, all, f.Name, why)
			continue
		}
		member := f.Name
		if other, ok := members[f.Full]; ok {
			member = other
		}
		if member != "" {
			require.Contains(t, all, member, "%s names people: have it in the export, or say why not", f.Full)
		}
	}
}
