package oidctest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/massrouter/massrouter/domain"
	accounthttp "github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/middleware"
	oauthhttp "github.com/massrouter/massrouter/http/oauth"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	home     = "https://massrouter.example"
	mePath   = "/console/v1/me"
	beginAt  = "/console/v1/auth/oauth/peer"
	patience = 30 * time.Second
	tick     = 50 * time.Millisecond
)

// open seals nothing, wallets open nothing, and owners know nothing: none of that is what is tested here.
type open struct{}

func (open) Seal(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }
func (open) Open(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }

type wallets struct{}

func (wallets) Open(context.Context, uuid.UUID, string) error { return nil }

type owners struct{}

func (owners) MemberOf(context.Context, string) (uuid.UUID, error) {
	return uuid.Nil, domain.Errorf(domain.CodeNotFound, "there is none")
}

func (owners) WalletOf(context.Context, auth.Kind, string, int64) (uuid.UUID, error) {
	return uuid.Nil, domain.Errorf(domain.CodeNotFound, "there is none")
}

// rooms are those of signing in, wired as the program does, for an issuer that is known once the provider runs.
func rooms(t *testing.T, issuer string) http.Handler {
	t.Helper()
	pool := pgtest.New(t)
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(t, err)
	key, err := token.NewKey(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	require.NoError(t, err)
	tokens, err := token.NewIssuer(home, time.Now, key)
	require.NoError(t, err)
	sessions := session.New(pool, time.Now)
	accounts, factors := account.New(pool, hasher, sessions, time.Now), factor.New(pool, open{}, "MassRouter", time.Now)
	machine := signin.New(pool, signin.Parts{Accounts: accounts, Factors: factors, Sessions: sessions, Issuer: tokens}, time.Now)
	sites := accounthttp.Sites{Portal: home}
	operator, err := auth.NewOperatorToken("operator-token-of-the-tests")
	require.NoError(t, err)
	who, err := accounthttp.NewAuthenticator(accounthttp.AuthenticatorParts{
		Operator: operator, Issuer: tokens, Sessions: sessions, Ended: session.NewEnded(pool, func(error) {}), Rights: access.New(pool, time.Now), Sites: sites, Now: time.Now,
	})
	require.NoError(t, err)
	people, err := accounthttp.New(&accounthttp.Parts{
		Accounts: accounts, Machine: machine, Factors: factors, Sessions: sessions, Organisations: organisation.New(pool, wallets{}, time.Now), Issuer: tokens, Sites: sites, Now: time.Now,
	})
	require.NoError(t, err)
	services, err := oauth.New(pool, oauth.Options{
		Providers: []oauth.Config{{ID: "peer", Kind: oauth.OIDC, ClientID: clientID, ClientSecret: clientSecret, Issuer: issuer, TrustEmail: oauth.TrustSaid}},
		Portal:    home, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Machine: machine, Accounts: accounts, Now: time.Now,
	})
	require.NoError(t, err)
	r := chi.NewRouter()
	r.Use(middleware.Client(nil))
	r.Group(func(r chi.Router) {
		r.Use(auth.Guard(who, owners{}, problem.Write))
		people.Mount(r)
		oauthhttp.New(&oauthhttp.Parts{Services: services, Machine: machine, Sessions: sessions, Account: people, Now: time.Now}).Mount(r)
	})
	return r
}

// service is ours, as browsers and the provider meet it.
type service struct{ http.Handler }

// ask is a request with cookies, and its answer.
func (s service) ask(path string, cookies []*http.Cookie) *http.Response {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			r.AddCookie(c)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

// in signs the browser's person in here, and is our cookies.
func (s service) in(b *browser) []*http.Cookie {
	b.t.Helper()
	sent := s.ask(beginAt, nil)
	require.Equal(b.t, http.StatusFound, sent.StatusCode)
	back := s.ask(beginAt+"/callback?"+b.back(sent.Header.Get("Location")).Encode(), sent.Cookies())
	require.Equal(b.t, home+"/", back.Header.Get("Location"))
	require.Equal(b.t, http.StatusOK, s.ask(mePath, back.Cookies()).StatusCode)
	return back.Cookies()
}

// leave ends the browser's session at the provider, as its person would.
func (b *browser) leave(issuer string) {
	b.t.Helper()
	send := func(method, to string, form url.Values) []byte {
		r, err := http.NewRequestWithContext(b.t.Context(), method, to, strings.NewReader(form.Encode()))
		require.NoError(b.t, err)
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer, err := b.Do(r)
		require.NoError(b.t, err)
		page, err := io.ReadAll(answer.Body)
		require.NoError(b.t, err)
		require.NoError(b.t, answer.Body.Close())
		require.Equal(b.t, http.StatusOK, answer.StatusCode, "%s", page)
		return page
	}
	page := send(http.MethodGet, issuer+"/session/end", nil)
	action, input := actionOf.FindSubmatch(page), hidden.Find(page)
	require.NotNil(b.t, action, "%s", page)
	secret := valueOf.FindSubmatch(input)
	require.NotNil(b.t, secret, "%s", page)
	send(http.MethodPost, string(action[1]), url.Values{"xsrf": {string(secret[1])}, "logout": {"yes"}})
}

// logsOut: who ends a session at the provider has none here any more; in another browser the same person stays, if it is told of that session only.
func logsOut(t *testing.T, of string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil) // the provider has to know our address before we know its
	p := node(t, "LOGOUT_URI=http://"+server.Listener.Addr().String()+beginAt+"/logout", "LOGOUT_OF="+of)
	ours := service{rooms(t, p.issuer)}
	server.Config.Handler = ours
	server.Start()
	t.Cleanup(server.Close)
	one, two := newBrowser(t, p), newBrowser(t, p)
	first, second := ours.in(one), ours.in(two)
	status := func(cookies []*http.Cookie) int { return ours.ask(mePath, cookies).StatusCode }

	one.leave(p.issuer)
	gone := func(cookies []*http.Cookie) {
		t.Helper()
		require.Eventually(t, func() bool { return status(cookies) == http.StatusUnauthorized }, patience, tick)
	}
	gone(first)
	if of == "person" {
		gone(second)
	} else {
		require.Equal(t, http.StatusOK, status(second))
		two.leave(p.issuer)
		gone(second)
	}
}
