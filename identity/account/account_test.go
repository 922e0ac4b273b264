package account_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	email  = "ann@example.com"
	secret = "correct horse battery"
	other  = "a red bicycle in rain"
)

type bench struct {
	*account.Service
	t        *testing.T
	pool     *pgxpool.Pool
	sessions *session.Store
	mu       sync.Mutex
	at       time.Time
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.sessions = session.New(b.pool, b.now)
	b.Service = b.service(password.Parameters{Memory: 64, Passes: 1, Threads: 1})
	return b
}

func (b *bench) service(with password.Parameters) *account.Service {
	hasher, err := password.NewHasher(password.Options{Parameters: with, Share: 1, Patience: time.Minute})
	require.NoError(b.t, err)
	return account.New(b.pool, hasher, b.sessions, b.now)
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) step(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func wish(email, secret string) account.SignUp {
	return account.SignUp{Email: email, Password: secret, Profile: account.Profile{Name: "Ann", Language: account.English, Zone: "Europe/Berlin"}}
}

// mails are what is to be told, and takes them away.
func (b *bench) mails() []string {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `WITH gone AS (DELETE FROM identity.mails RETURNING *) SELECT kind || ' ' || recipient FROM gone WHERE sent_at IS NULL ORDER BY mail_id`)
	require.NoError(b.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	return all
}

// link is the secret of the mail that would be sent now.
func (b *bench) link(to string, p account.Purpose) string {
	b.t.Helper()
	var of uuid.UUID
	sql := `SELECT user_id FROM identity.users WHERE email = $1`
	if p == account.Verify { // of the newest sign-up
		sql = `SELECT sign_up_id FROM identity.sign_ups WHERE email = $1 ORDER BY sign_up_id DESC LIMIT 1`
	}
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), sql, to).Scan(&of))
	made, err := b.MakeLink(b.t.Context(), of, address.Email(to), p)
	require.NoError(b.t, err)
	return made
}

// member signs somebody up and proves the mailbox.
func (b *bench) member(email, secret string) account.User {
	b.t.Helper()
	require.NoError(b.t, b.SignUp(b.t.Context(), wish(email, secret)))
	u, err := b.Verify(b.t.Context(), b.link(email, account.Verify), secret)
	require.NoError(b.t, err)
	b.mails()
	return u
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

func TestSigningUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SignUp(t.Context(), wish(" Ann@Example.COM", secret)))
	require.Equal(t, []string{"verify_email " + email}, b.mails())
	_, err := b.Password(t.Context(), email, other)
	b.requireCode(account.CodeSignIn, err)
	require.Empty(t, b.mails())

	link := b.link(email, account.Verify)
	_, err = b.Verify(t.Context(), link, other)
	b.requireCode(account.CodeLink, err)
	u, err := b.Verify(t.Context(), link, secret)
	require.NoError(t, err)
	require.Equal(t, b.now(), u.VerifiedAt)
	_, err = b.Verify(t.Context(), link, secret)
	b.requireCode(account.CodeLink, err)
	require.ErrorContains(t, err, "sign in", "of who has not seen the answer")
	got, err := b.Password(t.Context(), "ANN@example.com", secret)
	require.NoError(t, err)
	require.Equal(t, u, got.User)
	require.Equal(t, account.Profile{Name: "Ann", Language: "en", Zone: "Europe/Berlin"}, got.Profile)

	require.NoError(t, b.SignUp(t.Context(), wish(email, other)), "the caller sees no difference")
	require.Equal(t, []string{"already_have " + email}, b.mails())
	_, err = b.Password(t.Context(), email, secret)
	require.NoError(t, err, "nothing has changed")
	_, err = b.Password(t.Context(), email, other)
	b.requireCode(account.CodeSignIn, err)
	require.Empty(t, b.mails())
	require.Equal(t, 0, b.count(`identity.sign_ups WHERE email <> ''`), "what is written so that it takes as long tells nothing of the address")
}

func (b *bench) count(from string) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM `+from).Scan(&n))
	return n
}

// TestNobodyTakesASignUpOver: attempts at one address go side by side. Each link is good with the password of its own attempt only, whoever came first or last, and
// the first that is proved voids the others.
func TestNobodyTakesASignUpOver(t *testing.T) {
	t.Parallel()
	for name, stranger := range map[string]struct{ before bool }{"a stranger comes later": {false}, "a stranger was there before": {true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			attempt := func(password string) string {
				require.NoError(t, b.SignUp(t.Context(), wish(email, password)))
				return b.link(email, account.Verify)
			}
			var hers, his string
			if stranger.before {
				his, hers = attempt(other), attempt(secret)
			} else {
				hers, his = attempt(secret), attempt(other)
			}
			_, err := b.Verify(t.Context(), his, secret)
			b.requireCode(account.CodeLink, err)
			u, err := b.Verify(t.Context(), hers, secret)
			require.NoError(t, err)
			_, err = b.Verify(t.Context(), his, other)
			b.requireCode(account.CodeLink, err)
			_, err = b.Password(t.Context(), email, other)
			b.requireCode(account.CodeSignIn, err)
			got, err := b.Password(t.Context(), email, secret)
			require.NoError(t, err)
			require.Equal(t, u.ID, got.ID)
			require.Zero(t, b.count("identity.sign_ups"))
		})
	}
}

// TestAMailboxDoesNotGuessPasswords: with a link one has few tries, and many at once are as few.
func TestAMailboxDoesNotGuessPasswords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SignUp(t.Context(), wish(email, secret)))
	link := b.link(email, account.Verify)
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() { _, _ = b.Verify(t.Context(), link, fmt.Sprint(other, n)) })
	}
	group.Wait()
	_, err := b.Verify(t.Context(), link, secret)
	b.requireCode(account.CodeLink, err)
	_, err = b.Verify(t.Context(), b.link(email, account.Verify), secret)
	b.requireCode(account.CodeLink, err)
	require.NoError(t, b.SignUp(t.Context(), wish(email, secret)))
	_, err = b.Verify(t.Context(), b.link(email, account.Verify), secret)
	require.NoError(t, err, "whoever has the mailbox signs up again")
}

// TestWhoSignsInTooEarly is answered as for a wrong password, and gets the link again, a few times. Earlier links stay good.
func TestWhoSignsInTooEarly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SignUp(t.Context(), wish(email, secret)))
	link := b.link(email, account.Verify)
	for range 5 {
		_, err := b.Password(t.Context(), email, secret)
		b.requireCode(account.CodeSignIn, err)
	}
	b.link(email, account.Verify)
	require.Equal(t, []string{"verify_email " + email, "verify_email " + email, "verify_email " + email}, b.mails())
	_, err := b.Verify(t.Context(), link, secret)
	require.NoError(t, err)
}

func TestSignUpsThatAreOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SignUp(t.Context(), wish(email, secret)))
	link := b.link(email, account.Verify)
	b.step(24 * time.Hour)
	_, err := b.Verify(t.Context(), link, secret)
	b.requireCode(account.CodeLink, err)
	again := b.link(email, account.Verify)
	_, err = b.Prune(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, b.count("identity.sign_ups"))
	b.step(6*24*time.Hour + time.Second)
	_, err = b.Verify(t.Context(), again, secret)
	b.requireCode(account.CodeLink, err)
	b.mails()
	_, err = b.Password(t.Context(), email, secret)
	b.requireCode(account.CodeSignIn, err)
	require.Empty(t, b.mails())
	_, err = b.Prune(t.Context())
	require.NoError(t, err)
	require.Zero(t, b.count("identity.sign_ups"))
	require.Zero(t, b.count("identity.users"))
}

// TestManySignUpsAtOnce: and as many proofs, of which one is the account.
func TestManySignUpsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var group sync.WaitGroup
	failed := make(chan error, 10)
	for n := range 10 {
		group.Go(func() { failed <- b.SignUp(t.Context(), wish(email, fmt.Sprint(secret, n))) })
	}
	group.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	rows, err := b.pool.Query(t.Context(), `SELECT sign_up_id FROM identity.sign_ups`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(t, err)
	require.Len(t, all, 10)
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.sign_ups SET password = (SELECT min(password) FROM identity.sign_ups)`)
	require.NoError(t, err)
	proved := make(chan error, 100)
	links := make([]string, len(all))
	for i, id := range all {
		links[i], err = b.MakeLink(t.Context(), id, email, account.Verify)
		require.NoError(t, err)
	}
	for _, link := range links {
		for n := range 10 {
			group.Go(func() { _, err := b.Verify(t.Context(), link, fmt.Sprint(secret, n)); proved <- err })
		}
	}
	group.Wait()
	close(proved)
	won := 0
	for err := range proved {
		if err == nil {
			won++
			continue
		}
		b.requireCode(account.CodeLink, err)
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, b.count("identity.users"))
}

func TestWhatIsNoAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, change := range map[string]func(*account.SignUp){
		"email":    func(q *account.SignUp) { q.Email = "ann@example.com\r\nBcc: x@example.com" },
		"password": func(q *account.SignUp) { q.Password = "password" },
		"known":    func(q *account.SignUp) { q.Email, q.Password = "annabella@example.com", "annabella1" },
		"mailbox":  func(q *account.SignUp) { q.Email, q.Password = "ed@example.com", "Ed@Example.com" },
		"name":     func(q *account.SignUp) { q.Profile.Name = strings.Repeat("x", 101) },
		"hidden":   func(q *account.SignUp) { q.Profile.Name = "Ann\u202e" },
		"control":  func(q *account.SignUp) { q.Profile.Name = "Ann\x00" },
		"language": func(q *account.SignUp) { q.Profile.Language = "de" },
		"zone":     func(q *account.SignUp) { q.Profile.Zone = "Mars/Base" },
		"path":     func(q *account.SignUp) { q.Profile.Zone = "../../etc/passwd" },
		"local":    func(q *account.SignUp) { q.Profile.Zone = "Local" },
	} {
		q := wish(email, secret)
		change(&q)
		err := b.SignUp(t.Context(), q)
		require.Error(t, err, name)
		code := domain.CodeOf(err)
		require.True(t, code == domain.CodeInvalid || code == password.CodeWeak, "%s: %v", name, err)
	}
	require.Empty(t, b.mails())
	for _, typed := range []string{"", "nobody@example.com", "no address", email + "\x00"} {
		_, err := b.Password(t.Context(), typed, secret)
		b.requireCode(account.CodeSignIn, err)
	}
	_, err := b.Get(t.Context(), uuid.New())
	b.requireCode(domain.CodeNotFound, err)
}

// TestForgotten: the link sets a new password once, proves the mailbox, ends every session, and tells.
func TestForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.member(email, secret)
	begun := func() {
		require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
			_, _, err := b.sessions.Begin(t.Context(), tx, u.ID, token.Portal, []string{"pwd"}, session.Device{}, session.Origin{})
			return err
		}))
	}
	begun()
	require.NoError(t, b.Forgot(t.Context(), "nobody@example.com"))
	require.Empty(t, b.mails())
	require.NoError(t, b.Forgot(t.Context(), email))
	require.Equal(t, []string{"reset_password " + email}, b.mails())
	link := b.link(email, account.Reset)
	var newer string
	for range 9 {
		newer = b.link(email, account.Reset)
	}
	b.requireCode(password.CodeWeak, b.Reset(t.Context(), link, "password"))
	_, err := b.Verify(t.Context(), link, secret)
	b.requireCode(account.CodeLink, err)
	require.NoError(t, b.Reset(t.Context(), link, other))
	require.Equal(t, []string{"password_changed " + email}, b.mails())
	b.requireCode(account.CodeLink, b.Reset(t.Context(), link, secret))
	b.requireCode(account.CodeLink, b.Reset(t.Context(), newer, secret))
	_, err = b.Password(t.Context(), email, secret)
	b.requireCode(account.CodeSignIn, err)
	_, err = b.Password(t.Context(), email, other)
	require.NoError(t, err)
	all, err := b.sessions.List(t.Context(), u.ID)
	require.NoError(t, err)
	require.Empty(t, all)

	link = b.link(email, account.Reset)
	for range 10 {
		b.link(email, account.Reset)
	}
	b.requireCode(account.CodeLink, b.Reset(t.Context(), link, secret))
	link = b.link(email, account.Reset)
	b.step(30 * time.Minute)
	b.requireCode(account.CodeLink, b.Reset(t.Context(), link, secret))
	b.requireCode(domain.CodeInvalid, b.Forgot(t.Context(), "no address"))
}

// TestChangedPassword: the session in which it was changed goes on, all others end, and links that were made before are void.
func TestChangedPassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.member(email, secret)
	var here, there session.Session
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) (err error) {
		if here, _, err = b.sessions.Begin(t.Context(), tx, u.ID, token.Portal, []string{"pwd"}, session.Device{}, session.Origin{}); err == nil {
			there, _, err = b.sessions.Begin(t.Context(), tx, u.ID, token.Portal, []string{"pwd"}, session.Device{}, session.Origin{})
		}
		return err
	}))
	link := b.link(email, account.Reset)
	b.requireCode(account.CodePassword, b.ChangePassword(t.Context(), u.ID, here.ID, other, other))
	b.requireCode(password.CodeWeak, b.ChangePassword(t.Context(), u.ID, here.ID, secret, "short"))
	b.requireCode(password.CodeWeak, b.ChangePassword(t.Context(), u.ID, here.ID, secret, email+"1"))
	require.NoError(t, b.ChangePassword(t.Context(), u.ID, here.ID, secret, other))
	require.Equal(t, []string{"password_changed " + email}, b.mails())
	all, err := b.sessions.List(t.Context(), u.ID)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, here.ID, all[0].ID)
	require.NotEqual(t, there.ID, all[0].ID)
	b.requireCode(account.CodeLink, b.Reset(t.Context(), link, secret))
	b.requireCode(domain.CodeNotFound, b.ChangePassword(t.Context(), uuid.New(), here.ID, secret, other))
}

// TestHashesGrow: who signs in gets a hash with today's parameters.
func TestHashesGrow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.member(email, secret)
	hash := func() (text string) {
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT password FROM identity.users WHERE user_id = $1`, u.ID).Scan(&text))
		return text
	}
	before := hash()
	require.NotContains(t, before, secret)
	newer := b.service(password.Parameters{Memory: 128, Passes: 1, Threads: 1})
	_, err := newer.Password(t.Context(), email, other)
	b.requireCode(account.CodeSignIn, err)
	require.Equal(t, before, hash())
	_, err = newer.Password(t.Context(), email, secret)
	require.NoError(t, err)
	require.Contains(t, hash(), "m=128")
	_, err = newer.Password(t.Context(), email, secret)
	require.NoError(t, err)
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.member(email, secret)
	name, language, zone := "  安\u3000Ann ", account.Chinese, "Asia/Shanghai"
	got, err := b.Update(t.Context(), u.ID, account.Changes{Name: &name, Language: &language, Zone: &zone})
	require.NoError(t, err)
	require.Equal(t, "安 Ann", got.Profile.Name)
	again, err := b.Get(t.Context(), u.ID)
	require.NoError(t, err)
	require.Equal(t, got, again)
	zone = "Nowhere"
	_, err = b.Update(t.Context(), u.ID, account.Changes{Zone: &zone})
	b.requireCode(domain.CodeInvalid, err)
	_, err = b.Update(t.Context(), uuid.New(), account.Changes{Language: &language})
	b.requireCode(domain.CodeNotFound, err)

	// What no one may call himself any more stays until he changes it, and keeps nothing else as it is.
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.users SET name = 'www.ann.example' WHERE user_id = $1`, u.ID)
	require.NoError(t, err)
	language, zone = account.English, "UTC"
	got, err = b.Update(t.Context(), u.ID, account.Changes{Language: &language, Zone: &zone})
	require.NoError(t, err)
	require.Equal(t, account.Profile{Name: "www.ann.example", Language: account.English, Zone: "UTC"}, got.Profile)
	_, err = b.Update(t.Context(), u.ID, account.Changes{Name: &got.Profile.Name})
	b.requireCode(domain.CodeInvalid, err)
}
