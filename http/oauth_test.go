package http_test

import (
	"context"
	nethttp "net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	accounts "github.com/massrouter/massrouter/http/account"
	oauthhttp "github.com/massrouter/massrouter/http/oauth"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// txtRecords are DNS; that a real server is asked is shown by the tests of package sso.
type txtRecords map[string]string

func (r txtRecords) LookupTXT(_ context.Context, name string) ([]string, error) {
	return []string{r[name]}, nil
}

// granters ask the rights that there are.
type granters struct{ rights *access.Service }

func (g granters) MayIssue(ctx context.Context, user, wallet uuid.UUID) (bool, error) {
	rights, err := g.rights.Rights(ctx, user)
	return rights.Tenants[wallet].Permissions.Has(access.KeysWrite), err
}

// signInServices are one issuer, which is down until somebody needs it.
func (b *bundle) signInServices(machine *signin.Machine, sessions *session.Store, who *account.Service, api *accounts.API) *oauthhttp.API {
	b.t.Helper()
	b.records = txtRecords{}
	b.issuer = oauthsim.NewIssuer(b.t, oauthsim.App{ID: "corp-client", Secret: "s", Redirect: portal + oauth.CallbackPath("corp")}, time.Now)
	configs, err := oauth.ParseConfigs([]byte(`[{"id":"corp","kind":"oidc","client_id":"corp-client","client_secret":"s","issuer":"` + b.issuer.URL + `","verified_email":true}]`))
	require.NoError(b.t, err)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	connections := sso.New(b.pool, bare{}, b.records, oauth.NewClient(loopback), time.Now)
	services, err := oauth.New(b.pool, oauth.Options{
		Providers: configs, Portal: portal, Allowed: loopback, Machine: machine, Accounts: who, SSO: connections, Now: time.Now,
	})
	require.NoError(b.t, err)
	return oauthhttp.New(&oauthhttp.Parts{
		Services: services, Machine: machine, Sessions: sessions, Account: api, Codes: appcode.New(b.pool, time.Now), SSO: connections, Now: time.Now,
	})
}

// redirected asks as a browser that follows nothing, with the cookies of an answer before, and is where it is sent, with its cookies.
func (b *bundle) redirected(method, path, cookies, body string, status int) (to, kept string) {
	b.t.Helper()
	r, err := nethttp.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(b.t, err)
	if cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.http.Transport.RoundTrip(r)
	require.NoError(b.t, err)
	require.NoError(b.t, answer.Body.Close())
	require.Equal(b.t, status, answer.StatusCode)
	var all []string
	for _, c := range answer.Cookies() {
		if c.MaxAge > 0 {
			all = append(all, c.Name+"="+c.Value)
		}
	}
	return answer.Header.Get("Location"), strings.Join(all, "; ")
}

// atServices links what somebody has at a service, signs in by it, and unlinks.
func (b *bundle) atServices(me header) {
	t := b.t
	t.Helper()
	nobody := header{"Authorization", ""}
	b.get(authPath+"providers", nobody).is(200)
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: "ann@new.example", Verified: true, Name: "Ann"})
	at := func(to string) string {
		back := oauthsim.Visit(t, to)
		return back.RequestURI()
	}
	to, kept := b.redirected("GET", authPath+"oauth/corp?return_to=/account", "", "", 302)
	back := at(to)
	to, _ = b.redirected("POST", strings.SplitN(back, "?", 2)[0], "", strings.SplitN(back, "?", 2)[1], 303)
	to, pending := b.redirected("GET", to, kept, "", 302)
	require.Equal(t, portal+"/auth/sign-in?link=corp&return_to=%2Faccount", to)
	list := b.post(mePath+"/identities/claim", nil, me, header{"Cookie", pending}).is(200)
	id := list.text("items", 0, "id")
	b.get(mePath+"/identities", me).is(200)
	require.NotEmpty(t, b.post(mePath+"/identities", map[string]any{"provider": "corp"}, me).is(200).text("authorization_url"))
	require.NotEmpty(t, b.post(mePath+"/identities/confirm", map[string]any{"provider": "corp"}, me).is(200).text("authorization_url"))
	to, kept = b.redirected("GET", authPath+"oauth/corp", "", "", 302)
	to, in := b.redirected("GET", at(to), kept, "", 302)
	require.Equal(t, portal+"/", to)
	require.Contains(t, in, "__Host-mr_at=")
	b.logOutByService(in)
	b.send("DELETE", mePath+"/identities/"+id, nil, me).is(200)
}

// logOutByService has the service say that its person has signed out there.
func (b *bundle) logOutByService(in string) {
	t := b.t
	t.Helper()
	now := time.Now()
	claims := `{"iss":"` + b.issuer.URL + `","aud":"corp-client","sub":"1","jti":"` + uuid.NewString() + `","iat":` + strconv.FormatInt(now.Unix(), 10) + `,"exp":` +
		strconv.FormatInt(now.Add(time.Minute).Unix(), 10) + `,"events":{"http://schemas.openid.net/event/backchannel-logout":{}}}`
	said, err := b.issuer.Sign([]byte(claims))
	require.NoError(t, err)
	b.redirected("POST", authPath+"oauth/corp/logout", "", "logout_token="+said, 200)
	b.redirected("POST", authPath+"oauth/corp/logout", "", "logout_token="+said, 400)
	b.redirected("GET", mePath, in, "", 401)
}

// keysOfApps lets apps have keys, by a person and by a management key.
func (b *bundle) keysOfApps(me header, wallet string) {
	t := b.t
	t.Helper()
	nobody := header{"Authorization", ""}
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	exchange := func(code string, more map[string]any) answer {
		more["code"] = code
		return b.sendAsOpenRouter("POST", "/api/v1/auth/keys", more, nobody)
	}
	ask := map[string]any{"callback_url": "https://app.example/back", "code_challenge": challenge, "code_challenge_method": "S256", "limit": "1.5", "usage_limit_type": "daily"}
	granted := b.post(authPath+"apps/authorize", ask, me).is(200)
	sent, err := url.Parse(granted.text("redirect_url"))
	require.NoError(t, err)
	require.Equal(t, granted.text("code"), sent.Query().Get("code"))
	require.Equal(t, 403, exchange(granted.text("code"), map[string]any{"code_verifier": challenge}).status)
	got := exchange(granted.text("code"), map[string]any{"code_verifier": verifier, "code_challenge_method": "S256"}).is(200)
	user := got.text("user_id")
	require.NotEmpty(t, user)
	key := b.get("/api/v1/key", bearer(got.text("key"))).is(200)
	require.JSONEq(t, `1.5`, string(key.at("data", "limit")))
	require.Equal(t, "daily", key.text("data", "limit_reset"))
	require.Equal(t, 403, exchange(granted.text("code"), map[string]any{"code_verifier": verifier}).status, "once")
	var member string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT limits ->> 'member_id' FROM identity.app_codes`).Scan(&member))
	require.Equal(t, user, member, "what a member may spend holds for it")

	for name, change := range map[string]any{
		"callback_url": "http://app.example", "code_challenge_method": "S512", "limit": "-1", "usage_limit_type": "hourly", "expires_at": "2020-01-01T00:00:00Z", "key_label": strings.Repeat("x", 101), "user": "x",
	} {
		wrong := map[string]any{}
		for k, v := range ask {
			wrong[k] = v
		}
		wrong[name] = change
		require.Equal(t, 400, b.post(authPath+"apps/authorize", wrong, me).status, name)
	}
	ask["wallet_id"] = uuid.NewString()
	require.Equal(t, 404, b.post(authPath+"apps/authorize", ask, me).status, "somebody else's")
	ask["wallet_id"] = wallet
	left := b.post(authPath+"apps/authorize", ask, me).is(200).text("code")
	role := func(name string) {
		_, err := b.pool.Exec(t.Context(), `UPDATE identity.members SET role = $1 WHERE user_id = $2`, name, user)
		require.NoError(t, err)
	}
	role("viewer")
	require.Equal(t, 403, exchange(left, map[string]any{"code_verifier": verifier}).status, "who has granted it may not any more")
	role("owner")
	exchange(left, map[string]any{"code_verifier": verifier}).is(200)
}

// singleSignOn has an organisation prove a domain and set its issuer.
func (b *bundle) singleSignOn(me header) {
	t := b.t
	t.Helper()
	org := b.post("/console/v1/organisations", map[string]any{"name": "Company"}, me).is(201).text("id")
	home := "/console/v1/organisations/" + org + "/sso"
	b.get(home, me).is(200) // although the rights before are believed for a moment
	domainAt := home + "/domains/company.example"
	added := b.send("PUT", domainAt, nil, me).is(200)
	b.post(domainAt+"/verify", nil, me).refused(422, sso.CodeUnproved)
	b.records[added.text("domains", 0, "record")+"."] = added.text("domains", 0, "value")
	require.NotEmpty(t, b.post(domainAt+"/verify", nil, me).is(200).text("domains", 0, "verified_at"))
	set := b.send("PUT", home, map[string]any{"issuer": b.issuer.URL, "client_id": "corp-client", "client_secret": "s", "role": "developer", "enforced": true}, me).is(200)
	require.NotContains(t, string(set.body), "client_secret")
	require.Equal(t, portal+oauth.CallbackPath(set.text("connection", "provider")), set.text("connection", "redirect_url"))
	nobody := header{"Authorization", ""}
	to := b.post(authPath+"sso", map[string]any{"email": "ann@company.example"}, nobody).is(200).text("authorization_url")
	require.True(t, strings.HasPrefix(to, b.issuer.URL+"/authorize?"), to)
	b.post(authPath+"sso", map[string]any{"email": "ann@elsewhere.example"}, nobody).refused(404, domain.CodeNotFound)
	b.send("DELETE", home, nil, me).is(200)
	b.send("DELETE", home, nil, me).is(200)
	b.send("DELETE", domainAt, nil, me).is(200)
	b.send("DELETE", "/console/v1/organisations/"+org, nil, me).is(204)
}

// keysByManagement lets apps have keys in the place of a person.
func (b *bundle) keysByManagement(management string) {
	t := b.t
	t.Helper()
	nobody := header{"Authorization", ""}
	made := b.sendAsOpenRouter("POST", "/api/v1/auth/keys/code", `{"callback_url":"http://localhost:3000/back","limit":2,"usage_limit_type":"monthly","key_label":"an app","spawn_agent":"x"}`, bearer(management)).is(200)
	got := b.post("/api/v1/auth/keys", map[string]any{"code": made.text("data", "id"), "code_verifier": nil, "code_challenge_method": nil}, nobody).is(200)
	require.JSONEq(t, `null`, string(got.at("user_id")))
	key := b.get("/api/v1/key", bearer(got.text("key"))).is(200)
	require.JSONEq(t, `2`, string(key.at("data", "limit")))
	require.Equal(t, 401, b.post("/api/v1/auth/keys/code", map[string]any{"callback_url": "https://app.example"}, bearer(got.text("key"))).status, "an inference key manages nothing")
	for _, wrong := range []string{
		`{}`, `[]`, `{"callback_url":"https://app.example","limit":-1}`, `{"callback_url":"https://app.example","x":1}`, `{"callback_url":"https://app.example","callback_url":"https://app.example"}`,
		`{"callback_url":"https://app.example","code_challenge":1}`, `{"callback_url":"https://app.example","workspace_id":"` + uuid.NewString() + `"}`, `{"callback_url":"https://app.example","usage_limit_type":"daily"}`,
	} {
		require.Equal(t, 400, b.post("/api/v1/auth/keys/code", wrong, bearer(management)).status, wrong)
	}
	for _, wrong := range []string{``, `{`, `"x"`, `{"code":1}`, `{"code":"x","code_challenge_method":"S512"}`, `{"code":"x","more":1}`} {
		require.Equal(t, 400, b.post("/api/v1/auth/keys", wrong, nobody).status, wrong)
	}
	require.Equal(t, 403, b.post("/api/v1/auth/keys", map[string]any{}, nobody).status)
}
