package account_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/signin"
)

// TestNobodyElseConfirmsAnAuthenticatorApp: a secret that waits for its first code wants a fresh session and is over after a while, and after a few wrong codes.
func TestNobodyElseConfirmsAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	confirm := func(code string) answer { return a.post(mePath+"/totp/confirm", map[string]any{"code": code}) }
	again := func() {
		a.post(mePath+"/step-up", map[string]any{}).is(200)
		a.post(authPath+"challenge", map[string]any{"method": "pwd", "code": secret}).is(200)
	}
	app := a.post(mePath+"/totp", nil).is(200).text("secret")
	b.step(signin.Fresh)
	confirm(b.code(app)).refused(403, signin.CodeStepUp)
	again()
	b.step(factor.EnrolmentLife - signin.Fresh)
	again()
	confirm(b.code(app)).refused(404, domain.CodeNotFound)

	app = a.post(mePath+"/totp", nil).is(200).text("secret")
	for range factor.MaxTries {
		confirm("abcdef").refused(422, factor.CodeWrong)
	}
	confirm(b.code(app)).refused(404, domain.CodeNotFound)
	require.JSONEq(t, `false`, string(a.get(mePath+"/factors").is(200).raw("totp")))
	a.app()
}

// TestGuessedCodes: who knows the password and guesses codes, from wherever he likes, keeps the owner from nothing where the owner has been, nor from recovery codes, and
// is rid of with the password. The owner is told.
func TestGuessedCodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	app, codes := b.in(email, secret).app()
	try := func(from, password, method, code string) answer {
		a := b.browser().from(from)
		require.NotNil(t, a.post(authPath+"sign-in", words(email, password)).is(200).raw("challenge"))
		return a.post(authPath+"challenge", map[string]any{"method": method, "code": code})
	}
	const home, train = "203.0.113.9", "198.18.0.1"
	try(home, secret, "otp", b.code(app)).is(200)
	b.step(30 * time.Second)
	refused := 0
	for n := range 2 * signin.MaxGuesses {
		got := try(fmt.Sprintf("198.51.%d.%d", n%6, n), secret, "otp", "abcdef")
		if got.status == 429 {
			refused++
			got.refused(429, signin.CodeTooMany)
			continue
		}
		got.refused(422, factor.CodeWrong)
	}
	require.Equal(t, signin.MaxGuesses, refused)
	b.mailed(email, "guessing codes")
	try(train, secret, "otp", b.code(app)).refused(429, signin.CodeTooMany)
	try("203.0.113.77", secret, "otp", b.code(app)).is(200)
	try(train, secret, "recovery", codes[0]).is(200)

	b.browser().post(authPath+"forgot-password", map[string]any{"email": email}).is(202)
	b.browser().post(authPath+"reset-password", map[string]any{"token": b.linked(email, "reset-password"), "password": fresh}).is(200)
	b.step(30 * time.Second)
	try("198.51.5.1", fresh, "otp", b.code(app)).is(200)
	try("198.51.4.1", fresh, "recovery", codes[1]).is(200)
}

// TestALostFactorEndsAdminSessions at once, on the page that has removed it as well.
func TestALostFactorEndsAdminSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	portal := b.in(email, secret)
	app, _ := portal.app()
	asked := b.program("").post(authPath+"sign-in", map[string]any{"email": email, "password": secret, "delivery": "body", "audience": "admin"}).is(200)
	in := b.program("").post(authPath+"challenge", map[string]any{"challenge": asked.text("challenge", "challenge"), "method": "otp", "code": b.code(app)}).is(200)
	admin := b.program(in.text("access_token"))
	admin.get(mePath).is(200)
	portal.send("DELETE", mePath+"/totp", nil).is(200)
	admin.refusedSoon()
	b.program("").post(authPath+"refresh", map[string]any{"refresh_token": in.text("refresh_token"), "audience": "admin"}).refused(401, domain.CodeUnauthenticated)
	portal.get(mePath).is(200)
}
