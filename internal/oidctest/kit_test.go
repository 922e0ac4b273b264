package oidctest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/stretchr/testify/require"
)

const (
	callback     = "https://massrouter.example/console/v1/auth/oauth/peer/callback"
	clientID     = "massrouter"
	clientSecret = "secret:of%the&client"
)

// peer is a provider, and how a person fills its pages in.
type peer struct {
	issuer string
	fill   func(form url.Values, page string)
	email  string // of who signs in
}

// browser follows everything but the way back, and fills the forms in that it meets.
type browser struct {
	*http.Client
	t *testing.T
	p peer
}

func newBrowser(t *testing.T, p peer) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t: t, p: p, Client: &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

var (
	actionOf = regexp.MustCompile(`(?i)<form[^>]*\baction="([^"]*)"`)
	hidden   = regexp.MustCompile(`(?i)<input[^>]*type="hidden"[^>]*>`)
	nameOf   = regexp.MustCompile(`(?i)\bname="([^"]*)"`)
	valueOf  = regexp.MustCompile(`(?i)\bvalue="([^"]*)"`)
)

// back signs somebody in and is the way back.
func (b *browser) back(address string) url.Values {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(b.t, err)
	for range 10 {
		answer, err := b.Do(r)
		require.NoError(b.t, err)
		page, err := io.ReadAll(answer.Body)
		require.NoError(b.t, err)
		require.NoError(b.t, answer.Body.Close())
		if to := answer.Header.Get("Location"); strings.HasPrefix(to, callback) {
			u, err := url.Parse(to)
			require.NoError(b.t, err)
			return u.Query()
		}
		action := actionOf.FindSubmatch(page)
		require.NotNil(b.t, action, "%d %s: %s", answer.StatusCode, answer.Request.URL, page)
		form := url.Values{}
		for _, input := range hidden.FindAll(page, -1) {
			if name := nameOf.FindSubmatch(input); name != nil {
				value := valueOf.FindSubmatch(input)
				require.NotNil(b.t, value)
				form.Set(string(name[1]), string(value[1]))
			}
		}
		b.p.fill(form, string(page))
		to, err := answer.Request.URL.Parse(string(action[1]))
		require.NoError(b.t, err)
		r, err = http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(form.Encode()))
		require.NoError(b.t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	require.Fail(b.t, "the provider's pages do not end")
	return nil
}

// provider is our side, with a secret of its own if one is given.
func provider(t *testing.T, p peer, secret string) oauth.Provider {
	t.Helper()
	c := oauth.Config{ID: "peer", Kind: oauth.OIDC, ClientID: clientID, ClientSecret: secret, Issuer: p.issuer, TrustEmail: oauth.TrustSaid}
	made, err := oauth.NewProvider(c, oauth.NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), time.Now)
	require.NoError(t, err)
	return made
}

// way is one way to a provider and back.
type way struct {
	ask   oauth.Ask
	begun time.Time
}

func newWay(again bool) way {
	sum := sha256.Sum256([]byte(rand.Text()))
	return way{begun: time.Now(), ask: oauth.Ask{
		Redirect: callback, State: rand.Text(), Nonce: rand.Text(), Verifier: base64.RawURLEncoding.EncodeToString(sum[:]), Again: again,
	}}
}

func (w way) returned(t *testing.T, q url.Values) oauth.Return {
	t.Helper()
	require.Equal(t, w.ask.State, q.Get("state"))
	require.NotEmpty(t, q.Get("code"), "%v", q)
	return oauth.Return{
		Redirect: callback, Code: q.Get("code"), Issuer: q.Get("iss"), Nonce: w.ask.Nonce, Verifier: w.ask.Verifier, Again: w.ask.Again, Since: w.begun,
	}
}

// visit sends the browser to the provider.
func (b *browser) visit(p oauth.Provider, w way) oauth.Return {
	b.t.Helper()
	to, err := p.Authorize(b.t.Context(), w.ask)
	require.NoError(b.t, err)
	return w.returned(b.t, b.back(to))
}

// conform is what every provider has to do with us.
func conform(t *testing.T, p peer) {
	t.Helper()
	ours := provider(t, p, clientSecret)
	b := newBrowser(t, p)
	identify := func(r oauth.Return) (oauth.Claims, error) {
		return ours.Identify(context.WithoutCancel(t.Context()), r)
	}

	r := b.visit(ours, newWay(false))
	first, err := identify(r)
	require.NoError(t, err)
	require.NotEmpty(t, first.Subject)
	require.NotEmpty(t, first.Name)
	require.Equal(t, p.email, string(first.Email))
	require.True(t, first.Verified)
	_, err = identify(r)
	require.Equal(t, oauth.CodeRefused, domain.CodeOf(err), "a code is good once: %v", err)

	second, err := identify(newBrowser(t, p).visit(ours, newWay(false)))
	require.NoError(t, err)
	require.Equal(t, first.Subject, second.Subject)
	again, err := identify(b.visit(ours, newWay(true)))
	require.NoError(t, err, "signed in again, and the provider says when")
	require.Equal(t, first.Subject, again.Subject)

	for name, change := range map[string]func(*oauth.Return){
		"another verifier": func(r *oauth.Return) { r.Verifier = newWay(false).ask.Verifier },
		"another redirect": func(r *oauth.Return) { r.Redirect += "x" },
		"another code":     func(r *oauth.Return) { r.Code = "x" },
		"another nonce":    func(r *oauth.Return) { r.Nonce = "x" },
		"another issuer":   func(r *oauth.Return) { r.Issuer = "https://evil.example" },
	} {
		r := b.visit(ours, newWay(false))
		change(&r)
		_, err := identify(r)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), clientSecret)
	}
	stranger := provider(t, p, "another secret")
	_, err = stranger.Identify(t.Context(), b.visit(stranger, newWay(false)))
	require.Equal(t, oauth.CodeFailed, domain.CodeOf(err), "%v", err)
}
