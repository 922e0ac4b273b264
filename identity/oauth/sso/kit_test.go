package sso_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	portal = "https://massrouter.example"
	secret = "correct horse battery"
)

var laptop = session.Device{UserAgent: "a browser", Address: netip.MustParseAddr("203.0.113.9")}

// dns is a name server over UDP with TXT records.
type dns struct {
	mu      sync.Mutex
	records map[string][]string // by name, with the dot at its end
	broken  bool
	conn    net.PacketConn
}

func newDNS(t *testing.T) *dns {
	t.Helper()
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	d := &dns{records: map[string][]string{}, conn: conn}
	var running sync.WaitGroup
	running.Go(d.serve)
	t.Cleanup(func() {
		_ = conn.Close() // ends serve
		running.Wait()
	})
	return d
}

func (d *dns) set(name string, texts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[name] = texts
}

func (d *dns) breaks(is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = is
}

func (d *dns) serve() {
	packet := make([]byte, 4096)
	for {
		n, from, err := d.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var q dnsmessage.Message
		if q.Unpack(packet[:n]) != nil || len(q.Questions) != 1 {
			continue
		}
		answer, err := d.answer(q).Pack()
		if err == nil {
			_, _ = d.conn.WriteTo(answer, from)
		}
	}
}

func (d *dns) answer(q dnsmessage.Message) *dnsmessage.Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := &dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true, RecursionAvailable: true}, Questions: q.Questions}
	name := q.Questions[0].Name
	texts, known := d.records[strings.ToLower(name.String())]
	switch {
	case d.broken:
		a.RCode = dnsmessage.RCodeServerFailure
	case !known:
		a.RCode = dnsmessage.RCodeNameError
	case q.Questions[0].Type == dnsmessage.TypeTXT:
		for _, text := range texts {
			a.Answers = append(a.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.TXTResource{TXT: []string{text}}})
		}
	}
	return a
}

// resolver is Go's own, which asks this server only.
func (d *dns) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", d.conn.LocalAddr().String())
	}}
}

// vault seals as the program does.
type vault struct{ keys *envelope.Keyring }

func place(table string, row uuid.UUID) envelope.Place {
	return envelope.Place{Table: table, Row: row.String()}
}

func (v vault) Seal(text []byte, table string, row uuid.UUID) ([]byte, error) {
	return v.keys.Seal(text, place(table, row))
}

func (v vault) Open(sealed []byte, table string, row uuid.UUID) ([]byte, error) {
	return v.keys.Open(sealed, place(table, row))
}

// wallets open nothing: nobody spends here.
type wallets struct{}

func (wallets) Open(context.Context, uuid.UUID, string) error { return nil }

type bench struct {
	*sso.Store
	t        *testing.T
	pool     *pgxpool.Pool
	dns      *dns
	accounts *account.Service
	tenants  *organisation.Service
	machine  *signin.Machine
	services *oauth.Service
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
	b := &bench{t: t, pool: pgtest.New(t), dns: newDNS(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keys, err := envelope.Open(text, nil)
	require.NoError(t, err)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	b.Store = sso.New(b.pool, vault{keys}, b.dns.resolver(), oauth.NewClient(loopback), b.now)
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(t, err)
	key, err := token.NewKey(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	require.NoError(t, err)
	tokens, err := token.NewIssuer(portal, b.now, key)
	require.NoError(t, err)
	sessions := session.New(b.pool, b.now)
	b.accounts = account.New(b.pool, hasher, sessions, b.now)
	b.tenants = organisation.New(b.pool, wallets{}, b.now)
	b.machine = signin.New(b.pool, signin.Parts{Accounts: b.accounts, Factors: factor.New(b.pool, vault{keys}, "MassRouter", b.now), Sessions: sessions, Issuer: tokens, Policy: b.Store}, b.now)
	b.services, err = oauth.New(b.pool, oauth.Options{Portal: portal, Machine: b.machine, Accounts: b.accounts, SSO: b.Store, Allowed: loopback, Now: b.now})
	require.NoError(t, err)
	return b
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

// member makes an account with a proved mailbox and a password.
func (b *bench) member(email string) uuid.UUID {
	b.t.Helper()
	ctx := b.t.Context()
	var u account.User
	require.NoError(b.t, pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) (err error) {
		u, _, err = b.accounts.External(ctx, tx, address.Email(email), account.Profile{Name: "Ann", Language: account.English, Zone: "UTC"})
		return err
	}))
	link, err := b.accounts.MakeLink(ctx, u.ID, u.Email, account.Reset)
	require.NoError(b.t, err)
	require.NoError(b.t, b.accounts.Reset(ctx, link, secret))
	return u.ID
}

func (b *bench) password(email string) error {
	_, err := b.machine.Password(b.t.Context(), token.Portal, email, secret, laptop)
	return err
}

// company is an organisation with a proved domain and an issuer of its own.
type company struct {
	*oauthsim.Issuer
	id       uuid.UUID
	owner    uuid.UUID
	provider string
}

func (b *bench) organisation(owner uuid.UUID) uuid.UUID {
	b.t.Helper()
	o, err := b.tenants.Create(b.t.Context(), uuid.New(), owner, "Company")
	require.NoError(b.t, err)
	return o.ID
}

// proves has an organisation prove a domain.
func (b *bench) proves(org uuid.UUID, name string) {
	b.t.Helper()
	require.NoError(b.t, b.Add(b.t.Context(), org, name))
	state, err := b.Get(b.t.Context(), org)
	require.NoError(b.t, err)
	for _, d := range state.Domains {
		if d.Name == name {
			b.dns.set(d.Record+".", "v=spf1 -all", d.Value)
		}
	}
	require.NoError(b.t, b.Verify(b.t.Context(), org, name))
}

func settings(i *oauthsim.Issuer, enforced bool) sso.Settings {
	word := "the company's secret"
	return sso.Settings{Issuer: i.URL, ClientID: "company", ClientSecret: &word, Role: organisation.Developer, Enforced: enforced}
}

func (b *bench) company(owner uuid.UUID, name string) company {
	b.t.Helper()
	c := company{id: b.organisation(owner), owner: owner, Issuer: oauthsim.NewIssuer(b.t, oauthsim.App{ID: "company", Secret: "the company's secret"}, b.now)}
	b.proves(c.id, name)
	require.NoError(b.t, b.Set(b.t.Context(), c.id, settings(c.Issuer, false)))
	c.provider = b.provider(c.id)
	c.Redirect = portal + oauth.CallbackPath(c.provider)
	return c
}

func (b *bench) provider(org uuid.UUID) string {
	b.t.Helper()
	state, err := b.Get(b.t.Context(), org)
	require.NoError(b.t, err)
	require.NotNil(b.t, state.Connection)
	return state.Connection.Provider()
}

// enter signs somebody in by the company's issuer.
func (b *bench) enter(c company, who oauthsim.IssuerUser) (oauth.Outcome, error) {
	b.t.Helper()
	c.SignIn(who)
	to, browser, err := b.services.Begin(b.t.Context(), oauth.Start{Provider: c.provider, Purpose: oauth.SignIn, Audience: token.Portal})
	require.NoError(b.t, err)
	q := oauthsim.Visit(b.t, to).Query()
	return b.services.Finish(b.t.Context(), c.provider, oauth.Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss")}, browser, laptop)
}

func (b *bench) role(org, user uuid.UUID) (role string) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT coalesce((SELECT role FROM identity.members WHERE organisation_id = $1 AND user_id = $2), '')`, org, user).Scan(&role))
	return role
}
