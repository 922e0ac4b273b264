package signin_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	email  = "ann@example.com"
	origin = "https://massrouter.example"
	secret = "correct horse battery"
)

// open seals nothing: sealing has tests of its own.
type open struct{}

func (open) Seal(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }
func (open) Open(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }

type bench struct {
	*signin.Machine
	t        *testing.T
	pool     *pgxpool.Pool
	accounts *account.Service
	factors  *factor.Store
	passkeys *passkey.Store
	sessions *session.Store
	issuer   *token.Issuer
	user     uuid.UUID
	mu       sync.Mutex
	at       time.Time
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

var laptop = session.Device{UserAgent: "a browser", Address: netip.MustParseAddr("203.0.113.9")}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(t, err)
	key, err := token.NewKey(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	require.NoError(t, err)
	b.issuer, err = token.NewIssuer("https://massrouter.example", b.now, key)
	require.NoError(t, err)
	b.sessions = session.New(b.pool, b.now)
	b.accounts = account.New(b.pool, hasher, b.sessions, b.now)
	b.factors = factor.New(b.pool, open{}, "MassRouter", b.now)
	b.passkeys, err = passkey.New(b.pool, "massrouter.example", "MassRouter", []string{origin}, b.now)
	require.NoError(t, err)
	b.Machine = signin.New(b.pool, signin.Parts{Accounts: b.accounts, Factors: b.factors, Passkeys: b.passkeys, Sessions: b.sessions, Issuer: b.issuer}, b.now)
	b.user = b.member(email)
	return b
}

func (b *bench) member(at address.Email) uuid.UUID {
	b.t.Helper()
	require.NoError(b.t, b.accounts.SignUp(b.t.Context(), account.SignUp{
		Email: string(at), Password: secret, Profile: account.Profile{Name: "Ann", Language: account.English, Zone: "UTC"},
	}))
	var id uuid.UUID
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT sign_up_id FROM identity.sign_ups WHERE email = $1`, at).Scan(&id))
	link, err := b.accounts.MakeLink(b.t.Context(), id, at, account.Verify)
	require.NoError(b.t, err)
	_, err = b.accounts.Verify(b.t.Context(), link, secret)
	require.NoError(b.t, err)
	return id
}

// app gives the user an authenticator app, and what it knows.
func (b *bench) app() (app string, codes []string) {
	b.t.Helper()
	e, err := b.factors.BeginTOTP(b.t.Context(), b.user, email)
	require.NoError(b.t, err)
	codes, err = b.factors.ConfirmTOTP(b.t.Context(), b.user, b.code(e.Secret))
	require.NoError(b.t, err)
	b.step(time.Minute)
	return e.Secret, codes
}

func (b *bench) code(app string) string {
	b.t.Helper()
	c, err := totp.GenerateCode(app, b.now())
	require.NoError(b.t, err)
	return c
}

// wrong is a code that is not right now.
func (b *bench) wrong(app string) string {
	right := b.code(app)
	return strings.Map(func(c rune) rune { return '0' + (c-'0'+5)%10 }, right)
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

// fresh is RequireFresh of who sends the access token of a result.
func (b *bench) fresh(r signin.Result) error {
	b.t.Helper()
	claims, err := b.issuer.Check(r.Access, r.Session.Audience)
	require.NoError(b.t, err)
	return b.RequireFresh(b.t.Context(), claims.Session, claims.Shown)
}

func (b *bench) requireIn(r signin.Result, audience token.Audience, factors ...string) {
	b.t.Helper()
	require.Nil(b.t, r.Challenge)
	claims, err := b.issuer.Check(r.Access, audience)
	require.NoError(b.t, err)
	require.Equal(b.t, b.user, claims.User)
	require.Equal(b.t, r.Session.ID, claims.Session)
	require.Equal(b.t, factors, r.Session.Factors)
	_, _, err = b.Refresh(b.t.Context(), r.Refresh, audience, laptop)
	require.NoError(b.t, err)
}

func (b *bench) challenged(audience token.Audience) *signin.Challenge {
	b.t.Helper()
	r, err := b.Password(b.t.Context(), audience, email, secret, laptop)
	require.NoError(b.t, err)
	require.Nil(b.t, r.Session)
	require.Empty(b.t, r.Access)
	require.NotNil(b.t, r.Challenge)
	return r.Challenge
}

func TestPasswordOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, err := b.Password(t.Context(), token.Portal, email, secret, laptop)
	require.NoError(t, err)
	b.requireIn(r, token.Portal, "pwd")
	_, err = b.Password(t.Context(), token.Portal, email, "another secret", laptop)
	b.requireCode(account.CodeSignIn, err)
	_, err = b.Password(t.Context(), token.Admin, email, secret, laptop)
	b.requireCode(signin.CodeFactorRequired, err)
}

func TestSecondFactors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app, codes := b.app()
	for _, audience := range []token.Audience{token.Portal, token.Admin} {
		c := b.challenged(audience)
		require.Equal(t, []factor.Method{factor.TOTP, factor.Recovery}, c.Methods)
		_, err := b.Answer(t.Context(), c.Secret, factor.TOTP, b.wrong(app), laptop)
		b.requireCode(factor.CodeWrong, err)
		r, err := b.Answer(t.Context(), c.Secret, factor.TOTP, b.code(app), laptop)
		require.NoError(t, err)
		b.requireIn(r, audience, "pwd", "otp")
		b.step(30 * time.Second)
		_, err = b.Answer(t.Context(), c.Secret, factor.TOTP, b.code(app), laptop)
		b.requireCode(signin.CodeOver, err)
	}
	c := b.challenged(token.Portal)
	r, err := b.Answer(t.Context(), c.Secret, factor.Recovery, codes[0], laptop)
	require.NoError(t, err)
	b.requireIn(r, token.Portal, "pwd", "recovery")
	c = b.challenged(token.Portal)
	_, err = b.Answer(t.Context(), c.Secret, factor.Recovery, codes[0], laptop)
	b.requireCode(factor.CodeWrong, err)
	_, err = b.Answer(t.Context(), c.Secret, factor.Password, secret, laptop)
	b.requireCode(signin.CodeOver, err)
	_, err = b.Answer(t.Context(), c.Secret, factor.Passkey, "x", laptop)
	b.requireCode(domain.CodeInvalid, err)
	_, err = b.Answer(t.Context(), "x", factor.TOTP, b.code(app), laptop)
	b.requireCode(signin.CodeOver, err)
}

// TestChallengesEnd: after five minutes, after five wrong codes, and when the password has changed meanwhile.
func TestChallengesEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app, _ := b.app()
	late := b.challenged(token.Portal)
	b.step(signin.Life)
	_, err := b.Answer(t.Context(), late.Secret, factor.TOTP, b.code(app), laptop)
	b.requireCode(signin.CodeOver, err)

	guessed := b.challenged(token.Portal)
	var group sync.WaitGroup
	results := make(chan error, 20)
	wrong := b.wrong(app)
	for range 20 {
		group.Go(func() {
			_, err := b.Answer(context.Background(), guessed.Secret, factor.TOTP, wrong, laptop)
			results <- err
		})
	}
	group.Wait()
	close(results)
	looked := 0
	for err := range results {
		if domain.CodeOf(err) == factor.CodeWrong {
			looked++
			continue
		}
		b.requireCode(signin.CodeOver, err)
	}
	require.Equal(t, signin.MaxTries, looked)
	_, err = b.Answer(t.Context(), guessed.Secret, factor.TOTP, b.code(app), laptop)
	b.requireCode(signin.CodeOver, err)

	stale := b.challenged(token.Portal)
	link, err := b.accounts.MakeLink(t.Context(), b.user, email, account.Reset)
	require.NoError(t, err)
	require.NoError(t, b.accounts.Reset(t.Context(), link, "a red bicycle in rain"))
	_, err = b.Answer(t.Context(), stale.Secret, factor.TOTP, b.code(app), laptop)
	b.requireCode(signin.CodeOver, err)
}

func TestStepUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, err := b.Password(t.Context(), token.Portal, email, secret, laptop)
	require.NoError(t, err)
	require.NoError(t, b.fresh(r))
	b.step(signin.Fresh)
	b.requireCode(signin.CodeStepUp, b.fresh(r))
	c, err := b.StepUp(t.Context(), *r.Session, laptop)
	require.NoError(t, err)
	require.True(t, c.Has(factor.Password))
	_, err = b.Answer(t.Context(), c.Secret, factor.Password, "another secret", laptop)
	b.requireCode(account.CodePassword, err)
	b.requireCode(signin.CodeStepUp, b.fresh(r))
	renewed, err := b.Answer(t.Context(), c.Secret, factor.Password, secret, laptop)
	require.NoError(t, err)
	require.Equal(t, r.Session.ID, renewed.Session.ID, "the session goes on")
	require.Equal(t, r.Session.ExpiresAt, renewed.Session.ExpiresAt, "no longer than it would have")
	require.NoError(t, b.fresh(renewed))

	app, _ := b.app()
	b.step(signin.Fresh)
	c, err = b.StepUp(t.Context(), *r.Session, laptop)
	require.NoError(t, err)
	require.False(t, c.Has(factor.Password))
	_, err = b.Answer(t.Context(), c.Secret, factor.Password, secret, laptop)
	b.requireCode(factor.CodeWrong, err)
	renewed, err = b.Answer(t.Context(), c.Secret, factor.TOTP, b.code(app), laptop)
	require.NoError(t, err)
	b.requireIn(renewed, token.Portal, "otp", "pwd")
	require.NoError(t, b.fresh(renewed))

	c, err = b.StepUp(t.Context(), *r.Session, laptop)
	require.NoError(t, err)
	require.NoError(t, b.sessions.End(t.Context(), b.user, r.Session.ID, session.Revoked))
	b.step(30 * time.Second)
	_, err = b.Answer(t.Context(), c.Secret, factor.TOTP, b.code(app), laptop)
	b.requireCode(domain.CodeUnauthenticated, err)
	b.requireCode(domain.CodeUnauthenticated, b.fresh(renewed))
}

// TestAThiefGetsNothingOfAStepUp: what was stolen before is as old as it was, and makes no new tokens.
func TestAThiefGetsNothingOfAStepUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stolen, err := b.Password(t.Context(), token.Portal, email, secret, laptop)
	require.NoError(t, err)
	b.step(signin.Fresh)
	c, err := b.StepUp(t.Context(), *stolen.Session, laptop)
	require.NoError(t, err)
	own, err := b.Answer(t.Context(), c.Secret, factor.Password, secret, laptop)
	require.NoError(t, err)
	require.NoError(t, b.fresh(own))
	b.requireCode(signin.CodeStepUp, b.fresh(stolen))
	for _, d := range []time.Duration{0, session.Leeway - time.Millisecond} {
		b.step(d)
		_, reused, err := b.Refresh(t.Context(), stolen.Refresh, token.Portal, laptop)
		b.requireCode(session.CodeRenewed, err)
		require.False(t, reused)
	}
	b.step(time.Millisecond)
	_, reused, err := b.Refresh(t.Context(), stolen.Refresh, token.Portal, laptop)
	b.requireCode(domain.CodeUnauthenticated, err)
	require.False(t, reused, "the owner has shown a factor: nothing has to end")
	next, _, err := b.Refresh(t.Context(), own.Refresh, token.Portal, laptop)
	require.NoError(t, err)
	require.NoError(t, b.fresh(next), "a fresh session stays so with its next token")
}

// TestAStolenSession ends, and its owner is told.
func TestAStolenSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, err := b.Password(t.Context(), token.Portal, email, secret, laptop)
	require.NoError(t, err)
	next, _, err := b.Refresh(t.Context(), r.Refresh, token.Portal, laptop)
	require.NoError(t, err)
	b.step(session.Leeway)
	_, reused, err := b.Refresh(t.Context(), r.Refresh, token.Portal, session.Device{UserAgent: "a thief"})
	b.requireCode(domain.CodeUnauthenticated, err)
	require.True(t, reused)
	_, _, err = b.Refresh(t.Context(), next.Refresh, token.Portal, laptop)
	b.requireCode(domain.CodeUnauthenticated, err)
	rows, err := b.pool.Query(t.Context(), `SELECT details->>'device' FROM identity.mails WHERE kind = 'session_stolen'`)
	require.NoError(t, err)
	told, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"a thief"}, told)
}
