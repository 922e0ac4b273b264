package account_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// TestManyRefreshAtOnce: ten requests and three tabs find the access token over at the same time.
func TestManyRefreshAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	_, refresh := b.tokens("portal")
	got := make([]answer, 13)
	var group sync.WaitGroup
	for i := range got {
		p := b.program("")
		group.Go(func() {
			got[i], _ = p.call(http.MethodPost, authPath+"refresh", map[string]any{"refresh_token": refresh})
		})
	}
	group.Wait()
	for _, g := range got {
		require.Equal(t, 200, g.status, string(g.body))
		require.Equal(t, got[0].text("refresh_token"), g.text("refresh_token"))
	}
	b.step(session.Leeway - 5*time.Second)
	late := b.program("").post(authPath+"refresh", map[string]any{"refresh_token": refresh}).is(200)
	require.Equal(t, got[0].text("refresh_token"), late.text("refresh_token"))
}

func TestABrowserGoesOnByItsCookies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	before := a.held("__Host-mr_rt")
	b.step(token.Life + time.Minute)
	a.get(mePath).refused(401, domain.CodeUnauthenticated)
	got := a.post(authPath+"refresh", map[string]any{}).is(200)
	require.NotContains(t, string(got.body), "token", "no script gets to see one")
	require.NotEqual(t, before, a.held("__Host-mr_rt"))
	a.get(mePath).is(200)

	a.put("__Host-mr_rt", "made-up")
	a.post(authPath+"refresh", map[string]any{}).refused(401, domain.CodeUnauthenticated)
	require.Empty(t, a.held("__Host-mr_at"), "what leads nowhere is removed")
	b.browser().post(authPath+"refresh", map[string]any{}).refused(401, domain.CodeUnauthenticated)
}

// TestAStolenRefreshToken: whoever comes second, the thief or the robbed, ends the session for both.
func TestAStolenRefreshToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	access, refresh := b.tokens("portal")
	next := b.program("").post(authPath+"refresh", map[string]any{"refresh_token": refresh}).is(200)
	b.step(session.Leeway)
	b.program("").post(authPath+"refresh", map[string]any{"refresh_token": refresh}).refused(401, domain.CodeUnauthenticated)
	b.program("").post(authPath+"refresh", map[string]any{"refresh_token": next.text("refresh_token")}).refused(401, domain.CodeUnauthenticated)
	b.program(access).refusedSoon()
	b.program(next.text("access_token")).refusedSoon()
	b.mailed(email, "session")
}

// TestAnEndIsKnownToOtherProcesses: a session that one process ends is refused by another.
func TestAnEndIsKnownToOtherProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a, lost := b.in(email, secret), b.in(email, secret)
	access, _ := b.tokens("portal")
	other := httptest.NewTLSServer(b.process())
	t.Cleanup(other.Close)
	there := b.programAt(other, lost.held("__Host-mr_at"))
	there.get(mePath).is(200)

	all := a.get(mePath + "/sessions").is(200)
	current, ended := 0, ""
	for i := range 3 {
		if string(rawAt(t, all, i, "current")) == "true" {
			current++
			continue
		}
		ended = all.text("items", i, "session_id")
		a.send("DELETE", mePath+"/sessions/"+ended, nil).is(200)
	}
	require.Equal(t, 1, current)
	a.send("DELETE", mePath+"/sessions/"+ended, nil).refused(404, domain.CodeNotFound)
	there.refusedSoon()
	b.program(access).refusedSoon()
	a.get(mePath).is(200)

	b.join("eve@example.com")
	eve := b.in("eve@example.com", secret)
	eve.send("DELETE", mePath+"/sessions/"+all.text("items", 0, "session_id"), nil).refused(404, domain.CodeNotFound)
	again := b.in(email, secret)
	a.post(authPath+"sign-out-everywhere", nil).is(200)
	again.refusedSoon()
}

// TestPagesOfOtherSites is CSRF: what a browser is sent to do by a page of another site is refused, with cookies or without.
func TestPagesOfOtherSites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	for name, evil := range map[string]*agent{
		"another site":                a.with("Origin", "https://evil.example").with("Sec-Fetch-Site", "cross-site"),
		"a neighbour":                 a.with("Origin", "https://other.example.com").with("Sec-Fetch-Site", "same-site"),
		"an old browser":              a.with("Origin", "https://evil.example").with("Sec-Fetch-Site", ""),
		"a page without an origin":    a.with("Origin", "null").with("Sec-Fetch-Site", "cross-site"),
		"the other front end's pages": a.with("Origin", b.sites.Admin).with("Sec-Fetch-Site", "cross-site"),
	} {
		got := evil.send("PATCH", mePath, map[string]any{"name": "Eve"}).refused(403, domain.CodeForbidden)
		require.Equal(t, "cross_origin", got.text("details", "reason"), name)
		evil.get(mePath).is(200) // changes nothing, and the page cannot read it
		if name == "the other front end's pages" {
			continue // may sign somebody in there
		}
		for _, path := range []string{"sign-in", "refresh", "sign-out", "sign-up", "challenge"} {
			evil.post(authPath+path, map[string]any{}).refused(403, domain.CodeForbidden)
		}
	}
	require.Equal(t, "Ann", a.get(mePath).text("name"))
	form, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site+authPath+"sign-in", strings.NewReader(`{"email":"a@b.example","password":"x"}`))
	require.NoError(t, err)
	form.Header.Set("Content-Type", "text/plain") // the type that a form of another site could send
	res, err := a.client.Do(form)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 415, res.StatusCode)
}

// TestTokensAreNotMistakenForOthers: each of them says nothing where another one is wanted.
func TestTokensAreNotMistakenForOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	access, refresh := b.tokens("portal")
	part := strings.Split(access, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt","kid":"`+b.keys[0].ID+`"}`)) + "." + part[1] + "."
	foreign, err := token.NewKey(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	require.NoError(t, err)
	forged := b.forge(site, foreign)
	for name, wrong := range map[string]string{
		"the refresh token": refresh, "none": none, "another key": forged, "another issuer": b.forge("https://other.example", b.keys[0]),
		"no session": b.forge(site, b.keys[0]), "without its signature": part[0] + "." + part[1] + ".", "an API key": "sk-mr-v1-something", "empty": "..",
	} {
		b.program(wrong).get(mePath).refused(401, domain.CodeUnauthenticated)
		a := b.browser()
		a.put("__Host-mr_at", wrong)
		got, err := a.call(http.MethodGet, mePath, nil)
		require.NoError(t, err)
		require.Equal(t, 401, got.status, name)
	}
	b.program("").post(authPath+"refresh", map[string]any{"refresh_token": access}).refused(401, domain.CodeUnauthenticated)
	b.program("").post(authPath+"refresh", map[string]any{"refresh_token": refresh, "audience": "admin"}).refused(401, domain.CodeUnauthenticated)
	b.program(operatorToken).get(mePath).refused(403, domain.CodeForbidden)

	a := b.browser()
	a.put("__Host-mra_at", access) // of the portal, in the other front end's cookie
	a.get(mePath).refused(401, domain.CodeUnauthenticated)
	a.put("__Host-mr_at", operatorToken)
	a.get(mePath).refused(401, domain.CodeUnauthenticated)
	a.put("__Host-mr_at", access)
	a.get(mePath).is(200)
	a.with("Authorization", "Bearer wrong").get(mePath).refused(401, domain.CodeUnauthenticated)
	a.with(account.AudienceHeader, "admin").get(mePath).refused(401, domain.CodeUnauthenticated)
	plain := b.program("").with("Cookie", "__Host-mr_at="+access)
	plain.get(mePath).is(200)
	plain.with("Cookie", "__Host-mr_at="+access+"; __Host-mr_at="+access).get(mePath).refused(401, domain.CodeUnauthenticated)
	plain.with("Cookie", "mr_at="+access).get(mePath).refused(401, domain.CodeUnauthenticated)

	b.step(token.Life + time.Minute)
	over := b.program(access).get(mePath).refused(401, domain.CodeUnauthenticated)
	require.Equal(t, "token_expired", over.text("details", "reason"))
}

// forge signs a token for a session that does not exist.
func (b *bundle) forge(issuer string, key token.Key) string {
	b.t.Helper()
	i, err := token.NewIssuer(issuer, b.now, key)
	require.NoError(b.t, err)
	text, _, err := i.Issue(token.Claims{User: uuid.New(), Session: uuid.New(), Audience: token.Portal})
	require.NoError(b.t, err)
	return text
}

func TestPlainHTTPElsewhereHasPlainNames(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://portal.example": "__Host-mr_at", "http://localhost:3001": "__Host-mr_at", "http://[::1]:3001": "__Host-mr_at", "http://portal.lan": "mr_at",
	} {
		api, err := account.New(&account.Parts{Sites: account.Sites{Portal: address}, Now: time.Now})
		require.NoError(t, err)
		w := httptest.NewRecorder()
		api.Keep(w, token.Portal, "at", "x", time.Now().Add(time.Minute))
		c := w.Result().Cookies()[0]
		require.Equal(t, want, c.Name, address)
		require.Equal(t, want != "mr_at", c.Secure)
	}
}
