package oauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// through are requests that a test answers; none leaves this machine.
type through func(*http.Request) (*http.Response, error)

func (f through) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// impatience is less than people have, so that a test need not wait as long as they would. It is for services that never say all, and for no others.
const impatience = 200 * time.Millisecond

// TestServicesThatAreSlow: whoever waits for a service that says nothing, or a byte now and then, is told in time that it does not work.
func TestServicesThatAreSlow(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, oauth.NewClient(nil).Timeout, 10*time.Second, "what people wait for at most")
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "o", UnionID: "u"})
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drips := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for {
			if _, err := w.Write([]byte(" ")); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
	}
	for _, config := range b.configs() {
		id := config.ID
		if id == "" {
			id = string(config.Kind)
		}
		for what, slow := range map[string]http.HandlerFunc{"silent": silent, "drips": drips} {
			client := oauth.NewClient(loopback)
			p, err := oauth.NewProvider(config, client, b.now)
			require.NoError(t, err)
			ask := oauth.Ask{Redirect: public + oauth.CallbackPath(id), State: "s", Nonce: "n", Verifier: strings.Repeat("v", 43)}
			to, err := p.Authorize(t.Context(), ask)
			require.NoError(t, err, id)
			back := b.visit(to)
			client.Timeout = impatience
			instead := func(w http.ResponseWriter, r *http.Request) bool {
				_, _ = io.Copy(io.Discard, r.Body) // a server learns that a client is gone when it has read what the client sent
				slow(w, r)
				return true
			}
			b.github.Break(instead)
			b.wechat.Break(instead)
			b.issuer.Break(instead)
			_, err = p.Identify(t.Context(), oauth.Return{Redirect: ask.Redirect, Code: back.Code, Issuer: back.Issuer, Nonce: ask.Nonce, Verifier: ask.Verifier, Since: b.now()})
			b.github.Break(nil)
			b.wechat.Break(nil)
			b.issuer.Break(nil)
			require.Equal(t, oauth.CodeFailed, domain.CodeOf(err), "%s %s: %v", id, what, err)
			require.NotContains(t, err.Error(), back.Code)
			require.NotContains(t, err.Error(), "secret")
		}
	}
}

// TestGoogleOutOfOrder: the address of Google is not a setting, so its answers are changed on the way. None of them signs anybody in, or sends anybody anywhere.
func TestGoogleOutOfOrder(t *testing.T) {
	t.Parallel()
	elsewhere := http.Header{"Location": {"https://evil.example/"}}
	html := http.Header{"Content-Type": {"text/html"}}
	for what, answer := range map[string]struct {
		status int
		header http.Header
		body   string
	}{
		"a page": {200, html, "<html>sorry-of-theirs</html>"}, "an error": {503, html, "sorry-of-theirs"}, "a redirect": {302, elsewhere, ""}, "nothing": {200, http.Header{}, ""},
		"huge":             {200, http.Header{}, `{"issuer":"` + strings.Repeat("x", 2<<20) + `"}`},
		"another issuer":   {200, http.Header{}, `{"issuer":"https://evil.example","authorization_endpoint":"https://evil.example/a","token_endpoint":"https://evil.example/t","jwks_uri":"https://evil.example/k"}`},
		"a page elsewhere": {200, http.Header{}, `{"issuer":"https://accounts.google.com","authorization_endpoint":"javascript:alert(1)","token_endpoint":"https://x.example/t","jwks_uri":"https://x.example/k"}`},
	} {
		client, asked := oauth.NewClient(nil), make(chan string, 10)
		client.Transport = through(func(r *http.Request) (*http.Response, error) {
			asked <- r.URL.Host
			return &http.Response{StatusCode: answer.status, Header: answer.header.Clone(), Body: io.NopCloser(strings.NewReader(answer.body)), Request: r}, nil
		})
		p, err := oauth.NewProvider(oauth.Config{ID: "google", Kind: oauth.Google, ClientID: "c", ClientSecret: "s3cret", Issuer: "https://accounts.google.com"}, client, time.Now)
		require.NoError(t, err)
		_, err = p.Authorize(t.Context(), oauth.Ask{Redirect: public + oauth.CallbackPath("google"), State: "s", Nonce: "n", Verifier: strings.Repeat("v", 43)})
		require.Equal(t, oauth.CodeFailed, domain.CodeOf(err), "%s: %v", what, err)
		require.NotContains(t, err.Error(), "sorry-of-theirs")
		for len(asked) > 0 {
			require.Equal(t, "accounts.google.com", <-asked, "%s: nobody is followed", what)
		}
	}
}

// TestRedirectsOfServicesAreNotFollowed: not even to where we could go; a code and a secret would go along.
func TestRedirectsOfServicesAreNotFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "o", UnionID: "u"})
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
	reached := make(chan string, 20)
	spy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.URL.Path }))
	t.Cleanup(spy.Close)
	for _, provider := range []string{"github", "wechat", "corp"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			to, browser := b.begin(oauth.Start{Provider: provider})
			back := b.visit(to)
			away := func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, spy.URL+"/"+url.PathEscape(provider), status)
				return true
			}
			b.github.Break(away)
			b.wechat.Break(away)
			b.issuer.Break(away)
			_, err := b.Finish(t.Context(), provider, back, browser, laptop)
			b.github.Break(nil)
			b.wechat.Break(nil)
			b.issuer.Break(nil)
			b.requireCode(oauth.CodeFailed, err)
			require.Empty(t, reached, "%s %d", provider, status)
		}
	}
}
