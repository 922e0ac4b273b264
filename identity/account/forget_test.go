package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/account"
)

// invited writes an invitation to a mailbox, with its mail, of the bench's moment.
func (b *bench) invited(to string) {
	b.t.Helper()
	org := uuid.New()
	for _, sql := range []string{
		`INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) SELECT $1, $1, 'Acme', $2 WHERE $3 <> ''`,
		`INSERT INTO identity.invitations (invitation_id, organisation_id, email, role, invited_by, created_at, expires_at) VALUES (gen_random_uuid(), $1, $3, 'viewer', $1, $2, $2::timestamptz + interval '7 days')`,
		`INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at, sent_at) SELECT gen_random_uuid(), $3, 'invited', 'en', '{}', $2, $2, $2 WHERE $1::uuid IS NOT NULL`,
	} {
		_, err := b.pool.Exec(b.t.Context(), sql, org, b.now(), to)
		require.NoError(b.t, err)
	}
}

// granted writes a request to grant a role.
func (b *bench) granted(by uuid.UUID, body, decision string) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	_, err := b.pool.Exec(b.t.Context(), `INSERT INTO identity.approvals (approval_id, operation, method, path, body, permission, requested_by, created_at, expires_at, decision, decided_at)
		VALUES ($1, 'GrantRole', 'POST', '/x', $2, 'x', $3, $4, $4::timestamptz + interval '3 days', $5, CASE $5 WHEN '' THEN NULL ELSE $4::timestamptz END)`, id, body, by, b.now(), decision)
	require.NoError(b.t, err)
	return id
}

// TestErasureFindsMailboxesOfBefore, but not what has come to their next owner, who may have one of them by now. In requests to grant a role they are found in whatever form.
func TestErasureFindsMailboxesOfBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	ann, boss := b.somebody("ann@before.example"), b.somebody("boss@example.com")
	b.invited("ann@before.example")
	b.invited("someone@example.com")
	waits := b.granted(boss, `{"email":"ANN@before.EXAMPLE","role":"support"}`, "")
	done := b.granted(boss, `{"\u0065mail":"\u0061nn@before.example"}`, "approved")
	theirs := b.granted(boss, `{"email":"someone@example.com"}`, "")
	b.step(time.Hour)
	_, err := b.ConfirmEmail(ctx, ann, b.change(ann, "ann@between.example"))
	require.NoError(t, err)
	b.step(time.Hour)
	_, err = b.ConfirmEmail(ctx, ann, b.change(ann, "ann@now.example"))
	require.NoError(t, err)
	b.step(time.Hour)
	next := b.somebody("ann@between.example")
	b.invited("ann@between.example") // the next owner
	b.invited("ann@before.example")  // by somebody who does not know
	text := func(user uuid.UUID) string {
		all, err := b.Export(ctx, user)
		require.NoError(t, err)
		return string(all["invitations"]) + string(all["mails"])
	}
	require.Contains(t, text(ann), "ann@before.example", "what is erased is exported")
	require.NoError(t, b.Erase(ctx, ann))

	require.Empty(t, b.tablesWith("ann@before.example"))
	require.Empty(t, b.tablesWith("ann@now.example"))
	require.Equal(t, 1, b.count(`identity.invitations WHERE email = 'ann@between.example'`))
	require.Equal(t, 1, b.count(`identity.mails WHERE recipient = 'ann@between.example'`))
	require.Contains(t, text(next), "ann@between.example")
	require.Equal(t, 1, b.count(`identity.invitations WHERE email = 'someone@example.com'`))
	type approval struct {
		ID      uuid.UUID
		Body    string
		Waits   bool
		Decided bool
	}
	rows, err := b.pool.Query(ctx, `SELECT approval_id, body, expires_at > $1, decision <> '' FROM identity.approvals`, b.now())
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[approval])
	require.NoError(t, err)
	require.ElementsMatch(t, []approval{{waits, "{}", false, false}, {done, "{}", false, true}, {theirs, `{"email":"someone@example.com"}`, true, false}}, all)
}

// TestAMailboxOfSeveral: what has come to a mailbox while it was an account's is in no other account's export, but for invitations that wait: its owner of now may accept them.
func TestAMailboxOfSeveral(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	const shared = "office@example.com"
	invited := func(at string) (id uuid.UUID) {
		b.step(time.Hour)
		b.invited(shared)
		_, err := b.pool.Exec(ctx, `UPDATE identity.mails SET details = jsonb_build_object('when', $1::text) WHERE kind = 'invited' AND created_at = $2`, at, b.now())
		require.NoError(t, err)
		require.NoError(t, b.pool.QueryRow(ctx, `UPDATE identity.invitations SET ended_at = CASE WHEN $1 <> 'waits' THEN $2::timestamptz END, ended_as = CASE WHEN $1 <> 'waits' THEN 'declined' ELSE '' END
			WHERE created_at = $2 RETURNING invitation_id`, at, b.now()).Scan(&id)) // the bench's moment is its own
		b.step(time.Hour)
		return id
	}
	move := func(user uuid.UUID, to string) {
		b.step(time.Hour)
		_, err := b.ConfirmEmail(ctx, user, b.change(user, to))
		require.NoError(t, err)
	}
	has := func(user uuid.UUID, at string, id uuid.UUID) (mail, invitation bool) {
		all, err := b.Export(ctx, user)
		require.NoError(t, err)
		return strings.Contains(string(all["mails"]), `"`+at+`"`), strings.Contains(string(all["invitations"]), id.String())
	}
	ann, ben := b.somebody("ann@example.com"), b.somebody("ben@example.com")
	before := invited("before")
	move(ann, shared)
	anns, waits := invited("anns"), invited("waits")
	move(ann, "ann@example.com")
	nobodys := invited("nobodys")
	move(ben, shared)
	bens := invited("bens")
	for _, one := range []struct {
		at        string
		id        uuid.UUID
		ann, bens bool
	}{{"before", before, true, false}, {"anns", anns, true, false}, {"waits", waits, true, false}, {"nobodys", nobodys, false, true}, {"bens", bens, false, true}} {
		mail, invitation := has(ann, one.at, one.id)
		require.Equal(t, []bool{one.ann, one.ann}, []bool{mail, invitation}, "ann, %s", one.at)
		mail, invitation = has(ben, one.at, one.id)
		require.Equal(t, []bool{one.bens, one.bens || one.at == "waits"}, []bool{mail, invitation}, "ben, %s", one.at)
	}
	move(ben, "ben@example.com")
	move(ann, shared)
	back := invited("back")
	for at, id := range map[string]uuid.UUID{"before": before, "anns": anns, "back": back} {
		mail, invitation := has(ann, at, id)
		require.True(t, mail && invitation, at)
	}
	for at, id := range map[string]uuid.UUID{"nobodys": nobodys, "bens": bens} {
		mail, invitation := has(ann, at, id)
		require.False(t, mail || invitation, at)
	}
	mail, _ := has(ben, "bens", bens)
	require.True(t, mail)
}

// TestWhatIsOverIsForgotten after a while: invitations, approvals, and mailboxes of before when nothing is left that could name them.
func TestWhatIsOverIsForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.somebody(email)
	b.invited("someone@example.com")
	b.granted(ann, `{}`, "")
	b.granted(ann, `{}`, "refused")
	_, err := b.ConfirmEmail(t.Context(), ann, b.change(ann, moved))
	require.NoError(t, err)
	left := func(after time.Duration) []int {
		b.step(after)
		_, err := b.Prune(t.Context())
		require.NoError(t, err)
		return []int{b.count(`identity.invitations`), b.count(`identity.approvals`), b.count(`identity.former_emails`)}
	}
	const day = 24 * time.Hour
	require.Equal(t, []int{1, 2, 1}, left(96*day))
	require.Equal(t, []int{0, 2, 1}, left(2*day))
	require.Equal(t, []int{0, 2, 1}, left(269*day))
	require.Equal(t, []int{0, 0, 1}, left(2*day))
	require.Equal(t, []int{0, 0, 0}, left(30*day))
	u, err := b.Get(t.Context(), ann)
	require.NoError(t, err)
	require.Equal(t, account.Language("en"), u.Profile.Language)
}
