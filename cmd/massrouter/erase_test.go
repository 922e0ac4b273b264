package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

var mailedChange = regexp.MustCompile(`confirm-email#([A-Za-z0-9_-]{43})`)

// moves gives somebody who is signed in another mailbox, by the link that is sent there.
func moves(t *testing.T, s *service, box *postbox, access, to string) {
	t.Helper()
	asked := s.ask(http.MethodPost, "/console/v1/me/email", access, map[string]any{"email": to})
	require.Equal(t, http.StatusAccepted, asked.status, "%s", asked.body)
	var link string
	require.Eventually(t, func() bool {
		if found := mailedChange.FindStringSubmatch(strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(box.all())); found != nil {
			link = found[1]
		}
		return link != ""
	}, patience, tick)
	done := s.ask(http.MethodPost, "/console/v1/me/email/confirm", access, map[string]any{"token": link})
	require.Equal(t, http.StatusOK, done.status, "%s", done.body)
}

// named writes what others keep of somebody by a mailbox, and what the issuer of an organisation says: invitations of every kind of end with their mails, requests to grant a role that
// wait, are decided and are answered, with the address as it was typed.
func named(t *testing.T, pool *pgxpool.Pool, email string) {
	t.Helper()
	for _, sql := range []string{
		`INSERT INTO identity.users (user_id, email, email_verified_at, language, zone, created_at) VALUES ('018f0000-0000-7000-8000-000000000001', 'boss@example.net', now(), 'en', 'UTC', now())
			ON CONFLICT DO NOTHING`,
		`INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ('018f0000-0000-7000-8000-000000000002', '018f0000-0000-7000-8000-000000000002', 'Acme', now())
			ON CONFLICT DO NOTHING`,
		`INSERT INTO identity.invitations (invitation_id, organisation_id, email, role, invited_by, created_at, expires_at, ended_at, ended_as)
			SELECT gen_random_uuid(), '018f0000-0000-7000-8000-000000000002', $1, 'viewer', '018f0000-0000-7000-8000-000000000001', now(), now() + interval '7 days', ended, how
			FROM (VALUES (NULL::timestamptz, ''), (now(), 'declined'), (now(), 'accepted')) AS v (ended, how)`,
		`INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at, sent_at)
			VALUES (gen_random_uuid(), $1, 'invited', 'en', '{"organisation":"Acme"}', now(), now(), now())`,
		`INSERT INTO identity.approvals (approval_id, operation, method, path, body, permission, requested_by, created_at, expires_at, decision, decided_at, status, answer)
			SELECT gen_random_uuid(), 'GrantRole', 'POST', '/console/v1/platform/grants', '{"email": "' || typed || '", "role": "support", "reason": "r", "days": 1}', 'grants.write',
				'018f0000-0000-7000-8000-000000000001', now(), now() + interval '3 days', decision, CASE decision WHEN '' THEN NULL ELSE now() END, 201, '{"email":"' || $1 || '"}'
			FROM (VALUES ('', $1), ('approved', upper($1)), ('withdrawn', ' ' || $1 || ' ')) AS v (decision, typed)`,
		`INSERT INTO identity.external_identities (identity_id, provider, subject, user_id, email, name, linked_at, used_at)
			SELECT gen_random_uuid(), 'sso-018f0000-0000-7000-8000-000000000003', $1, user_id, $1, 'Annabelle at work', now(), now() FROM identity.users WHERE email = $1`,
	} {
		var args []any
		if strings.Contains(sql, "$1") {
			args = append(args, email)
		}
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err, sql)
	}
}
