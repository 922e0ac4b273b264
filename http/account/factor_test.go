package account_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	people "github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/internal/passkeytest"
)

// rawAt is a member of an item.
func rawAt(t *testing.T, a answer, item int, name string) json.RawMessage {
	t.Helper()
	var items []map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(a.raw("items"), &items))
	return items[item][name]
}

// code is what an authenticator app shows now.
func (b *bundle) code(app string) string {
	b.t.Helper()
	c, err := totp.GenerateCode(app, b.now())
	require.NoError(b.t, err)
	return c
}

// app sets an authenticator app up, and lets the first code's time pass.
func (a *agent) app() (app string, codes []string) {
	a.t.Helper()
	app = a.post(mePath+"/totp", nil).is(200).text("secret")
	got := a.post(mePath+"/totp/confirm", map[string]any{"code": a.b.code(app)}).is(200)
	require.NoError(a.t, json.Unmarshal(got.raw("codes"), &codes))
	a.b.step(time.Minute)
	return app, codes
}

func TestAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	b.program("").post(authPath+"sign-in", map[string]any{"email": email, "password": secret, "audience": "admin"}).refused(403, signin.CodeFactorRequired)
	a := b.in(email, secret)
	a.post(mePath+"/totp/confirm", map[string]any{"code": "000000"}).refused(404, domain.CodeNotFound)
	app, codes := a.app()
	require.Len(t, codes, 10)
	a.post(mePath+"/totp", nil).refused(409, domain.CodeConflict)

	browser := b.browser()
	got := browser.post(authPath+"sign-in", words(email, secret)).is(200)
	require.Empty(t, got.text("session", "session_id"))
	require.Empty(t, got.text("challenge", "challenge"), "its secret is in the cookie")
	require.Nil(t, got.cookie("__Host-mr_at"))
	require.JSONEq(t, `["otp","recovery"]`, string(browser.get(authPath+"challenge").is(200).raw("methods")))
	browser.get(mePath).refused(401, domain.CodeUnauthenticated)
	browser.post(authPath+"challenge", map[string]any{"method": "otp", "code": "12345x"}).refused(422, factor.CodeWrong)
	browser.post(authPath+"challenge", map[string]any{"method": "otp"}).refused(400, domain.CodeInvalid)
	browser.post(authPath+"challenge", map[string]any{"method": "hwk", "code": "1"}).refused(400, domain.CodeInvalid)
	browser.post(authPath+"challenge", map[string]any{"method": "pwd", "code": secret}).refused(409, signin.CodeOver)
	used := b.code(app)
	in := browser.post(authPath+"challenge", map[string]any{"method": "otp", "code": used}).is(200)
	require.Equal(t, "otp", in.text("session", "factors", 1))
	require.Empty(t, browser.held("__Host-mr_ch"))
	browser.get(mePath).is(200)
	browser.get(authPath+"challenge").refused(409, signin.CodeOver)

	program := b.program("")
	asked := program.post(authPath+"sign-in", map[string]any{"email": email, "password": secret, "delivery": "body", "audience": "admin"}).is(200)
	challenge := asked.text("challenge", "challenge")
	program.post(authPath+"challenge", map[string]any{"challenge": challenge, "method": "otp", "code": used}).refused(422, factor.CodeWrong)
	admin := program.post(authPath+"challenge", map[string]any{"challenge": challenge, "method": "recovery", "code": strings.ToLower(codes[0])}).is(200)
	require.Equal(t, "admin", admin.text("session", "audience"))
	require.Empty(t, admin.cookies)
	b.program(admin.text("access_token")).get(mePath).is(200)
	require.JSONEq(t, `9`, string(a.get(mePath+"/factors").is(200).raw("recovery_codes")))
}

func TestWhatIsDangerousNeedsAFreshFactor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	app, _ := a.app()
	b.step(signin.Fresh)
	for _, one := range []struct {
		method, path string
		body         any
	}{
		{"DELETE", mePath + "/totp", nil},
		{"POST", mePath + "/recovery-codes", nil},
		{"POST", mePath + "/totp", nil},
		{"POST", mePath + "/totp/confirm", map[string]any{"code": "000000"}},
		{"POST", mePath + "/passkeys/options", nil},
		{"POST", mePath + "/password", map[string]any{"current": secret, "password": fresh}},
		{"POST", mePath + "/email", map[string]any{"email": "x@example.com"}},
		{"GET", mePath + "/export", nil},
		{"DELETE", mePath, map[string]any{"email": email}},
		{"DELETE", mePath + "/passkeys/" + uuid.NewString(), nil},
	} {
		a.send(one.method, one.path, one.body).refused(403, signin.CodeStepUp)
	}
	asked := a.post(mePath+"/step-up", map[string]any{}).is(200)
	require.Equal(t, "otp", asked.text("challenge", "methods", 0))
	eve := b.browser()
	eve.post(authPath+"challenge", map[string]any{"method": "otp", "code": b.code(app)}).refused(409, signin.CodeOver)
	a.post(mePath+"/step-up", map[string]any{"delivery": "body"}).refused(400, domain.CodeInvalid)
	thief := b.browser()
	for _, name := range []string{"__Host-mr_at", "__Host-mr_rt"} {
		thief.put(name, a.held(name))
	}
	whose := a.get(mePath + "/sessions").is(200)
	shown := a.post(authPath+"challenge", map[string]any{"method": "otp", "code": b.code(app)}).is(200)
	require.Equal(t, whose.text("items", 0, "session_id"), shown.text("session", "session_id"), "the session goes on")
	require.Empty(t, shown.text("access_token"))
	for _, name := range []string{"__Host-mr_at", "__Host-mr_rt"} {
		require.NotEqual(t, thief.held(name), a.held(name), "with new tokens")
	}
	thief.get(mePath).is(200)
	thief.get(mePath+"/export").refused(403, signin.CodeStepUp)
	thief.post(authPath+"refresh", map[string]any{}).refused(401, session.CodeRenewed)
	require.NotEmpty(t, thief.held("__Host-mr_rt"), "a browser that was only late keeps the cookies that it has by now")
	var codes []string
	require.NoError(t, json.Unmarshal(a.post(mePath+"/recovery-codes", nil).is(200).raw("codes"), &codes))
	a.send("DELETE", mePath+"/totp", nil).is(200)
	require.JSONEq(t, `0`, string(a.get(mePath+"/factors").is(200).raw("recovery_codes")))
	b.in(email, secret)

	b.step(signin.Fresh)
	thief.post(authPath+"refresh", map[string]any{}).refused(401, domain.CodeUnauthenticated)
	require.Empty(t, thief.held("__Host-mr_rt"))
	a.post(authPath+"refresh", map[string]any{}).is(200)
	require.Equal(t, "pwd", a.post(mePath+"/step-up", map[string]any{}).is(200).text("challenge", "methods", 0))
	a.post(authPath+"challenge", map[string]any{"method": "pwd", "code": fresh}).refused(422, people.CodePassword)
	a.post(authPath+"challenge", map[string]any{"method": "pwd", "code": secret}).is(200)
	a.get(mePath + "/export").is(200)
}

// device is a virtual authenticator in a browser at the portal.
type device struct {
	t             *testing.T
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
	party         virtualwebauthn.RelyingParty
}

func (b *bundle) device(user uuid.UUID) *device {
	return &device{
		t: b.t, authenticator: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: user[:]}),
		credential: passkeytest.NewCredential(),
		party:      virtualwebauthn.RelyingParty{ID: "example.com", Name: "MassRouter", Origin: site},
	}
}

func (d *device) create(asked answer) json.RawMessage {
	d.t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(asked.raw("options")))
	require.NoError(d.t, err)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(d.party, d.authenticator, d.credential, *options))
}

func (d *device) get(asked answer) json.RawMessage {
	d.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(asked.raw("options")))
	require.NoError(d.t, err)
	d.credential.Counter++
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(d.party, d.authenticator, d.credential, *options))
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	id, err := uuid.Parse(a.get(mePath).text("user_id"))
	require.NoError(t, err)
	d := b.device(id)
	asked := a.post(mePath+"/passkeys/options", nil).is(200)
	body := map[string]any{"ceremony": asked.text("ceremony"), "name": "laptop", "credential": d.create(asked)}
	made := a.post(mePath+"/passkeys", body).is(201)
	a.post(mePath+"/passkeys", body).refused(422, passkey.CodeWrong)
	path := mePath + "/passkeys/" + made.text("passkey_id")
	a.send("PATCH", path, map[string]any{"name": "old laptop"}).is(200)
	require.Equal(t, "old laptop", a.get(mePath+"/factors").is(200).text("passkeys", 0, "name"))

	// As the second factor.
	browser := b.browser()
	require.Equal(t, "hwk", browser.post(authPath+"sign-in", words(email, secret)).is(200).text("challenge", "methods", 0))
	asked = browser.post(authPath+"challenge/passkey", map[string]any{}).is(200)
	browser.post(authPath+"challenge", map[string]any{"method": "hwk", "ceremony": asked.text("ceremony")}).refused(400, domain.CodeInvalid)
	in := browser.post(authPath+"challenge", map[string]any{"method": "hwk", "ceremony": asked.text("ceremony"), "credential": d.get(asked)}).is(200)
	require.Equal(t, "hwk", in.text("session", "factors", 1))
	browser.get(mePath).is(200)

	// As the only one, at the admin front end, which wants a second factor otherwise.
	alone := b.browser()
	asked = alone.post(authPath+"passkey", nil).is(200)
	credential := d.get(asked)
	way := map[string]any{"ceremony": asked.text("ceremony"), "credential": credential, "audience": "admin"}
	got := alone.post(authPath+"passkey/sign-in", way).is(200)
	require.Equal(t, "admin", got.text("session", "audience"))
	require.NotNil(t, got.cookie("__Host-mra_at"))
	alone.post(authPath+"passkey/sign-in", way).refused(422, passkey.CodeWrong)
	alone.get(mePath).is(200)
	alone.send("PATCH", mePath, map[string]any{"name": "Eve"}).is(200) // same origin
	portal := alone.with("Sec-Fetch-Site", "cross-site")
	portal.send("PATCH", mePath, map[string]any{"name": "Eve"}).refused(403, domain.CodeForbidden)

	// Another site's page got hold of the question.
	phished := b.device(id)
	phished.credential, phished.party.Origin = d.credential, "https://examp1e.com"
	asked = alone.post(authPath+"passkey", nil).is(200)
	alone.post(authPath+"passkey/sign-in", map[string]any{"ceremony": asked.text("ceremony"), "credential": phished.get(asked)}).refused(422, passkey.CodeWrong)

	b.join("eve@example.com")
	eve := b.in("eve@example.com", secret)
	eve.send("DELETE", path, nil).refused(404, domain.CodeNotFound)
	eve.send("PATCH", path, map[string]any{"name": "mine"}).refused(404, domain.CodeNotFound)
	a.send("DELETE", path, nil).is(200)
	b.in(email, secret)
}

func TestAnExport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	got := a.get(mePath + "/export").is(200)
	require.Equal(t, email, got.text("tables", "users", 0, "email"))
	require.NotEmpty(t, got.text("tables", "organisations", 0, "wallet_id"))
	require.NotEmpty(t, got.text("tables", "sessions", 0, "user_agent"))
	require.NotContains(t, string(got.body), "argon2id")
}

func TestErasure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	b.join("bob@example.com")
	a := b.in(email, secret)
	access, refresh := b.tokens("portal")
	wallet := a.get(mePath).text("organisations", 0, "wallet_id")
	a.send("DELETE", mePath, map[string]any{"email": "bob@example.com"}).refused(400, domain.CodeInvalid)

	shared := uuid.New()
	user := a.get(mePath).text("user_id")
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ($1, $1, 'Acme', now())`, shared)
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'owner', now())`, shared, user)
	require.NoError(t, err)
	a.send("DELETE", mePath, map[string]any{"email": email}).refused(409, organisation.CodeLastOwner)
	require.Empty(t, b.gone.wallets, "nothing was done")
	_, err = b.pool.Exec(t.Context(), `DELETE FROM identity.organisations WHERE organisation_id = $1`, shared)
	require.NoError(t, err)

	a.send("DELETE", mePath, map[string]any{"email": strings.ToUpper(email)}).is(200)
	require.Equal(t, wallet, b.gone.wallets[0].String())
	require.Empty(t, a.held("__Host-mr_at"))
	b.program(access).refusedSoon()
	b.program("").post(authPath+"refresh", map[string]any{"refresh_token": refresh}).refused(401, domain.CodeUnauthenticated)
	b.browser().post(authPath+"sign-in", words(email, secret)).refused(401, people.CodeSignIn)
	b.in("bob@example.com", secret)
	b.browser().post(authPath+"sign-up", words(email, fresh)).is(202)
}
