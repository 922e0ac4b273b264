package account_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/identity/access"
	people "github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/reactors/mail"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	operatorToken = "test-operator-token-0123456789"
	site          = "https://example.com" // the name of httptest's certificate
	email         = "ann@example.com"
	secret        = "correct horse battery"
	fresh         = "a red bicycle in rain"
	patience      = 30 * time.Second
	tick          = 20 * time.Millisecond
)

// open seals nothing: sealing has tests of its own.
type open struct{}

func (open) Seal(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }
func (open) Open(text []byte, _ string, _ uuid.UUID) ([]byte, error) { return text, nil }

// wallets opens wallets in a ledger, as the program does; it can be away.
type wallets struct {
	app  *commands.App
	mu   sync.Mutex
	away bool
}

func (w *wallets) Open(ctx context.Context, wallet uuid.UUID, actor string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return errors.New("the ledger is away")
	}
	_, _, err := w.app.OpenWallet(ctx, commands.Meta{CommandID: domain.DeriveID(wallet, "open"), Actor: actor}, commands.OpenWallet{WalletID: wallet, Owner: actor, Currency: money.USD})
	if domain.CodeOf(err) == domain.CodeWalletExists {
		return nil
	}
	return err
}

func (w *wallets) set(away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = away
}

// gone notes whose keys were revoked.
type gone struct {
	mu      sync.Mutex
	wallets []uuid.UUID
}

func (g *gone) RevokeAll(_ context.Context, wallet uuid.UUID, _ string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wallets = append(g.wallets, wallet)
	return nil
}

// bundle is a service with people, over TLS.
type bundle struct {
	t        *testing.T
	pool     *pgxpool.Pool
	store    *memory.Store
	wallets  *wallets
	gone     *gone
	accounts *people.Service
	issuer   *token.Issuer
	keys     []token.Key
	outbox   *mail.Outbox
	phones   *phone.Store
	server   *httptest.Server
	sites    account.Sites
	mu       sync.Mutex
	ahead    time.Duration
}

func (b *bundle) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.ahead)
}

// step lets time pass.
func (b *bundle) step(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ahead += d
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, pool: pgtest.New(t), outbox: &mail.Outbox{}, store: memory.New(memory.Options{}), gone: &gone{}}
	app, err := commands.New(b.store, commands.Options{})
	require.NoError(t, err)
	b.wallets = &wallets{app: app}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	key, err := token.NewKey(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	require.NoError(t, err)
	b.keys = []token.Key{key}
	b.server = httptest.NewUnstartedServer(nil)
	b.sites = account.Sites{Portal: site, Admin: "https://admin.example"}
	b.issuer, err = token.NewIssuer(b.sites.Portal, b.now, b.keys...)
	require.NoError(t, err)
	b.server.Config.Handler = b.process()
	b.server.StartTLS()
	t.Cleanup(b.server.Close)
	return b
}

// process is one process of the service.
func (b *bundle) process() http.Handler {
	b.t.Helper()
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(b.t, err)
	sessions := session.New(b.pool, b.now)
	b.accounts = people.New(b.pool, hasher, sessions, b.now)
	factors := factor.New(b.pool, open{}, "MassRouter", b.now)
	passkeys, err := passkey.New(b.pool, "example.com", "MassRouter", []string{b.sites.Portal}, b.now)
	require.NoError(b.t, err)
	b.phones = phone.New(b.pool, phone.Options{
		Now: b.now, Countries: []string{"86", "49", "1"}, Tell: func(ctx context.Context, tx pgx.Tx, user uuid.UUID, removed bool) error {
			kind := people.PhoneAdded
			if removed {
				kind = people.PhoneRemoved
			}
			return people.TellOnce(ctx, tx, user, kind, nil, b.now())
		},
	})
	api, err := account.New(&account.Parts{
		Phones:   b.phones,
		Accounts: b.accounts, Factors: factors, Passkeys: passkeys, Sessions: sessions, Organisations: organisation.New(b.pool, b.wallets, b.now),
		Machine: signin.New(b.pool, signin.Parts{Accounts: b.accounts, Factors: factors, Passkeys: passkeys, Phones: b.phones, Sessions: sessions, Issuer: b.issuer}, b.now),
		Issuer:  b.issuer, Keys: b.gone, Sites: b.sites, Now: b.now,
	})
	require.NoError(b.t, err)
	operator, err := auth.NewOperatorToken(operatorToken)
	require.NoError(b.t, err)
	over := session.NewEnded(b.pool, func(error) {})
	who, err := account.NewAuthenticator(account.AuthenticatorParts{
		Operator: operator, Issuer: b.issuer, Sessions: sessions, Ended: over, Rights: access.New(b.pool, b.now), Sites: b.sites, Now: b.now,
	})
	require.NoError(b.t, err)
	writer, err := mail.NewWriter(b.sites.Portal)
	require.NoError(b.t, err)
	worker := mail.NewWorker(b.pool, b.accounts, writer, b.outbox, mail.Options{Now: b.now, Poll: tick, OnError: func(error) {}})
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	var group sync.WaitGroup
	group.Go(func() { over.Run(ctx) })
	group.Go(func() { worker.Run(ctx) })
	b.t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	r := chi.NewRouter()
	r.Use(middleware.Client([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})) // agents are behind a proxy: see from
	r.Group(func(r chi.Router) {
		r.Use(auth.Guard(who, nil, problem.Write))
		api.Mount(r)
	})
	r.Get(account.KeySetPath, api.KeySet)
	return r
}

// agent is a browser at the portal, or a program.
type agent struct {
	b       *bundle
	t       *testing.T
	client  *http.Client
	headers http.Header
}

// browser has cookies and says where its pages come from.
func (b *bundle) browser() *agent {
	b.t.Helper()
	a := b.program("")
	jar, err := cookiejar.New(nil)
	require.NoError(b.t, err)
	a.client.Jar = jar
	a.headers.Set("Origin", b.sites.Portal)
	a.headers.Set("Sec-Fetch-Site", "same-origin")
	return a
}

// program has a token, or none.
func (b *bundle) program(bearer string) *agent {
	b.t.Helper()
	return b.programAt(b.server, bearer)
}

// programAt asks another process.
func (b *bundle) programAt(server *httptest.Server, bearer string) *agent {
	b.t.Helper()
	client := *server.Client()
	transport, ok := client.Transport.(*http.Transport)
	require.True(b.t, ok)
	transport = transport.Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server.Listener.Addr().String())
	}
	client.Transport = transport
	b.t.Cleanup(transport.CloseIdleConnections)
	a := &agent{b: b, t: b.t, client: &client, headers: http.Header{}}
	if bearer != "" {
		a.headers.Set("Authorization", "Bearer "+bearer)
	}
	return a
}

// with sends other headers.
func (a *agent) with(name, value string) *agent {
	c := *a
	c.headers = a.headers.Clone()
	if c.headers.Del(name); value != "" {
		c.headers.Set(name, value)
	}
	return &c
}

// from sends from another address.
func (a *agent) from(address string) *agent { return a.with("X-Forwarded-For", address) }

// answer is what came back.
type answer struct {
	t       *testing.T
	status  int
	body    []byte
	cookies []*http.Cookie
}

const (
	authPath = "/console/v1/auth/"
	mePath   = "/console/v1/me"
)

// call sends a request; it fails no test.
func (a *agent) call(method, path string, body any) (answer, error) {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		text = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(a.t.Context(), method, site+path, text)
	if err != nil {
		return answer{}, err
	}
	r.Header = a.headers.Clone()
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := a.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	return answer{a.t, res.StatusCode, raw, res.Cookies()}, err
}

func (a *agent) send(method, path string, body any) answer {
	a.t.Helper()
	got, err := a.call(method, path, body)
	require.NoError(a.t, err)
	return got
}

func (a *agent) get(path string) answer { a.t.Helper(); return a.send(http.MethodGet, path, nil) }

func (a *agent) post(path string, body any) answer {
	a.t.Helper()
	return a.send(http.MethodPost, path, body)
}

func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, string(a.body))
	return a
}

func (a answer) refused(status int, code domain.Code) answer {
	a.t.Helper()
	require.Equal(a.t, string(code), a.text("code"), string(a.body))
	return a.is(status)
}

// text is a member, however deep.
func (a answer) text(path ...any) string {
	a.t.Helper()
	var at any
	require.NoError(a.t, json.Unmarshal(a.body, &at), string(a.body))
	for _, step := range path {
		switch key := step.(type) {
		case string:
			members, _ := at.(map[string]any)
			at = members[key]
		case int:
			items, ok := at.([]any)
			require.True(a.t, ok && len(items) > key, string(a.body))
			at = items[key]
		}
	}
	text, _ := at.(string)
	return text
}

func (a answer) raw(name string) json.RawMessage {
	a.t.Helper()
	var members map[string]json.RawMessage
	require.NoError(a.t, json.Unmarshal(a.body, &members))
	return members[name]
}

// cookie is one that was set.
func (a answer) cookie(name string) *http.Cookie {
	for _, c := range a.cookies {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// held is a cookie that the browser has.
func (a *agent) held(name string) string {
	a.t.Helper()
	u, err := url.Parse(site)
	require.NoError(a.t, err)
	for _, c := range a.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// put sets a cookie in the browser, as its host would.
func (a *agent) put(name, value string) {
	a.t.Helper()
	u, err := url.Parse(site)
	require.NoError(a.t, err)
	a.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}})
}

var links = regexp.MustCompile(`/([a-z-]+)#(\S+)`)

// linked is the secret of the newest mail to somebody that leads to a page.
func (b *bundle) linked(to, page string) string {
	b.t.Helper()
	found := ""
	require.Eventually(b.t, func() bool {
		for _, m := range b.outbox.List() {
			if at := links.FindStringSubmatch(m.Text); string(m.To) == to && at != nil && at[1] == page {
				found = at[2]
				return true
			}
		}
		return false
	}, patience, tick)
	return found
}

// mailed waits until somebody has a mail with a subject.
func (b *bundle) mailed(to, subject string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		for _, m := range b.outbox.List() {
			if string(m.To) == to && strings.Contains(m.Subject, subject) {
				return true
			}
		}
		return false
	}, patience, tick)
}

func words(email, secret string) map[string]any {
	return map[string]any{"email": email, "password": secret}
}

// join makes an account whose mailbox is proved.
func (b *bundle) join(email string) {
	b.t.Helper()
	a := b.browser()
	a.post(authPath+"sign-up", map[string]any{"email": email, "password": secret, "name": "Ann", "language": "en", "zone": "Europe/Berlin"}).is(202)
	a.post(authPath+"verify-email", map[string]any{"token": b.linked(email, "verify-email"), "password": secret}).is(200)
}

// in is a browser in which somebody has signed in.
func (b *bundle) in(email, secret string) *agent {
	b.t.Helper()
	a := b.browser()
	got := a.post(authPath+"sign-in", words(email, secret)).is(200)
	require.NotEmpty(b.t, got.text("session", "session_id"), string(got.body))
	return a
}

// tokens are those of a program that has signed in.
func (b *bundle) tokens(audience string) (access, refresh string) {
	b.t.Helper()
	got := b.program("").post(authPath+"sign-in", map[string]any{"email": email, "password": secret, "delivery": "body", "audience": audience}).is(200)
	return got.text("access_token"), got.text("refresh_token")
}
