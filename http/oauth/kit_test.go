package oauth_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	accounthttp "github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/middleware"
	oauthhttp "github.com/massrouter/massrouter/http/oauth"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	operatorToken = "operator-token-of-the-tests"
	secret        = "correct horse battery"
	ann           = "ann@example.com"
)

// open seals nothing: sealing has tests of its own.
type open struct{}

func (open) Seal(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }
func (open) Open(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }

// wallets open nothing: no test here spends.
type wallets struct{}

func (wallets) Open(context.Context, uuid.UUID, string) error { return nil }

// owners know nothing: what is asked here is one's own, or names its organisation.
type owners struct{}

func (owners) MemberOf(context.Context, string) (uuid.UUID, error) {
	return uuid.Nil, domain.Errorf(domain.CodeNotFound, "there is none")
}

func (owners) WalletOf(context.Context, auth.Kind, string, int64) (uuid.UUID, error) {
	return uuid.Nil, domain.Errorf(domain.CodeNotFound, "there is none")
}

// bench is a service over TLS: browsers keep cookies of it only then.
type bench struct {
	t        *testing.T
	pool     *pgxpool.Pool
	server   *httptest.Server
	issuer   *oauthsim.Issuer
	accounts *account.Service
	factors  *factor.Store
	tenants  *organisation.Service
	mu       sync.Mutex
	at       time.Time
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) step(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Now().Truncate(time.Second)}
	b.server = httptest.NewUnstartedServer(nil)
	home := "https://" + b.server.Listener.Addr().String()
	b.issuer = oauthsim.NewIssuer(t, oauthsim.App{ID: "corp-client", Secret: "s", Redirect: home + oauth.CallbackPath("corp")}, b.now)
	b.server.Config.Handler = b.handler(home)
	b.server.StartTLS()
	t.Cleanup(b.server.Close)
	return b
}

// handler wires the rooms as the program does.
func (b *bench) handler(home string) http.Handler {
	t := b.t
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(t, err)
	key, err := token.NewKey(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	require.NoError(t, err)
	tokens, err := token.NewIssuer(home, b.now, key)
	require.NoError(t, err)
	sessions := session.New(b.pool, b.now)
	b.accounts, b.factors = account.New(b.pool, hasher, sessions, b.now), factor.New(b.pool, open{}, "MassRouter", b.now)
	passkeys, err := passkey.New(b.pool, "example.com", "MassRouter", []string{"https://example.com"}, b.now)
	require.NoError(t, err)
	machine := signin.New(b.pool, signin.Parts{Accounts: b.accounts, Factors: b.factors, Passkeys: passkeys, Sessions: sessions, Issuer: tokens}, b.now)
	b.tenants = organisation.New(b.pool, wallets{}, b.now)
	sites := accounthttp.Sites{Portal: home, Admin: home}
	operator, err := auth.NewOperatorToken(operatorToken)
	require.NoError(t, err)
	who, err := accounthttp.NewAuthenticator(accounthttp.AuthenticatorParts{
		Operator: operator, Issuer: tokens, Sessions: sessions, Ended: session.NewEnded(b.pool, func(error) {}), Rights: access.New(b.pool, b.now), Sites: sites, Now: b.now,
	})
	require.NoError(t, err)
	people, err := accounthttp.New(&accounthttp.Parts{
		Accounts: b.accounts, Machine: machine, Factors: b.factors, Passkeys: passkeys, Sessions: sessions, Organisations: b.tenants, Issuer: tokens, Sites: sites, Now: b.now,
	})
	require.NoError(t, err)
	configs, err := oauth.ParseConfigs([]byte(`[{"id":"corp","kind":"oidc","name":"Corp","client_id":"corp-client","client_secret":"s","issuer":"` + b.issuer.URL + `","verified_email":true}]`))
	require.NoError(t, err)
	services, err := oauth.New(b.pool, oauth.Options{
		Providers: configs, Portal: home, Admin: home, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Machine: machine, Accounts: b.accounts, Now: b.now,
	})
	require.NoError(t, err)
	r := chi.NewRouter()
	r.Use(middleware.Client(nil))
	r.Group(func(r chi.Router) {
		r.Use(auth.Guard(who, owners{}, problem.Write))
		people.Mount(r)
		oauthhttp.New(&oauthhttp.Parts{Services: services, Machine: machine, Sessions: sessions, Account: people, Now: b.now}).Mount(r)
	})
	return r
}

// browser is one, which follows no redirects.
type browser struct {
	*http.Client
	b *bench
}

func (b *bench) browser() *browser {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(b.t, err)
	client := *b.server.Client()
	client.Jar, client.CheckRedirect = jar, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{Client: &client, b: b}
}

type answer struct {
	*http.Response
	body []byte
	t    *testing.T
}

// send asks the service; body is JSON, or a form.
func (w *browser) send(method, path string, body any, headers ...string) answer {
	w.b.t.Helper()
	var text io.Reader = http.NoBody
	kind := ""
	switch v := body.(type) {
	case nil:
	case url.Values:
		text, kind = strings.NewReader(v.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(v)
		require.NoError(w.b.t, err)
		text, kind = bytes.NewReader(raw), "application/json"
	}
	if !strings.HasPrefix(path, "https:") {
		path = w.b.server.URL + path
	}
	r, err := http.NewRequestWithContext(w.b.t.Context(), method, path, text)
	require.NoError(w.b.t, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1]) //nolint:gosec // they come in pairs
	}
	response, err := w.Do(r)
	require.NoError(w.b.t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(w.b.t, err)
	require.NoError(w.b.t, response.Body.Close())
	return answer{response, raw, w.b.t}
}

func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.body)
	return a
}

// refused is a problem with a code.
func (a answer) refused(status int, code domain.Code) {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, string(code), a.at("code"))
}

// to is where the browser is sent.
func (a answer) to() string {
	a.t.Helper()
	return a.Header.Get("Location")
}

// at is a member of the body.
func (a answer) at(path ...string) any {
	a.t.Helper()
	var v any
	require.NoError(a.t, json.Unmarshal(a.body, &v), "%s", a.body)
	for _, name := range path {
		m, ok := v.(map[string]any)
		require.True(a.t, ok, "%s", a.body)
		v = m[name]
	}
	return v
}

// through goes to the service and comes back.
func (w *browser) through(address string) answer {
	w.b.t.Helper()
	return w.send(http.MethodGet, oauthsim.Visit(w.b.t, address).String(), nil).is(http.StatusFound)
}

// enter signs in by the service.
func (w *browser) enter(query string) answer {
	w.b.t.Helper()
	return w.through(w.send(http.MethodGet, "/console/v1/auth/oauth/corp"+query, nil).is(http.StatusFound).to())
}

// member has an account with a password, and signs in.
func (w *browser) member(email string) uuid.UUID {
	t := w.b.t
	t.Helper()
	var u account.User
	require.NoError(t, pgx.BeginFunc(t.Context(), w.b.pool, func(tx pgx.Tx) (err error) {
		u, _, err = w.b.accounts.External(t.Context(), tx, address.Email(email), account.Profile{Name: "Ann", Language: account.English, Zone: "UTC"})
		return err
	}))
	link, err := w.b.accounts.MakeLink(t.Context(), u.ID, u.Email, account.Reset)
	require.NoError(t, err)
	require.NoError(t, w.b.accounts.Reset(t.Context(), link, secret))
	w.signIn(email)
	return u.ID
}

func (w *browser) signIn(email string) {
	w.b.t.Helper()
	w.send(http.MethodPost, "/console/v1/auth/sign-in", map[string]any{"email": email, "password": secret}).is(http.StatusOK)
}

func (w *browser) me() string {
	w.b.t.Helper()
	id, _ := w.send(http.MethodGet, "/console/v1/me", nil).is(http.StatusOK).at("user_id").(string)
	return id
}
