package account_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	people "github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/signin"
)

// TestAnOwnSignUpTellsNothing: who asks for an account at somebody else's address, and then signs in with the password of the own attempt, is answered the same
// whether or not there is an account, to the wrong password as to the right one.
func TestAnOwnSignUpTellsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	const nobody = "nob@example.com" // as long
	var said []string
	for _, address := range []string{email, nobody} {
		b.program("").post(authPath+"sign-up", words(address, fresh)).is(202)
		for _, password := range []string{fresh, "another bicycle in rain"} {
			got := b.program("").post(authPath+"sign-in", words(address, password)).refused(401, people.CodeSignIn)
			require.Empty(t, got.cookies)
			said = append(said, got.text("title")+got.text("detail")+strconv.Itoa(len(got.body)))
		}
	}
	require.Len(t, slices.Compact(said), 1, "%q", said)
	require.Eventually(t, func() bool {
		n := 0
		for _, m := range b.outbox.List() {
			if m.To == nobody {
				n++
			}
		}
		return n == 2
	}, patience, tick, "the mailbox gets the link again")
}

// TestASignUpIsNotTakenOver: somebody else asks for an account at the same address, later. The first link stays good with its own password, and the newest mail does
// not make an account with a password that its reader does not know.
func TestASignUpIsNotTakenOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.browser()
	a.post(authPath+"sign-up", words(email, secret)).is(202)
	hers := b.linked(email, "verify-email")
	b.program("").post(authPath+"sign-up", words(email, fresh)).is(202)
	require.Eventually(t, func() bool { return len(b.outbox.List()) == 2 }, patience, tick)
	his := b.linked(email, "verify-email")
	require.NotEqual(t, hers, his)
	a.post(authPath+"verify-email", map[string]any{"token": his, "password": secret}).refused(422, people.CodeLink)
	a.post(authPath+"verify-email", map[string]any{"token": hers, "password": secret}).is(200)
	a.post(authPath+"verify-email", map[string]any{"token": his, "password": fresh}).refused(422, people.CodeLink)
	b.program("").post(authPath+"sign-in", words(email, fresh)).refused(401, people.CodeSignIn)
	b.in(email, secret)
}

// late is an answer that comes while the test does something else.
type late struct {
	answer
	err error
}

// TestAnOldPasswordOpensNothing: what one signs in with is right when it is read, and a new password is set before it opens a session. None comes of it.
func TestAnOldPasswordOpensNothing(t *testing.T) {
	t.Parallel()
	t.Run("while the password is hashed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.join(email)
		b.overtaken(func() (answer, error) {
			return b.program("").call(http.MethodPost, authPath+"sign-in", words(email, secret))
		}).refused(401, people.CodeSignIn)
	})
	t.Run("while there is a challenge to begin", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.join(email)
		b.in(email, secret).app()
		b.overtaken(func() (answer, error) {
			return b.program("").call(http.MethodPost, authPath+"sign-in", words(email, secret))
		}).refused(401, people.CodeSignIn)
	})
	t.Run("while a code is looked at", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.join(email)
		app, _ := b.in(email, secret).app()
		b.step(time.Minute) // for the next code
		p := b.program("")
		challenge := p.post(authPath+"sign-in", map[string]any{"email": email, "password": secret, "delivery": "body"}).is(200).text("challenge", "challenge")
		shown := map[string]any{"challenge": challenge, "method": "otp", "code": b.code(app)}
		b.overtaken(func() (answer, error) { return p.call(http.MethodPost, authPath+"challenge", shown) }).refused(409, signin.CodeOver)
	})
}

// overtaken lets a new password be set between what a sign-in reads and what it writes: both wait for the user's row, first the new password.
func (b *bundle) overtaken(signIn func() (answer, error)) answer {
	t := b.t
	t.Helper()
	b.browser().post(authPath+"forgot-password", map[string]any{"email": email}).is(202)
	link := b.linked(email, "reset-password")
	held, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = held.Rollback(context.WithoutCancel(t.Context())) })
	_, err = held.Exec(t.Context(), `SELECT FROM identity.users WHERE email = $1 FOR UPDATE`, email)
	require.NoError(t, err)
	reset, in := make(chan late, 1), make(chan late, 1)
	browser := b.browser()
	go func() {
		got, err := browser.call(http.MethodPost, authPath+"reset-password", map[string]any{"token": link, "password": fresh})
		reset <- late{got, err}
	}()
	b.waiting(1)
	go func() {
		got, err := signIn()
		in <- late{got, err}
	}()
	b.waiting(2)
	require.NoError(t, held.Rollback(t.Context()))
	done := <-reset
	require.NoError(t, done.err)
	done.is(200)
	done = <-in
	require.NoError(t, done.err)
	var live int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.sessions WHERE revoked_at IS NULL`).Scan(&live))
	require.Zero(t, live, "%s", done.body)
	return done.answer
}

// waiting waits until so many wait for a row.
func (b *bundle) waiting(n int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		var now int
		err := b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&now)
		return err == nil && now == n
	}, patience, tick)
}
