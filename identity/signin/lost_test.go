package signin_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

// live are the front ends at which the user has sessions.
func (b *bench) live() (audiences []token.Audience) {
	b.t.Helper()
	all, err := b.sessions.List(b.t.Context(), b.user)
	require.NoError(b.t, err)
	for i := range all {
		audiences = append(audiences, all[i].Audience)
	}
	return audiences
}

// TestTheLastFactorGoes, and with it the sessions of the admin front end, where none could begin any more; those of the portal stay. A telephone, or the recovery codes
// that stand for it, is no factor there.
func TestTheLastFactorGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app, codes := b.app()
	in := func(audience token.Audience) signin.Result {
		r, err := b.Answer(t.Context(), b.challenged(audience).Secret, factor.TOTP, b.code(app), laptop)
		require.NoError(t, err)
		b.step(30 * time.Second)
		return r
	}
	in(token.Portal)
	admin := in(token.Admin)
	b.passkey()
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.phones (user_id, number, verified_at) VALUES ($1, '+8613800138000', now())`, b.user)
	require.NoError(t, err)
	keys, err := b.passkeys.List(t.Context(), b.user)
	require.NoError(t, err)
	require.NoError(t, b.passkeys.Remove(t.Context(), b.user, keys[0].ID))
	require.ElementsMatch(t, []token.Audience{token.Admin, token.Portal}, b.live(), "the app is still there")

	underWay := b.challenged(token.Admin)
	stepUp, err := b.StepUp(t.Context(), *admin.Session, laptop)
	require.NoError(t, err)
	require.NoError(t, b.factors.RemoveTOTP(t.Context(), b.user))
	require.Equal(t, []token.Audience{token.Portal}, b.live())
	for _, c := range []*signin.Challenge{underWay, stepUp} {
		_, err = b.Answer(t.Context(), c.Secret, factor.Recovery, codes[0], laptop)
		b.requireCode(signin.CodeOver, err)
	}
	_, _, err = b.Refresh(t.Context(), admin.Refresh, token.Admin, laptop)
	b.requireCode(domain.CodeUnauthenticated, err)
	_, err = b.Password(t.Context(), token.Admin, email, secret, laptop)
	b.requireCode(signin.CodeFactorRequired, err)
	var entries int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit.entries WHERE target = 'session:' || $1::text AND body -> 'after' ->> 'ended_for' = 'factor_lost'`,
		admin.Session.ID).Scan(&entries))
	require.Equal(t, 1, entries)
}

// meanwhile lets something happen when somebody has shown a factor and has no session yet.
type meanwhile func()

func (f meanwhile) Allow(context.Context, uuid.UUID, string) error                   { f(); return nil }
func (meanwhile) AllowIn(context.Context, identity.Querier, uuid.UUID, string) error { return nil }

// TestAPasskeyThatGoesMeanwhile opens no session of the admin front end.
func TestAPasskeyThatGoesMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.passkey()
	keys, err := b.passkeys.List(t.Context(), b.user)
	require.NoError(t, err)
	m := signin.New(b.pool, signin.Parts{
		Accounts: b.accounts, Factors: b.factors, Passkeys: b.passkeys, Sessions: b.sessions, Issuer: b.issuer,
		Policy: meanwhile(func() { require.NoError(t, b.passkeys.Remove(t.Context(), b.user, keys[0].ID)) }),
	}, b.now)
	options, ceremony, err := m.AskAnybody(t.Context())
	require.NoError(t, err)
	_, err = m.Passkey(t.Context(), token.Admin, ceremony, d.get(options), laptop)
	b.requireCode(signin.CodeFactorRequired, err)
	require.Empty(t, b.live())
}

// TestAFactorThatComesMeanwhile is asked for: whoever is shown by a service at the moment in which a second factor is set up waits for that, and then shows it as well.
func TestAFactorThatComesMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, err := b.Password(t.Context(), token.Portal, email, secret, laptop)
	require.NoError(t, err)
	for name, come := range map[string]func() (*signin.Challenge, error){
		"a service": func() (*signin.Challenge, error) {
			r, err := b.External(context.Background(), token.Portal, b.user, session.Origin{Provider: "github", Subject: "1"}, laptop)
			return r.Challenge, err
		},
		"a step-up": func() (*signin.Challenge, error) { return b.StepUp(context.Background(), *r.Session, laptop) },
	} {
		b.exec(`DELETE FROM identity.totp`)
		tx, err := b.pool.Begin(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
		require.NoError(t, identity.Hold(t.Context(), tx, b.user))
		_, err = tx.Exec(t.Context(), `INSERT INTO identity.totp (user_id, secret, created_at, confirmed_at) VALUES ($1, '', now(), now())`, b.user)
		require.NoError(t, err)
		var c *signin.Challenge
		done := make(chan error, 1)
		go func() {
			var err error
			c, err = come()
			done <- err
		}()
		require.Eventually(t, func() bool {
			var n int
			err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
			return err == nil && n == 1
		}, 30*time.Second, 10*time.Millisecond)
		require.NoError(t, tx.Commit(t.Context()))
		require.NoError(t, <-done, name)
		require.NotNil(t, c, name)
		require.Equal(t, []factor.Method{factor.TOTP}, c.Methods, name)
	}
}
