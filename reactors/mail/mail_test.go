package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/reactors/mail"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	patience = 30 * time.Second
	tick     = 10 * time.Millisecond
	to       = "ann@example.com"
	secret   = "correct horse battery"
)

// server is a real mail server on this machine.
type server struct {
	mu      sync.Mutex
	answers []*smtp.SMTPError // to the next messages; nil takes one
	taken   []string
	address string
	roots   *x509.CertPool
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &conversation{server: s}, nil }

type conversation struct {
	server *server
	in     bool
}

func (c *conversation) AuthMechanisms() []string { return []string{sasl.Plain} }
func (c *conversation) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, secret string) error {
		if user != "mailer" || secret != "p:ss word" {
			return smtp.ErrAuthFailed
		}
		c.in = true
		return nil
	}), nil
}
func (c *conversation) Reset()        {}
func (c *conversation) Logout() error { return nil }
func (c *conversation) Mail(string, *smtp.MailOptions) error {
	if !c.in {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (c *conversation) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (c *conversation) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if len(c.server.answers) > 0 {
		answer := c.server.answers[0]
		c.server.answers = c.server.answers[1:]
		if answer != nil {
			return answer
		}
	}
	c.server.taken = append(c.server.taken, string(text))
	return nil
}

func (s *server) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.taken...)
}

func (s *server) say(answers ...*smtp.SMTPError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

// listen starts a server: implicit speaks TLS from the beginning, otherwise it has STARTTLS.
func listen(t *testing.T, implicit bool) *server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	s := &server{roots: x509.NewCertPool()}
	s.roots.AddCert(certificate)
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	running := smtp.NewServer(s)
	running.Domain, running.TLSConfig = "localhost", config
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.address = listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, config)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = running.Serve(listener) }()
	t.Cleanup(func() { _ = running.Close(); <-done })
	return s
}

func (s *server) sender(t *testing.T, scheme, user string) *mail.SMTP {
	t.Helper()
	sender, err := mail.NewSMTP(scheme+"://"+user+"@"+s.address, "post@massrouter.example", "MassRouter", s.roots)
	require.NoError(t, err)
	return sender
}

const login = "mailer:p%3Ass%20word"

var note = mail.Message{ID: "1", To: to, Subject: "Grüße 您好", Text: "text\n", HTML: "<p>text</p>"}

func TestSMTP(t *testing.T) {
	t.Parallel()
	for scheme, implicit := range map[string]bool{"smtps": true, "smtp": false} {
		s := listen(t, implicit)
		require.NoError(t, s.sender(t, scheme, login).Send(t.Context(), note))
		got, err := netmail.ReadMessage(strings.NewReader(s.all()[0]))
		require.NoError(t, err)
		require.Equal(t, `"MassRouter" <post@massrouter.example>`, got.Header.Get("From"))
		require.Equal(t, "<"+to+">", got.Header.Get("To"))
		require.Equal(t, "<1@massrouter.example>", got.Header.Get("Message-Id"))
		require.Equal(t, "auto-generated", got.Header.Get("Auto-Submitted"))
		require.Contains(t, got.Header.Get("Content-Type"), "multipart/alternative")

		require.ErrorContains(t, s.sender(t, scheme, "mailer:wrong").Send(t.Context(), note), "535")
		s.say(&smtp.SMTPError{Code: 451, Message: "later"}, &smtp.SMTPError{Code: 550, Message: "nobody"})
		err = s.sender(t, scheme, login).Send(t.Context(), note)
		require.Error(t, err)
		require.NotErrorIs(t, err, mail.ErrRefused)
		require.ErrorIs(t, s.sender(t, scheme, login).Send(t.Context(), note), mail.ErrRefused)
		untrusted, err := mail.NewSMTP(scheme+"://"+login+"@"+s.address, "post@massrouter.example", "MassRouter", x509.NewCertPool())
		require.NoError(t, err)
		require.Error(t, untrusted.Send(t.Context(), note), "an unknown authority")
		require.Len(t, s.all(), 1)
	}
	for _, server := range []string{"", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://user:secret@mail.example.com:x", "smtp://mail.example.com/?x=secret"} {
		_, err := mail.NewSMTP(server, "post@massrouter.example", "MassRouter", nil)
		require.Error(t, err, server)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := mail.NewSMTP("smtp://mail.example.com", "post", "MassRouter", nil)
	require.Error(t, err)
}

// TestWords: each kind has its words in both languages, with its link alone on a line.
func TestWords(t *testing.T) {
	t.Parallel()
	w, err := mail.NewWriter("https://massrouter.example/")
	require.NoError(t, err)
	details := map[string]string{
		"masked": "a***@e***.com<script>", "device": "<b>a browser</b>", "organisation": "<b>Acme</b>", "service": "<b>Google</b>", "name": "<b>phone</b>", "left": "9",
		"key": "sk-mr-…<b>abcd</b>", "source": "<b>github.com</b>", "record": "_massrouter-challenge.acme.example", "domain": "acme.example",
	}
	seen := map[string]account.Kind{}
	for _, kind := range account.Kinds() {
		for _, language := range []account.Language{account.English, account.Chinese} {
			secret := ""
			if kind.Link() != "" {
				secret = "s3cret"
			}
			m, err := w.Write(kind, language, details, secret)
			require.NoError(t, err, "%s %s", kind, language)
			require.NotEmpty(t, m.Subject)
			require.NotContains(t, m.HTML, "<script>")
			require.NotContains(t, m.HTML, "<b>")
			require.Equal(t, secret != "", strings.Contains(m.Text, "\nhttps://massrouter.example/"), "%s %s", kind, language)
			require.Equal(t, secret != "", strings.Contains(m.HTML, `href="https://massrouter.example/`), "%s %s", kind, language)
			require.NotContains(t, m.Text, "<no value>")
			require.NotContains(t, seen, m.Subject, "%s %s", kind, language)
			seen[m.Subject] = kind
		}
	}
	for _, language := range []account.Language{account.English, account.Chinese} { // and there are words of no other kind
		files, err := os.ReadDir("words/" + string(language))
		require.NoError(t, err)
		require.Len(t, files, len(account.Kinds()))
	}
	for _, language := range []account.Language{account.English, account.Chinese} { // one that was asked for before mails named the account
		m, err := w.Write(account.ConfirmEmail, language, nil, "s3cret")
		require.NoError(t, err)
		require.Contains(t, m.Text, "\nhttps://massrouter.example/confirm-email#s3cret\n")
		for _, wrong := range []string{"<no value>", "()", "（）", "  ", " ."} {
			require.NotContains(t, m.Text, wrong)
		}
	}
	_, err = w.Write("nothing", account.English, nil, "")
	require.Error(t, err)
	_, err = w.Write(account.EmailChanged, account.English, nil, "")
	require.Error(t, err, "a detail is missing")
}

type bench struct {
	pool     *pgxpool.Pool
	accounts *account.Service
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
	b := &bench{pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	hasher, err := password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 64, Passes: 1, Threads: 1}, Share: 1, Patience: time.Minute})
	require.NoError(t, err)
	b.accounts = account.New(b.pool, hasher, session.New(b.pool, b.now), b.now)
	return b
}

func (b *bench) signUp(t *testing.T, email string, language account.Language) {
	t.Helper()
	require.NoError(t, b.accounts.SignUp(t.Context(), account.SignUp{
		Email: email, Password: secret, Profile: account.Profile{Name: "Ann", Language: language, Zone: "UTC"},
	}))
}

// proved makes the account of who has signed up.
func (b *bench) proved(t *testing.T, email string) uuid.UUID {
	t.Helper()
	var signUp uuid.UUID
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT sign_up_id FROM identity.sign_ups WHERE email = $1`, email).Scan(&signUp))
	link, err := b.accounts.MakeLink(t.Context(), signUp, address.Email(email), account.Verify)
	require.NoError(t, err)
	u, err := b.accounts.Verify(t.Context(), link, secret)
	require.NoError(t, err)
	return u.ID
}

// run runs a worker until the test ends.
func (b *bench) run(t *testing.T, sender mail.Sender) *mail.Worker {
	t.Helper()
	writer, err := mail.NewWriter("https://massrouter.example")
	require.NoError(t, err)
	w := mail.NewWorker(b.pool, b.accounts, writer, sender, mail.Options{Now: b.now, Poll: tick, OnError: func(err error) { t.Error(err) }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

func (b *bench) count(t *testing.T, where string) (n int) {
	t.Helper()
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.mails WHERE `+where).Scan(&n))
	return n
}

// TestFromSignUpToProof: over a real mail server, in both languages; the link of the mail proves the mailbox.
func TestFromSignUpToProof(t *testing.T) {
	t.Parallel()
	b, s := setup(t), listen(t, true)
	for range 2 { // two processes
		b.run(t, s.sender(t, "smtps", login))
	}
	b.signUp(t, to, account.English)
	b.signUp(t, "li@example.com", account.Chinese)
	require.Eventually(t, func() bool { return b.count(t, "sent_at IS NOT NULL") == 2 }, patience, tick)
	require.Len(t, s.all(), 2)
	for _, text := range s.all() {
		got, err := netmail.ReadMessage(strings.NewReader(text))
		require.NoError(t, err)
		body, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		plain := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(body))
		_, link, ok := strings.Cut(plain, "https://massrouter.example/verify-email#")
		require.True(t, ok, plain)
		u, err := b.accounts.Verify(t.Context(), link[:43], secret)
		require.NoError(t, err)
		require.Equal(t, "<"+string(u.Email)+">", got.Header.Get("To"))
	}
}

// TestASickServer: what it does not take now comes again; what it never takes is given up with the reason, and can be tried again.
func TestASickServer(t *testing.T) {
	t.Parallel()
	b, s := setup(t), listen(t, true)
	later := &smtp.SMTPError{Code: 451, Message: "later"}
	s.say(later)
	w := b.run(t, s.sender(t, "smtps", login))
	b.signUp(t, to, account.English)
	require.Eventually(t, func() bool { return b.count(t, "attempts = 1 AND error LIKE '%later%'") == 1 }, patience, tick)
	require.Empty(t, s.all())
	b.step(time.Minute)
	require.Eventually(t, func() bool { return len(s.all()) == 1 }, patience, tick)

	s.say(&smtp.SMTPError{Code: 550, Message: "no such mailbox"})
	b.signUp(t, "nobody@example.com", account.English)
	require.Eventually(t, func() bool { return b.count(t, "failed_at IS NOT NULL AND error LIKE '%no such mailbox%'") == 1 }, patience, tick)
	var id uuid.UUID
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT mail_id FROM identity.mails WHERE failed_at IS NOT NULL`).Scan(&id))
	failed, err := mail.ListFailed(t.Context(), b.pool, 10)
	require.NoError(t, err)
	require.Len(t, failed, 1)
	require.Equal(t, id, failed[0].ID)
	require.Equal(t, "nobody@example.com", string(failed[0].To))
	require.Equal(t, account.VerifyEmail, failed[0].Kind)
	require.Contains(t, failed[0].Error, "no such mailbox")
	again := func(id uuid.UUID) error {
		return pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error { return mail.Retry(t.Context(), tx, id, b.now()) })
	}
	require.NoError(t, again(id))
	require.Eventually(t, func() bool { return len(s.all()) == 2 }, patience, tick)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(again(id)))

	s.say(later, later, later, later, later, later, later, later, later, later, later)
	b.signUp(t, "third@example.com", account.English)
	require.Eventually(t, func() bool {
		b.step(15 * time.Hour) // whatever the pause is
		return b.count(t, "recipient = 'third@example.com' AND failed_at IS NOT NULL AND error LIKE '%later%'") == 1
	}, patience, tick)
	var attempts int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT attempts FROM identity.mails WHERE failed_at IS NOT NULL`).Scan(&attempts))
	require.Equal(t, mail.Attempts, attempts)
	b.step(31 * 24 * time.Hour)
	n, err := w.Prune(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(3), n)
}

type sender func(context.Context, mail.Message) error

func (s sender) Send(ctx context.Context, m mail.Message) error { return s(ctx, m) }

// TestAProcessThatDies: what it had taken is sent by another when its lease ends, with the same id.
func TestAProcessThatDies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signUp(t, to, account.English)
	began, release := make(chan string), make(chan struct{})
	dying := b.run(t, sender(func(_ context.Context, m mail.Message) error {
		began <- m.ID
		<-release
		return errors.New("the process is gone")
	}))
	_ = dying
	first := <-began
	t.Cleanup(func() { close(release) })
	got := make(chan mail.Message, 1)
	b.step(3 * time.Minute)
	b.run(t, sender(func(_ context.Context, m mail.Message) error { got <- m; return nil }))
	m := <-got
	require.Equal(t, first, m.ID)
	require.Equal(t, address.Email(to), m.To)
}

// TestNobodyLeft: a mail with a link for somebody who is gone is not sent.
func TestNobodyLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signUp(t, to, account.English)
	b.proved(t, to)
	require.NoError(t, b.accounts.Forgot(t.Context(), to))
	require.Equal(t, 1, b.count(t, "kind = 'reset_password'"))
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.users SET deleted_at = now()`)
	require.NoError(t, err)
	b.run(t, sender(func(context.Context, mail.Message) error { t.Error("sent"); return nil }))
	require.Eventually(t, func() bool { return b.count(t, "true") == 0 }, patience, tick)
}

// TestWhatPilesUpIsForgotten: rows that are written where there is nobody to be told are all forgotten at the next look, however many; what was sent of late is not.
func TestWhatPilesUpIsForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for kind, sent := range map[string]time.Duration{"nobody": 365 * 24 * time.Hour, "invited": time.Hour} {
		_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.mails (mail_id, recipient, kind, language, details, created_at, due_at, sent_at)
			SELECT gen_random_uuid(), '', $1, 'en', '{}', $2, $2, $3 FROM generate_series(1, 2500)`, kind, b.now(), b.now().Add(-sent))
		require.NoError(t, err)
	}
	w := mail.NewWorker(b.pool, b.accounts, nil, nil, mail.Options{Now: b.now})
	n, err := w.Prune(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(2500), n)
	require.Zero(t, b.count(t, "kind = 'nobody'"))
	require.Equal(t, 2500, b.count(t, "kind = 'invited'"))
}
