package account_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

const moved = "ann@elsewhere.example"

// somebody has proved a mailbox.
func (b *bench) somebody(at string) uuid.UUID {
	b.t.Helper()
	require.NoError(b.t, b.SignUp(b.t.Context(), wish(at, secret)))
	u, err := b.Verify(b.t.Context(), b.link(at, account.Verify), secret)
	require.NoError(b.t, err)
	b.mails()
	return u.ID
}

// change is the secret of the link to a new mailbox.
func (b *bench) change(user uuid.UUID, to string) string {
	b.t.Helper()
	made, err := b.MakeLink(b.t.Context(), user, address.Email(to), account.Change)
	require.NoError(b.t, err)
	return made
}

func TestAnotherMailbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.somebody(email)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(b.ChangeEmail(t.Context(), ann, email)))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(b.ChangeEmail(t.Context(), ann, "nobody")))
	require.NoError(t, b.ChangeEmail(t.Context(), ann, strings.ToUpper(moved)))
	require.Equal(t, []string{"email_changing " + email, "confirm_email " + moved}, b.mails())
	reset, link := b.link(email, account.Reset), b.change(ann, moved)
	eve := b.somebody("eve@example.com")
	_, err := b.ConfirmEmail(t.Context(), eve, link)
	require.Equal(t, account.CodeLink, domain.CodeOf(err), "the link is the account's that asked for it")
	u, err := b.ConfirmEmail(t.Context(), ann, link)
	require.NoError(t, err)
	require.EqualValues(t, moved, u.Email)
	require.Equal(t, []string{"email_changed " + email}, b.mails())
	_, err = b.ConfirmEmail(t.Context(), ann, link)
	require.Equal(t, account.CodeLink, domain.CodeOf(err))
	require.Equal(t, account.CodeLink, domain.CodeOf(b.Reset(t.Context(), reset, other)), "links to the old mailbox are void")
	_, err = b.Password(t.Context(), moved, secret)
	require.NoError(t, err)
	_, err = b.Password(t.Context(), email, secret)
	require.Equal(t, account.CodeSignIn, domain.CodeOf(err))
}

func TestAMailboxThatIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.somebody(email), b.somebody(moved)
	require.NoError(t, b.ChangeEmail(t.Context(), ann, moved))
	require.Equal(t, []string{"email_changing " + email, "already_have " + moved}, b.mails(), "the caller sees no difference")
	_, err := b.ConfirmEmail(t.Context(), ann, b.change(ann, moved))
	require.Equal(t, account.CodeLink, domain.CodeOf(err))
	u, err := b.Get(t.Context(), bob)
	require.NoError(t, err)
	require.EqualValues(t, moved, u.Email)

	const third = "third@example.com"
	require.NoError(t, b.SignUp(t.Context(), wish(third, other))) // proved by nobody
	_, err = b.ConfirmEmail(t.Context(), ann, b.change(ann, third))
	require.NoError(t, err)
	_, err = b.Password(t.Context(), third, secret)
	require.NoError(t, err)
}

func TestTwoWhoWantOneMailbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people := []uuid.UUID{b.somebody(email), b.somebody("bob@example.com"), b.somebody("eve@example.com")}
	var group sync.WaitGroup
	got := make([]error, len(people))
	for i, p := range people {
		link := b.change(p, moved)
		group.Go(func() { _, got[i] = b.ConfirmEmail(t.Context(), p, link) })
	}
	group.Wait()
	n := 0
	for _, err := range got {
		if err == nil {
			n++
			continue
		}
		require.Equal(t, account.CodeLink, domain.CodeOf(err), "%v", err)
	}
	require.Equal(t, 1, n)
}

func TestAPasswordVoidsAChangeOfTheMailbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.somebody(email)
	require.NoError(t, b.ChangeEmail(t.Context(), ann, moved))
	link := b.change(ann, moved)
	require.NoError(t, b.ChangePassword(t.Context(), ann, uuid.Nil, secret, other))
	_, err := b.ConfirmEmail(t.Context(), ann, link)
	require.Equal(t, account.CodeLink, domain.CodeOf(err))
	require.Equal(t, []string{"email_changing " + email, "password_changed " + email}, b.mails(), "the mail with the link is not sent any more")
}

func TestAnExportHasEverythingButSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.somebody(email), b.somebody(moved)
	b.session(ann)
	for _, sql := range []string{
		`INSERT INTO identity.totp (user_id, secret, created_at) VALUES ($1, '\x5ec4e7', now())`,
		`INSERT INTO identity.passkeys (credential_id, passkey_id, user_id, name, credential, created_at) VALUES ('\x01', $1, $1, 'my laptop', '{"publicKey":"pk"}', now())`,
		`INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ('0199b2f0-0000-7000-8000-000000000001', $1, 'Acme', now())`,
		`INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ('0199b2f0-0000-7000-8000-000000000001', $1, 'owner', now())`,
	} {
		_, err := b.pool.Exec(t.Context(), sql, ann)
		require.NoError(t, err)
	}
	all, err := b.Export(t.Context(), ann)
	require.NoError(t, err)
	text, err := json.Marshal(all)
	require.NoError(t, err)
	for _, want := range []string{email, "my laptop", "Acme", "a browser", "Europe/Berlin", ann.String()} {
		require.Contains(t, string(text), want)
	}
	for _, secret := range []string{"argon2id", "5ec4e7", "publicKey", "nonce", moved, bob.String()} {
		require.NotContains(t, string(text), secret)
	}
	_, err = b.Export(t.Context(), uuid.New())
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
}

func TestErasureLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob := b.somebody(email), b.somebody(moved)
	b.session(ann)
	id := uuid.New()
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ($1, $1, 'Acme', now())`, id)
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'owner', now())`, id, ann)
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), `INSERT INTO identity.organisations (organisation_id, wallet_id, name, personal_of, created_at) VALUES ($1, $1, 'Ann', $2, now())`, uuid.New(), ann)
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), `INSERT INTO identity.invitations (invitation_id, organisation_id, email, role, invited_by, created_at, expires_at) VALUES ($1, $2, $3, 'viewer', $4, now(), now())`,
		uuid.New(), id, email, bob)
	require.NoError(t, err)

	require.Equal(t, organisation.CodeLastOwner, domain.CodeOf(b.CanErase(t.Context(), ann)))
	require.Equal(t, organisation.CodeLastOwner, domain.CodeOf(b.Erase(t.Context(), ann)))
	_, err = b.pool.Exec(t.Context(), `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'owner', now())`, id, bob)
	require.NoError(t, err)
	require.NoError(t, b.CanErase(t.Context(), ann))
	require.NoError(t, b.Erase(t.Context(), ann))
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(b.Erase(t.Context(), ann)))

	for _, trace := range []string{email, "a browser"} {
		require.Empty(t, b.tablesWith(trace), trace)
	}
	require.Equal(t, []string{"departures"}, b.tablesWith(ann.String()), "the id alone, for as long as keys may be left that are to be revoked")
	require.NotEmpty(t, b.tablesWith(moved))
	require.NoError(t, b.SignUp(t.Context(), wish(email, other)), "the mailbox is free again")
}

// tablesWith are the tables of people in which a text stands anywhere.
func (b *bench) tablesWith(trace string) []string {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'identity' AND table_type = 'BASE TABLE'`)
	require.NoError(b.t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	var found []string
	for _, name := range names {
		var is bool
		require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT EXISTS (SELECT FROM identity.`+pgx.Identifier{name}.Sanitize()+` t WHERE strpos(t::text, $1) > 0)`, trace).Scan(&is))
		if is {
			found = append(found, name)
		}
	}
	return found
}

// session begins one of somebody.
func (b *bench) session(user uuid.UUID) {
	b.t.Helper()
	require.NoError(b.t, pgx.BeginFunc(b.t.Context(), b.pool, func(tx pgx.Tx) error {
		_, _, err := b.sessions.Begin(b.t.Context(), tx, user, token.Portal, []string{"pwd"}, session.Device{UserAgent: "a browser"}, session.Origin{})
		return err
	}))
}

// TestLinksAreMadeWhileOthersAreFollowed: a mail is sent again at the moment in which the link of the one before is followed. Nobody waits for the other, and a link
// that was made before the change is void.
func TestLinksAreMadeWhileOthersAreFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann := b.somebody(email)
	for range 40 {
		link := b.link(email, account.Reset)
		var group sync.WaitGroup
		var followed, made error
		group.Go(func() { followed = b.Reset(t.Context(), link, secret) })
		group.Go(func() { _, made = b.MakeLink(t.Context(), ann, email, account.Reset) })
		group.Wait()
		require.NoError(t, made)
		require.NoError(t, followed)
	}
}
