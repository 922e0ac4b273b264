package account_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/account"
	people "github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/password"
)

func TestAPersonSignsUpAndIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.browser()
	a.post(authPath+"sign-up", words(email, secret)).is(202)
	link := b.linked(email, "verify-email")
	a.post(authPath+"sign-in", words(email, secret)).refused(401, people.CodeSignIn)
	require.Eventually(t, func() bool { return len(b.outbox.List()) == 2 }, patience, tick, "another mail; the link of the first is as good")
	a.post(authPath+"verify-email", map[string]any{"token": "made-up", "password": secret}).refused(422, people.CodeLink)
	a.post(authPath+"verify-email", map[string]any{"token": link}).refused(400, domain.CodeInvalid)
	a.post(authPath+"verify-email", map[string]any{"token": link, "password": secret}).is(200)
	a.post(authPath+"verify-email", map[string]any{"token": link, "password": secret}).refused(422, people.CodeLink)
	a.get(mePath).refused(401, domain.CodeUnauthenticated)

	got := a.post(authPath+"sign-in", words(strings.ToUpper(email), secret)).is(200)
	require.NotContains(t, string(got.body), "token", "tokens are in cookies only")
	for name, same := range map[string]http.SameSite{"__Host-mr_at": http.SameSiteLaxMode, "__Host-mr_rt": http.SameSiteStrictMode} {
		c := got.cookie(name)
		require.NotNil(t, c, name)
		require.True(t, c.HttpOnly && c.Secure && c.Path == "/" && c.Domain == "" && c.SameSite == same && c.MaxAge > 0, "%+v", c)
	}
	me := a.get(mePath).is(200)
	require.Equal(t, email, me.text("email"))
	require.Equal(t, "owner", me.text("organisations", 0, "role"))
	id, err := uuid.Parse(me.text("organisations", 0, "wallet_id"))
	require.NoError(t, err)
	events, err := b.store.Read(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, wallet.Stream(id), events[0].StreamID)
	require.NotContains(t, string(events[0].Body), email)

	require.Equal(t, "Ann B", a.send("PATCH", mePath, map[string]any{"name": " Ann  B "}).is(200).text("name"))
	require.Equal(t, "en", a.get(mePath).text("language"))
	require.Equal(t, "zh-CN", a.send("PATCH", mePath, map[string]any{"language": "zh-CN"}).is(200).text("language"))
	a.send("PATCH", mePath, map[string]any{"zone": "Mars/Olympus"}).refused(400, domain.CodeInvalid)
	a.send("PATCH", mePath, map[string]any{"email": "eve@example.com"}).refused(400, domain.CodeInvalid)
	a.send("PATCH", mePath, map[string]any{"user_id": uuid.NewString()}).refused(400, domain.CodeInvalid)

	sessions := a.get(mePath + "/sessions").is(200)
	require.Equal(t, "127.0.0.1", sessions.text("items", 0, "address"))
	out := a.post(authPath+"sign-out", map[string]any{}).is(200)
	require.Negative(t, out.cookie("__Host-mr_at").MaxAge)
	require.Empty(t, a.held("__Host-mr_rt"))
	a.get(mePath).refused(401, domain.CodeUnauthenticated)
}

func TestProgramsHaveTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	got := b.program("").post(authPath+"sign-in", map[string]any{"email": email, "password": secret, "delivery": "body"}).is(200)
	require.Empty(t, got.cookies)
	p := b.program(got.text("access_token"))
	require.Equal(t, email, p.get(mePath).is(200).text("email"))
	next := p.post(authPath+"refresh", map[string]any{"refresh_token": got.text("refresh_token")}).is(200)
	require.Empty(t, next.cookies)
	require.Equal(t, email, b.program(next.text("access_token")).get(mePath).is(200).text("email"))
	p.post(authPath+"sign-out", map[string]any{"refresh_token": next.text("refresh_token")}).is(200)
	p.post(authPath+"refresh", map[string]any{"refresh_token": next.text("refresh_token")}).refused(401, domain.CodeUnauthenticated)

	for _, wrong := range []map[string]any{{"audience": "root"}, {"delivery": "pigeon"}} {
		wrong["email"], wrong["password"] = email, secret
		p.post(authPath+"sign-in", wrong).refused(400, domain.CodeInvalid)
	}
	keys := b.program("").get(account.KeySetPath).is(200)
	require.Equal(t, b.keys[0].ID, keys.text("keys", 0, "kid"))
	require.NotContains(t, string(keys.body), `"d"`)
}

// TestNobodyLearnsWhoHasAnAccount: what is answered about an address that has an account is, but for the request's id, what is answered about one that has none.
func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	b.browser().post(authPath+"sign-up", words("unproved@example.com", secret)).is(202)
	for path, body := range map[string]map[string]any{
		"sign-up":         {"password": fresh},
		"sign-in":         {"password": fresh},
		"forgot-password": {},
	} {
		var want answer
		for i, address := range []string{"nobody-" + path + "@example.com", email, "unproved@example.com"} {
			body["email"] = address
			got := b.program("").post(authPath+path, body)
			require.Empty(t, got.cookies)
			if i == 0 {
				want = got
				continue
			}
			require.Equal(t, want.status, got.status, path)
			require.Equal(t, want.text("code"), got.text("code"), path)
			require.Equal(t, want.text("detail"), got.text("detail"), path)
			require.Len(t, got.body, len(want.body), "%s", got.body)
		}
	}
	b.mailed(email, "already")
	b.program("").post(authPath+"passkey/sign-in", map[string]any{"ceremony": "none", "credential": map[string]any{}}).is(422)
}

func TestWeakPasswordsAndStrangeAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.browser()
	a.post(authPath+"sign-up", words(email, "password1")).refused(400, password.CodeWeak)
	for _, address := range []string{"", "ann", "ann@localhost", "ann\r\nBcc: x@example.com", "ann@exam\u200bple.com\n", "\u0430nn@example.com", "ann@[127.0.0.1]"} {
		a.post(authPath+"sign-up", words(address, secret)).refused(400, domain.CodeInvalid)
	}
	a.post(authPath+"sign-in", words(email, strings.Repeat("x", 600))).refused(401, people.CodeSignIn)
	a.post(authPath+"sign-up", map[string]any{"email": email, "password": secret, "role": "owner"}).refused(400, domain.CodeInvalid)
}

// TestAWalletThatCouldNotBeOpened: the ledger is away while somebody proves a mailbox; the next sign-in does what was left undone, once.
func TestAWalletThatCouldNotBeOpened(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wallets.set(true)
	b.join(email)
	a := b.in(email, secret)
	require.JSONEq(t, `[]`, string(a.get(mePath).is(200).raw("organisations")))
	b.wallets.set(false)
	for range 2 {
		a = b.in(email, secret)
	}
	require.NotEmpty(t, a.get(mePath).is(200).text("organisations", 0, "wallet_id"))
	events, err := b.store.Read(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
}

// TestASessionThatSomebodyElseHasPutThere is session fixation: a victim signs in in a browser that has the attacker's cookies.
func TestASessionThatSomebodyElseHasPutThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	b.join("eve@example.com")
	eve := b.in("eve@example.com", secret)
	victim := b.browser()
	for _, name := range []string{"__Host-mr_at", "__Host-mr_rt"} {
		victim.put(name, eve.held(name))
	}
	got := victim.post(authPath+"sign-in", words(email, secret)).is(200)
	require.NotEqual(t, eve.held("__Host-mr_rt"), victim.held("__Host-mr_rt"))
	require.Equal(t, email, victim.get(mePath).is(200).text("email"))
	require.NotEqual(t, got.text("session", "session_id"), eve.get(mePath+"/sessions").is(200).text("items", 0, "session_id"))
	require.Equal(t, "eve@example.com", eve.get(mePath).is(200).text("email"))

	victim.put("__Host-mr_ch", "chosen-by-eve")
	victim.get(authPath+"challenge").refused(409, "challenge_over")
}

func TestForgottenPasswords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	b.browser().post(authPath+"forgot-password", map[string]any{"email": email}).is(202)
	link := b.linked(email, "reset-password")
	for n := range 3 { // by a stranger
		b.browser().post(authPath+"forgot-password", map[string]any{"email": email}).is(202)
		require.Eventually(t, func() bool { return len(b.outbox.List()) == n+3 }, patience, tick)
	}
	b.browser().post(authPath+"reset-password", map[string]any{"token": link, "password": "12345678"}).refused(400, password.CodeWeak)
	b.browser().post(authPath+"reset-password", map[string]any{"token": link, "password": fresh}).is(200)
	b.browser().post(authPath+"reset-password", map[string]any{"token": link, "password": fresh}).refused(422, people.CodeLink)
	b.browser().post(authPath+"sign-in", words(email, secret)).refused(401, people.CodeSignIn)
	a.refusedSoon()
	again := b.in(email, fresh)
	again.post(mePath+"/password", map[string]any{"current": secret, "password": secret}).refused(422, people.CodePassword)
	other := b.in(email, fresh)
	again.post(mePath+"/password", map[string]any{"current": fresh, "password": secret}).is(200)
	other.refusedSoon()
	again.get(mePath).is(200)
	b.mailed(email, "password was changed")
}

// refusedSoon waits until the agent's session has ended for this process.
func (a *agent) refusedSoon() {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		got, err := a.call(http.MethodGet, mePath, nil)
		return err == nil && got.status == http.StatusUnauthorized
	}, patience, tick)
}

func TestAnotherMailbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	b.step(6 * time.Minute)
	a.post(mePath+"/email", map[string]any{"email": "ann@new.example"}).refused(403, "step_up_required")
	a = b.in(email, secret)
	a.post(mePath+"/email", map[string]any{"email": "ann@new.example"}).is(202)
	b.mailed(email, "about to change")
	link := map[string]any{"token": b.linked("ann@new.example", "confirm-email")}
	b.browser().post(mePath+"/email/confirm", link).refused(401, domain.CodeUnauthenticated)
	b.join("bob@example.com")
	b.in("bob@example.com", secret).post(mePath+"/email/confirm", link).refused(422, people.CodeLink)
	a.post(mePath+"/email/confirm", link).is(200)
	b.mailed(email, "was changed")
	require.Equal(t, "ann@new.example", a.get(mePath).is(200).text("email"))
}
