package signin_test

import (
	"context"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

func from(address string) session.Device {
	return session.Device{UserAgent: "a browser", Address: netip.MustParseAddr(address)}
}

// asked is a challenge of who knows a password, at a device.
func (b *bench) asked(d session.Device, password string) *signin.Challenge {
	b.t.Helper()
	r, err := b.Password(b.t.Context(), token.Portal, email, password, d)
	require.NoError(b.t, err)
	require.NotNil(b.t, r.Challenge)
	return r.Challenge
}

// guess answers a challenge of its own by a code.
func (b *bench) guess(d session.Device, method factor.Method, typed string) error {
	b.t.Helper()
	_, err := b.Answer(b.t.Context(), b.asked(d, secret).Secret, method, typed, d)
	return err
}

// exhaust spends all the guesses that strangers have, from as many networks as that takes.
func (b *bench) exhaust(app string) {
	b.t.Helper()
	for n := range signin.MaxGuesses {
		d := from([]string{"198.51.100.1", "192.0.2.200", "2001:db8:7:1::1"}[n/signin.MaxGuessesOfNetwork])
		b.requireCode(factor.CodeWrong, b.guess(d, factor.TOTP, b.wrong(app)))
	}
}

func (b *bench) warned() (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM identity.mails WHERE user_id = $1 AND kind = $2`, b.user, account.CodesGuessed).Scan(&n))
	return n
}

// TestGuessingOnAndOn: who knows the password and begins again after every code has to wait, wherever in a network he is; others have not, and are told.
func TestGuessingOnAndOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app, _ := b.app()
	for n := range signin.MaxGuessesOfNetwork {
		require.Zero(t, b.warned(), n)
		b.requireCode(factor.CodeWrong, b.guess(from("198.51.100."+[]string{"1", "250"}[n%2]), factor.TOTP, b.wrong(app)))
	}
	require.Equal(t, 1, b.warned())
	for range 5 {
		b.requireCode(signin.CodeTooMany, b.guess(from("198.51.100.77"), factor.TOTP, b.code(app)))
	}
	require.Equal(t, 1, b.warned(), "once a day")
	require.NoError(t, b.guess(from("198.51.101.1"), factor.TOTP, b.code(app)), "elsewhere nobody waits")
	b.step(time.Hour)
	require.NoError(t, b.guess(from("198.51.100.77"), factor.TOTP, b.code(app)), "those that were refused count for nothing")

	for n := range signin.MaxGuessesOfNetwork {
		b.requireCode(factor.CodeWrong, b.guess(from([]string{"2001:db8:1:1::1", "2001:db8:1:2::1"}[n%2]), factor.TOTP, b.wrong(app)))
	}
	b.step(30 * time.Second)
	b.requireCode(signin.CodeTooMany, b.guess(from("2001:db8:1:ffff::1"), factor.TOTP, b.code(app)))
	require.NoError(t, b.guess(from("2001:db8:2::1"), factor.TOTP, b.code(app)))

	b.step(signin.Known + time.Second)
	n, err := b.Prune(t.Context())
	require.NoError(t, err)
	var challenges, networks int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM identity.challenges), (SELECT count(*) FROM identity.factor_networks)`).Scan(&challenges, &networks))
	require.Zero(t, challenges)
	require.Zero(t, networks)
	require.Equal(t, int64(2*signin.MaxGuessesOfNetwork+5+1+3+3), n)
}

// TestNobodyIsLockedOutByGuesses: who knows the password spends all guesses from many networks. The owner comes in where a second factor was shown before, anywhere by a
// recovery code, and with a new password as if nothing had been.
func TestNobodyIsLockedOutByGuesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app, codes := b.app()
	require.NoError(t, b.guess(laptop, factor.TOTP, b.code(app)))
	_, err := b.sessions.EndEvery(t.Context(), b.user, session.SignedOut) // a network is known without a session
	require.NoError(t, err)
	b.step(time.Minute)
	b.exhaust(app)
	require.Equal(t, 1, b.warned())
	cafe := from("198.18.0.1")
	b.requireCode(signin.CodeTooMany, b.guess(cafe, factor.TOTP, b.code(app)))
	require.NoError(t, b.guess(laptop, factor.TOTP, b.code(app)), "a network that is known")
	require.NoError(t, b.guess(from("198.51.100.1"), factor.Recovery, codes[0]), "where the guesses came from, too")
	require.NoError(t, b.guess(from("198.18.7.1"), factor.Recovery, codes[1]))
	for range 2 * signin.MaxGuesses { // they cannot be guessed, and nobody is kept waiting by who tries
		b.requireCode(factor.CodeWrong, b.guess(cafe, factor.Recovery, "0000-0000-0000-0000"))
	}
	require.NoError(t, b.guess(cafe, factor.Recovery, codes[2]))
	b.step(30 * time.Second)
	require.NoError(t, b.guess(cafe, factor.TOTP, b.code(app)), "known by now")

	other := from("192.0.2.200")
	b.requireCode(signin.CodeTooMany, b.guess(other, factor.TOTP, b.code(app)))
	link, err := b.accounts.MakeLink(t.Context(), b.user, email, account.Reset)
	require.NoError(t, err)
	const fresh = "a red bicycle in rain"
	require.NoError(t, b.accounts.Reset(t.Context(), link, fresh))
	b.step(30 * time.Second)
	_, err = b.Answer(t.Context(), b.asked(other, fresh).Secret, factor.TOTP, b.code(app), other)
	require.NoError(t, err, "guesses with the password of before are over")
}

// TestGuessesOfAStolenSession count where the thief is, and keep nobody out elsewhere.
func TestGuessesOfAStolenSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app, _ := b.app()
	r, err := b.Answer(t.Context(), b.asked(laptop, secret).Secret, factor.TOTP, b.code(app), laptop)
	require.NoError(t, err)
	b.step(30 * time.Second)
	thief := from("198.51.100.1")
	again := func(d session.Device, typed string) error {
		c, err := b.StepUp(t.Context(), *r.Session, d)
		require.NoError(t, err)
		_, err = b.Answer(t.Context(), c.Secret, factor.TOTP, typed, d)
		return err
	}
	for range signin.MaxGuessesOfNetwork {
		b.requireCode(factor.CodeWrong, again(thief, b.wrong(app)))
	}
	b.requireCode(signin.CodeTooMany, again(thief, b.code(app)))
	require.NoError(t, again(laptop, b.code(app)))
}

// stepUp shows the password of somebody without a second factor once more.
func (b *bench) stepUp(s *session.Session, d session.Device, typed string) error {
	b.t.Helper()
	c, err := b.StepUp(b.t.Context(), *s, d)
	require.NoError(b.t, err)
	require.True(b.t, c.Has(factor.Password))
	_, err = b.Answer(b.t.Context(), c.Secret, factor.Password, typed, d)
	return err
}

// TestWrongPasswordsOfAStolenSession keep nobody from a step-up where the password alone has been enough before: at sign-in, at a service of others, or at a step-up. Elsewhere
// the owner signs in anew.
func TestWrongPasswordsOfAStolenSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	home, office, train := laptop, from("198.18.0.1"), from("198.18.1.1")
	r, err := b.Password(t.Context(), token.Portal, email, secret, home)
	require.NoError(t, err)
	elsewhere, err := b.External(t.Context(), token.Portal, b.user, session.Origin{Provider: "github", Subject: "1"}, office)
	require.NoError(t, err)
	require.NotNil(t, elsewhere.Session)
	require.NoError(t, b.stepUp(r.Session, train, secret))
	for n := range signin.MaxGuesses {
		thief := from([]string{"198.51.100.1", "192.0.2.200", "2001:db8:7:1::1"}[n/signin.MaxGuessesOfNetwork])
		b.requireCode(account.CodePassword, b.stepUp(r.Session, thief, "wrong horse battery"))
	}
	require.Equal(t, 1, b.warned())
	for _, d := range []session.Device{home, office, train} {
		require.NoError(t, b.stepUp(r.Session, d, secret), d.Address)
	}
	cafe := from("198.18.2.1")
	err = b.stepUp(r.Session, cafe, secret)
	b.requireCode(signin.CodeTooMany, err)
	require.ErrorContains(t, err, "sign in anew")
	anew, err := b.Password(t.Context(), token.Portal, email, secret, cafe)
	require.NoError(t, err)
	require.NoError(t, b.fresh(anew))
	require.NoError(t, b.stepUp(anew.Session, cafe, secret), "known by now")
}

// TestTheFirstFactorBeginsAnew: who knew the password before there was a second factor guesses its codes as any stranger does. A further factor changes nothing.
func TestTheFirstFactorBeginsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 9 { // of who knows the password
		_, err := b.Password(t.Context(), token.Portal, email, secret, from("198.51."+strconv.Itoa(n)+".1"))
		require.NoError(t, err)
	}
	require.Equal(t, 9, b.known())
	b.passkey()
	require.Zero(t, b.known())
	keys, err := b.passkeys.List(t.Context(), b.user)
	require.NoError(t, err)
	require.NoError(t, b.passkeys.Remove(t.Context(), b.user, keys[0].ID))
	_, err = b.Password(t.Context(), token.Portal, email, secret, from("198.51.100.1"))
	require.NoError(t, err)
	require.Equal(t, 1, b.known())
	app, _ := b.app()
	require.Zero(t, b.known())
	require.NoError(t, b.guess(laptop, factor.TOTP, b.code(app)))
	require.Equal(t, 1, b.known())
	b.passkey()
	require.Equal(t, 1, b.known())
}

func (b *bench) known() (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM identity.factor_networks`).Scan(&n))
	return n
}

// TestGuessesAtOnce: as many challenges as one likes, answered in the same moment, have no more guesses than one after the other.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app, _ := b.app()
	d, wrong := from("198.51.100.1"), b.wrong(app)
	var open []*signin.Challenge
	for range 2 * signin.MaxGuessesOfNetwork {
		open = append(open, b.asked(d, secret))
	}
	results := make(chan error, 2*len(open))
	var group sync.WaitGroup
	for _, c := range append(open, open...) {
		group.Go(func() {
			_, err := b.Answer(context.Background(), c.Secret, factor.TOTP, wrong, d)
			results <- err
		})
	}
	group.Wait()
	close(results)
	counts := map[domain.Code]int{}
	for err := range results {
		counts[domain.CodeOf(err)]++
	}
	require.Equal(t, map[domain.Code]int{factor.CodeWrong: signin.MaxGuessesOfNetwork, signin.CodeTooMany: 3 * signin.MaxGuessesOfNetwork}, counts)
}
