package http_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http"
	accounts "github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/factor"
	tenants "github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/passkeytest"
)

const (
	portal   = "https://portal.example"
	authPath = "/console/v1/auth/"
	mePath   = "/console/v1/me"
	annEmail = "ann@portal.example"
	annWord  = "correct horse battery"
)

// bare seals nothing, and revokes nothing.
type bare struct{}

func (bare) Seal(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }
func (bare) Open(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }
func (bare) RevokeAll(context.Context, uuid.UUID, string) error      { return nil }
func (bare) Has(context.Context, uuid.UUID) (bool, error)            { return false, nil }
func (b *bundle) link(s *account.Service, p account.Purpose, to string) string {
	b.t.Helper()
	var user uuid.UUID
	sql := `SELECT user_id FROM identity.users WHERE email LIKE 'ann@%'`
	if p == account.Verify {
		sql = `SELECT sign_up_id FROM identity.sign_ups WHERE email LIKE 'ann@%'`
	}
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), sql).Scan(&user))
	secret, err := s.MakeLink(b.t.Context(), user, address.Email(to), p)
	require.NoError(b.t, err)
	return secret
}

// withAccounts is the same service with people.
func (b *bundle) withAccounts(tune ...func(*password.Options)) (*bundle, *account.Service) {
	b.t.Helper()
	hashing := password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute}
	for _, f := range tune {
		f(&hashing)
	}
	hasher, err := password.NewHasher(hashing)
	require.NoError(b.t, err)
	sessions := session.New(b.pool, time.Now)
	who := account.New(b.pool, hasher, sessions, time.Now)
	factors := factor.New(b.pool, bare{}, "MassRouter", time.Now)
	passkeys, err := passkey.New(b.pool, "portal.example", "MassRouter", []string{portal}, time.Now)
	require.NoError(b.t, err)
	phones := phone.New(b.pool, phone.Options{Now: time.Now, Countries: []string{"86"}})
	key, err := token.NewKey(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	require.NoError(b.t, err)
	issuer, err := token.NewIssuer(portal, time.Now, key)
	require.NoError(b.t, err)
	sites := accounts.Sites{Portal: portal}
	machine := signin.New(b.pool, signin.Parts{Accounts: who, Factors: factors, Passkeys: passkeys, Phones: phones, Sessions: sessions, Issuer: issuer}, time.Now)
	api := b.api
	api.Accounts, err = accounts.New(&accounts.Parts{
		Accounts: who, Factors: factors, Passkeys: passkeys, Phones: phones, Sessions: sessions, Organisations: tenants.New(b.pool, opener{b.app}, time.Now), Issuer: issuer,
		Machine: machine,
		Keys:    bare{}, Sites: sites, Now: time.Now,
	})
	require.NoError(b.t, err)
	api.OAuth = b.signInServices(machine, sessions, who, api.Accounts)
	operator, err := auth.NewOperatorToken(operatorToken)
	require.NoError(b.t, err)
	api.Authenticator, err = accounts.NewAuthenticator(accounts.AuthenticatorParts{
		Operator: operator, Issuer: issuer, Sessions: sessions, Ended: bare{}, Rights: access.New(b.pool, time.Now), Sites: sites, Now: time.Now,
	})
	require.NoError(b.t, err)
	server := httptest.NewServer(api.Handler())
	b.t.Cleanup(server.Close)
	c := *b
	c.url, c.api = server.URL, api
	return &c, who
}

// people walks somebody through an account's life.
func (b *bundle) people() {
	t := b.t
	t.Helper()
	b, who := b.withAccounts()
	nobody := header{"Authorization", ""}
	words := map[string]any{"email": annEmail, "password": annWord, "delivery": "body"}
	b.post(authPath+"sign-up", map[string]any{"email": annEmail, "password": annWord}, nobody).is(202)
	b.post(authPath+"verify-email", map[string]any{"token": b.link(who, account.Verify, annEmail), "password": annWord}, nobody).is(200)
	b.post(authPath+"forgot-password", map[string]any{"email": annEmail}, nobody).is(202)
	b.post(authPath+"reset-password", map[string]any{"token": b.link(who, account.Reset, annEmail), "password": annWord}, nobody).is(200)
	in := b.post(authPath+"sign-in", words, nobody).is(200)
	in = b.post(authPath+"refresh", map[string]any{"refresh_token": in.text("refresh_token")}, nobody).is(200)
	me := bearer(in.text("access_token"))
	user, err := uuid.Parse(b.get(mePath, me).is(200).text("user_id"))
	require.NoError(t, err)
	wallet := b.get(mePath, me).is(200).text("organisations", 0, "wallet_id")
	b.send("PATCH", mePath, map[string]any{"name": "Ann"}, me).is(200)
	b.get(mePath+"/sessions", me).is(200)
	b.get(mePath+"/activity", me).is(200)
	b.get(mePath+"/export", me).is(200)
	b.post(mePath+"/password", map[string]any{"current": annWord, "password": annWord}, me).is(200)
	b.post(mePath+"/email", map[string]any{"email": "ann@new.example"}, me).is(202)
	b.post(mePath+"/email/confirm", map[string]any{"token": b.link(who, account.Change, "ann@new.example")}, me).is(200)
	words["email"] = "ann@new.example"
	b.secondFactors(user, me, words)
	b.keyOfOnesOwn(wallet, me)
	b.atServices(me)
	b.keysOfApps(me, wallet)
	b.singleSignOn(me)

	other := b.post(authPath+"sign-in", words, nobody).is(200)
	b.send("DELETE", mePath+"/sessions/"+other.text("session", "session_id"), nil, me).is(200)
	other = b.post(authPath+"sign-in", words, nobody).is(200)
	b.post(authPath+"sign-out", map[string]any{"refresh_token": other.text("refresh_token")}, nobody).is(200)
	b.post(authPath+"sign-out-everywhere", nil, me).is(200)
	me = bearer(b.post(authPath+"sign-in", words, nobody).is(200).text("access_token"))
	b.send("DELETE", mePath, map[string]any{"email": "ann@new.example"}, me).is(200)
	b.get(accounts.KeySetPath, nobody).is(200)
}

// secondFactors sets an app and a passkey up, uses them, and takes them away.
func (b *bundle) secondFactors(user uuid.UUID, me header, words map[string]any) {
	t := b.t
	t.Helper()
	nobody := header{"Authorization", ""}
	app := b.post(mePath+"/totp", nil, me).is(200).text("secret")
	code, err := totp.GenerateCode(app, time.Now())
	require.NoError(t, err)
	b.post(mePath+"/totp/confirm", map[string]any{"code": code}, me).is(200)
	var codes []string
	require.NoError(t, json.Unmarshal(b.post(mePath+"/recovery-codes", nil, me).is(200).at("codes"), &codes))

	device := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: user[:]})
	key, party := passkeytest.NewCredential(), virtualwebauthn.RelyingParty{ID: "portal.example", Name: "MassRouter", Origin: portal}
	asked := b.post(mePath+"/passkeys/options", nil, me).is(200)
	wanted, err := virtualwebauthn.ParseAttestationOptions(string(asked.at("options")))
	require.NoError(t, err)
	made := b.post(mePath+"/passkeys", map[string]any{
		"ceremony": asked.text("ceremony"), "name": "laptop", "credential": json.RawMessage(virtualwebauthn.CreateAttestationResponse(party, device, key, *wanted)),
	}, me).is(201)
	answered := func(asked answer) map[string]any {
		wanted, err := virtualwebauthn.ParseAssertionOptions(string(asked.at("options")))
		require.NoError(t, err)
		key.Counter++
		return map[string]any{"ceremony": asked.text("ceremony"), "delivery": "body", "credential": json.RawMessage(virtualwebauthn.CreateAssertionResponse(party, device, key, *wanted))}
	}
	b.post(authPath+"passkey/sign-in", answered(b.post(authPath+"passkey", nil, nobody).is(200)), nobody).is(200)

	byCookie := map[string]any{"email": words["email"], "password": annWord}
	cookie := b.post(authPath+"sign-in", byCookie, nobody).is(200).header.Get("Set-Cookie")
	held := header{"Cookie", strings.Split(cookie, ";")[0]}
	b.get(authPath+"challenge", nobody, held).is(200)
	challenge := b.post(authPath+"sign-in", words, nobody).is(200).text("challenge", "challenge")
	proof := answered(b.post(authPath+"challenge/passkey", map[string]any{"challenge": challenge}, nobody).is(200))
	proof["challenge"], proof["method"] = challenge, "hwk"
	b.post(authPath+"challenge", proof, nobody).is(200)
	step := b.post(mePath+"/step-up", map[string]any{"delivery": "body"}, me).is(200).text("challenge", "challenge")
	b.post(authPath+"challenge", map[string]any{"challenge": step, "method": "recovery", "code": codes[0]}, nobody).is(200)

	b.telephone(me, words)
	b.get(mePath+"/factors", me).is(200)
	b.send("PATCH", mePath+"/passkeys/"+made.text("passkey_id"), map[string]any{"name": "phone"}, me).is(200)
	b.send("DELETE", mePath+"/passkeys/"+made.text("passkey_id"), nil, me).is(200)
	b.send("DELETE", mePath+"/totp", nil, me).is(200)
}

// telephone sets a number up, is asked for it, and takes it away.
func (b *bundle) telephone(me header, words map[string]any) {
	b.t.Helper()
	phones := phone.New(b.pool, phone.Options{Countries: []string{"86"}})
	code := func() string {
		var id uuid.UUID
		require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT message_id FROM identity.messages ORDER BY message_id DESC LIMIT 1`).Scan(&id))
		digits, err := phones.MakeCode(b.t.Context(), id)
		require.NoError(b.t, err)
		return digits
	}
	nobody := header{"Authorization", ""}
	b.send("PUT", mePath+"/phone", map[string]any{"phone": "+8613800138000"}, me).is(202)
	b.post(mePath+"/phone/confirm", map[string]any{"code": code()}, me).is(200)
	b.get(mePath+"/phone", me).is(200)
	challenge := b.post(authPath+"sign-in", words, nobody).is(200).text("challenge", "challenge")
	b.post(authPath+"challenge/sms", map[string]any{"challenge": challenge}, nobody).is(202)
	b.post(authPath+"challenge", map[string]any{"challenge": challenge, "method": "sms", "code": code()}, nobody).is(200)
	b.send("DELETE", mePath+"/phone", nil, me).is(200)
}

// keyOfOnesOwn: a person may issue keys of the own wallet, once a factor is fresh, and of no other.
func (b *bundle) keyOfOnesOwn(wallet string, me header) {
	t := b.t
	t.Helper()
	path := "/console/v1/wallets/" + wallet
	key := map[string]any{"name": "mine"}
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.sessions SET authenticated_at = authenticated_at - interval '6 minutes'`)
	require.NoError(t, err)
	b.post(path+"/keys", key, me).refused(403, signin.CodeStepUp)
	_, err = b.pool.Exec(t.Context(), `UPDATE identity.sessions SET authenticated_at = authenticated_at + interval '6 minutes'`)
	require.NoError(t, err)
	issued := b.post(path+"/keys", key, me).is(201)
	b.get(path+"/keys"+issued.after(), me).is(200)
	b.post("/console/v1/wallets/"+uuid.NewString()+"/keys", key, me).refused(404, domain.CodeNotFound)
	b.post("/console/v1/wallets", map[string]any{"owner": "x", "currency": "USD"}, me).refused(403, domain.CodeForbidden)
}

func TestAServiceWithoutPeopleSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, api := range []*accounts.API{nil, mustAccounts(t)} {
		one := b.api
		one.Accounts = api
		server := httptest.NewServer(http.API(one).Handler())
		t.Cleanup(server.Close)
		c := *b
		c.url = server.URL
		c.post(authPath+"sign-in", map[string]any{"email": annEmail, "password": annWord}, header{"Authorization", ""}).refused(nethttp.StatusNotImplemented, problem.CodeNotConfigured)
		c.get(accounts.KeySetPath).refused(nethttp.StatusNotImplemented, problem.CodeNotConfigured)
	}
}

func mustAccounts(t *testing.T) *accounts.API {
	t.Helper()
	api, err := accounts.New(nil)
	require.NoError(t, err)
	return api
}
