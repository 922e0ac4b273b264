package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

func person(subject string) oauthsim.IssuerUser {
	return oauthsim.IssuerUser{Subject: subject, Email: ann, Verified: true, Name: "Ann"}
}

// TestInByAService: a browser goes to a service and is signed in when it is back, on the page that it wanted, by cookies that are its own.
func TestInByAService(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	require.JSONEq(t, `{"items":[{"id":"corp","kind":"oidc","name":"Corp"}]}`, string(w.send("GET", "/console/v1/auth/providers", nil).is(200).body))
	b.issuer.SignIn(person("1"))
	w.send("GET", "/console/v1/me", nil).refused(401, domain.CodeUnauthenticated)
	sent := w.send("GET", "/console/v1/auth/oauth/corp?return_to="+url.QueryEscape("/account/keys?tab=all"), nil).is(302)
	require.Equal(t, "no-store", sent.Header.Get("Cache-Control"))
	cookie := sent.Cookies()[0]
	require.Equal(t, "__Host-mr_oa", cookie.Name)
	require.True(t, cookie.HttpOnly && cookie.Secure && cookie.SameSite == http.SameSiteLaxMode && cookie.Path == "/" && cookie.Domain == "" && cookie.MaxAge == 600)
	back := w.through(sent.to())
	require.Equal(t, b.server.URL+"/account/keys?tab=all", back.to())
	require.Equal(t, "no-referrer", back.Header.Get("Referrer-Policy"))
	names := map[string]*http.Cookie{}
	for _, c := range back.Cookies() {
		names[c.Name] = c
		require.True(t, c.HttpOnly && c.Secure, c.Name)
	}
	require.Negative(t, names["__Host-mr_oa"].MaxAge)
	require.Contains(t, names, "__Host-mr_at")
	require.Contains(t, names, "__Host-mr_rt")
	first := w.me()

	other := b.browser()
	other.enter("")
	require.Equal(t, first, other.me(), "the same person in another browser")
	require.Equal(t, b.server.URL+"/", other.enter("").to())
}

// TestWaysBackThatLeadNowhere: who has not been sent here, or not from this browser, is not signed in, nor sent anywhere else.
func TestWaysBackThatLeadNowhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(person("1"))
	w, thief := b.browser(), b.browser()
	over := b.server.URL + "/auth/sign-in?error=" + string(oauth.CodeFlow)
	back := oauthsim.Visit(t, w.send("GET", "/console/v1/auth/oauth/corp", nil).is(302).to()).String()
	require.Equal(t, over, thief.send("GET", back, nil).is(302).to(), "a victim who is given the way back of somebody else stays who he is")
	thief.send("GET", "/console/v1/auth/oauth/corp", nil).is(302)
	require.Equal(t, over, thief.send("GET", back, nil).is(302).to())
	require.Equal(t, over, w.send("GET", strings.Replace(back, "state=", "state=x", 1), nil).is(302).to())
	require.Equal(t, over, w.send("GET", strings.Replace(back, "/corp/", "/other/", 1), nil).is(302).to())
	w.send("GET", back+"&state=again", nil).refused(400, domain.CodeInvalid)
	w.send("GET", back+"&x="+strings.Repeat("x", 9000), nil).refused(400, domain.CodeInvalid)
	w.send("GET", back, nil).is(302)
	w.me()
	require.Equal(t, over, w.send("GET", back, nil).is(302).to(), "once")
	thief.send("GET", "/console/v1/me", nil).is(401)

	for _, query := range []string{"return_to=//evil.example", "return_to=https://evil.example", "return_to=/console/v1/me", "audience=root", "x=y", "return_to=/account&return_to=/auth", "%zz"} {
		w.send("GET", "/console/v1/auth/oauth/corp?"+query, nil).refused(400, domain.CodeInvalid)
	}
	w.send("GET", "/console/v1/auth/oauth/nowhere", nil).refused(404, domain.CodeNotFound)
	b.issuer.SignIn(oauthsim.IssuerUser{Denies: "access_denied"})
	require.Equal(t, b.server.URL+"/auth/sign-in?error=provider_refused", b.browser().enter("").to())
	b.issuer.SignIn(person("1"))
	b.issuer.Lie(oauthsim.Lie{Claims: func(c map[string]any) { c["aud"] = "another" }})
	require.Equal(t, b.server.URL+"/auth/sign-in?error=provider_failed", b.browser().enter("").to())
	b.issuer.Lie(oauthsim.Lie{})
	down := setup(t)
	down.issuer.Break(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	require.Equal(t, down.server.URL+"/auth/sign-in?error=provider_failed", down.browser().send("GET", "/console/v1/auth/oauth/corp", nil).is(302).to())
}

// TestForms: a service may post what it sends back; the browser comes without cookies then, and is sent on to where it has them.
func TestForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(person("1"))
	w := b.browser()
	back := oauthsim.Visit(t, w.send("GET", "/console/v1/auth/oauth/corp", nil).is(302).to())
	form := back.Query()
	form.Set("session_state", "not ours")
	on := b.browser().send("POST", back.Path, form, "Origin", b.issuer.URL, "Sec-Fetch-Site", "cross-site").is(303)
	require.True(t, strings.HasPrefix(on.to(), back.Path+"?"), on.to())
	require.NotContains(t, on.to(), "session_state")
	require.Equal(t, b.server.URL+"/", w.send("GET", on.to(), nil).is(302).to())
	w.me()
	w.send("POST", back.Path, url.Values{"state": {strings.Repeat("x", 9000)}}).refused(400, domain.CodeInvalid)
}

// TestSecondFactors: who has one is asked for it after a service, too; operators have to have one.
func TestSecondFactors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(person("1"))
	w := b.browser()
	w.enter("")
	id, err := uuid.Parse(w.me())
	require.NoError(t, err)
	require.Equal(t, b.server.URL+"/auth/sign-in?error=second_factor_required", b.browser().enter("?audience=admin").to())
	e, err := b.factors.BeginTOTP(t.Context(), id, ann)
	require.NoError(t, err)
	code := func() string {
		c, err := totp.GenerateCode(e.Secret, b.now())
		require.NoError(t, err)
		return c
	}
	_, err = b.factors.ConfirmTOTP(t.Context(), id, code())
	require.NoError(t, err)
	b.step(time.Minute)
	other := b.browser()
	require.Equal(t, b.server.URL+"/auth/challenge?return_to=%2Fledger", other.enter("?audience=admin&return_to=/ledger").to())
	other.send("GET", "/console/v1/me", nil).is(401)
	other.send("POST", "/console/v1/auth/challenge", map[string]any{"method": "otp", "code": code()}).is(200)
	require.Equal(t, id.String(), other.me())
}

// TestLinkingOverHTTP: who has an account is asked to sign in, links with a fresh factor, and unlinks.
func TestLinkingOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(person("1"))
	w := b.browser()
	me := w.member(ann)
	back := b.browser()
	require.Equal(t, b.server.URL+"/auth/sign-in?link=corp&return_to=%2Faccount", back.enter("?return_to=/account").to())
	back.send("GET", "/console/v1/me", nil).is(401)
	back.signIn(ann)
	list := back.send("GET", "/console/v1/me/identities", nil).is(200)
	require.JSONEq(t, `{"items":[],"pending":true}`, string(list.body))
	w.send("POST", "/console/v1/me/identities/claim", nil).refused(409, oauth.CodeFlow)
	back.send("POST", "/console/v1/me/identities/claim", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site").is(403)
	b.step(signin.Fresh)
	back.send("POST", "/console/v1/me/identities/claim", nil).refused(403, signin.CodeStepUp)
	back.signIn(ann)
	list = back.send("POST", "/console/v1/me/identities/claim", nil).is(200)
	require.Equal(t, false, list.at("pending"))
	items, ok := list.at("items").([]any)
	require.True(t, ok)
	require.Len(t, items, 1)
	one, ok := items[0].(map[string]any)
	require.True(t, ok)
	require.Equal(t, []any{"corp", "Corp", ann, "Ann"}, []any{one["provider"], one["name"], one["email"], one["shown_as"]})
	fresh := b.browser()
	fresh.enter("")
	require.Equal(t, me.String(), fresh.me())

	b.issuer.SignIn(person("2"))
	link := func(path string) string {
		to, _ := fresh.send("POST", "/console/v1/me/identities"+path, map[string]any{"provider": "corp", "return_to": "/account"}).is(200).at("authorization_url").(string)
		return to
	}
	require.Equal(t, b.server.URL+"/account", fresh.through(link("")).to())
	b.step(signin.Fresh)
	fresh.send("POST", "/console/v1/me/identities", map[string]any{"provider": "corp"}).refused(403, signin.CodeStepUp)
	id, _ := one["id"].(string)
	fresh.send("DELETE", "/console/v1/me/identities/"+id, nil).refused(403, signin.CodeStepUp)
	require.Equal(t, b.server.URL+"/account", fresh.through(link("/confirm")).to())
	left, ok := fresh.send("DELETE", "/console/v1/me/identities/"+id, nil).is(200).at("items").([]any)
	require.True(t, ok)
	require.Len(t, left, 1)
	fresh.send("DELETE", "/console/v1/me/identities/"+id, nil).refused(404, domain.CodeNotFound)
	fresh.send("DELETE", "/console/v1/me/identities/none", nil).refused(400, domain.CodeInvalid)
	fresh.send("POST", "/console/v1/me/identities", map[string]any{"provider": "corp", "user": "x"}).refused(400, domain.CodeInvalid)
	fresh.send("POST", "/console/v1/me/identities", map[string]any{"provider": "corp", "return_to": "//evil.example"}).refused(400, domain.CodeInvalid)
	b.browser().send("GET", "/console/v1/me/identities", nil).is(401)
	b.browser().send("GET", "/console/v1/me/identities", nil, "Authorization", "Bearer "+operatorToken).refused(403, domain.CodeForbidden)
	b.browser().send("GET", "/console/v1/auth/providers?x=y", nil).refused(400, domain.CodeInvalid)
	require.Equal(t, 409, problem.Status(oauth.CodeTaken))
}
