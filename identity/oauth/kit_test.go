package oauth_test

import (
	"bytes"
	"crypto/ed25519"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	public = "https://massrouter.example"
	secret = "correct horse battery"
	ann    = "ann@example.com"
)

// loopback is where the simulators are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

var laptop = session.Device{UserAgent: "a browser", Address: netip.MustParseAddr("203.0.113.9")}

// open seals nothing: sealing has tests of its own.
type open struct{}

func (open) Seal(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }
func (open) Open(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }

type bench struct {
	*oauth.Service
	t        *testing.T
	pool     *pgxpool.Pool
	accounts *account.Service
	factors  *factor.Store
	sessions *session.Store
	machine  *signin.Machine
	github   *oauthsim.GitHub
	wechat   *oauthsim.WeChat
	issuer   *oauthsim.Issuer
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

func app(id string) oauthsim.App {
	return oauthsim.App{ID: id + "-client", Secret: id + "-secret:%&", Redirect: public + oauth.CallbackPath(id)}
}

// configs are the services of the bench, as an operator writes them.
func (b *bench) configs() []oauth.Config {
	return []oauth.Config{
		{Kind: oauth.GitHub, ClientID: "github-client", ClientSecret: "github-secret:%&", AuthorizeURL: b.github.URL + "/login/oauth/authorize", TokenURL: b.github.URL + "/login/oauth/access_token", APIURL: b.github.URL}, //nolint:gosec // of the test
		{Kind: oauth.WeChat, ClientID: "wechat-client", ClientSecret: "wechat-secret:%&", AuthorizeURL: b.wechat.URL + "/connect/qrconnect", TokenURL: b.wechat.URL + "/sns/oauth2/access_token", APIURL: b.wechat.URL},
		{ID: "corp", Kind: oauth.OIDC, Name: "Corp", ClientID: "corp-client", ClientSecret: "corp-secret:%&", Issuer: b.issuer.URL, VerifiedMail: true}, //nolint:gosec // of the test
	}
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.github, b.wechat, b.issuer = oauthsim.NewGitHub(t, app("github")), oauthsim.NewWeChat(t, app("wechat")), oauthsim.NewIssuer(t, app("corp"), b.now)
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(t, err)
	key, err := token.NewKey(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	require.NoError(t, err)
	tokens, err := token.NewIssuer(public, b.now, key)
	require.NoError(t, err)
	b.sessions = session.New(b.pool, b.now)
	b.accounts = account.New(b.pool, hasher, b.sessions, b.now)
	b.factors = factor.New(b.pool, open{}, "MassRouter", b.now)
	b.machine = signin.New(b.pool, signin.Parts{Accounts: b.accounts, Factors: b.factors, Sessions: b.sessions, Issuer: tokens}, b.now)
	b.Service = b.service(b.configs(), loopback)
	return b
}

// service is a Service of some services.
func (b *bench) service(configs []oauth.Config, allowed []netip.Prefix) *oauth.Service {
	b.t.Helper()
	s, err := oauth.New(b.pool, oauth.Options{Providers: written(b.t, configs), Portal: public, Admin: public, Allowed: allowed, Machine: b.machine, Accounts: b.accounts, Now: b.now})
	require.NoError(b.t, err)
	return s
}

// member signs somebody up with a password.
func (b *bench) member(at address.Email) uuid.UUID {
	b.t.Helper()
	b.squatter(at)
	var id uuid.UUID
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT sign_up_id FROM identity.sign_ups WHERE email = $1`, at).Scan(&id))
	link, err := b.accounts.MakeLink(b.t.Context(), id, at, account.Verify)
	require.NoError(b.t, err)
	_, err = b.accounts.Verify(b.t.Context(), link, secret)
	require.NoError(b.t, err)
	return id
}

// squatter signs up with a mailbox without proving it.
func (b *bench) squatter(at address.Email) {
	b.t.Helper()
	require.NoError(b.t, b.accounts.SignUp(b.t.Context(), account.SignUp{
		Email: string(at), Password: secret, Profile: account.Profile{Name: "Ann", Language: account.English, Zone: "UTC"},
	}))
}

// in signs a member in with the password.
func (b *bench) in(at address.Email) session.Session {
	b.t.Helper()
	r, err := b.machine.Password(b.t.Context(), token.Portal, string(at), secret, laptop)
	require.NoError(b.t, err)
	return *r.Session
}

// totp gives somebody an authenticator app.
func (b *bench) totp(user uuid.UUID) (app string) {
	b.t.Helper()
	e, err := b.factors.BeginTOTP(b.t.Context(), user, ann)
	require.NoError(b.t, err)
	_, err = b.factors.ConfirmTOTP(b.t.Context(), user, b.code(e.Secret))
	require.NoError(b.t, err)
	b.step(time.Minute)
	return e.Secret
}

func (b *bench) code(app string) string {
	b.t.Helper()
	c, err := totp.GenerateCode(app, b.now())
	require.NoError(b.t, err)
	return c
}

// begin sends a browser away.
func (b *bench) begin(s oauth.Start) (to, browser string) {
	b.t.Helper()
	if s.Purpose == "" {
		s.Purpose = oauth.SignIn
	}
	if s.Audience == "" {
		s.Audience = token.Portal
	}
	to, browser, err := b.Begin(b.t.Context(), s)
	require.NoError(b.t, err)
	return to, browser
}

// visit is the service's answer to a browser that comes with an address.
func (b *bench) visit(to string) oauth.Answer {
	b.t.Helper()
	var back *url.URL
	if u, err := url.Parse(to); err == nil && u.Path == "/connect/qrconnect" {
		back = b.wechat.Scan(b.t, to)
	} else {
		back = oauthsim.Visit(b.t, to)
	}
	q := back.Query()
	require.Equal(b.t, public, back.Scheme+"://"+back.Host)
	return oauth.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
}

// run sends a browser to a service and back.
func (b *bench) run(s oauth.Start) (oauth.Outcome, error) {
	b.t.Helper()
	to, browser := b.begin(s)
	return b.Finish(b.t.Context(), s.Provider, b.visit(to), browser, laptop)
}

// enters signs somebody in by a service.
func (b *bench) enters(provider string) oauth.Outcome {
	b.t.Helper()
	o, err := b.run(oauth.Start{Provider: provider})
	require.NoError(b.t, err)
	return o
}

// session is who was signed in by a service.
func (b *bench) session(provider string) session.Session {
	b.t.Helper()
	o := b.enters(provider)
	require.NotNil(b.t, o.Result.Session, "pending: %v", o.Pending != "")
	return *o.Result.Session
}

// links gives a signed-in user what a service shows.
func (b *bench) links(provider string, s session.Session) error {
	b.t.Helper()
	_, err := b.run(oauth.Start{Provider: provider, Purpose: oauth.Link, User: s.User, Session: s.ID})
	return err
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}
