package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// postbox is a real mail server on this machine.
type postbox struct {
	mu    sync.Mutex
	taken []string
}

func (p *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return p, nil }
func (*postbox) Mail(string, *smtp.MailOptions) error          { return nil }
func (*postbox) Rcpt(string, *smtp.RcptOptions) error          { return nil }
func (*postbox) Reset()                                        {}
func (*postbox) Logout() error                                 { return nil }
func (p *postbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, string(text))
	return err
}

func (p *postbox) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.taken, "\n")
}

// openPostbox starts one and returns its address.
func openPostbox(t *testing.T) (*postbox, string) {
	t.Helper()
	box := &postbox{}
	server := smtp.NewServer(box)
	server.Domain = "localhost"
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.NoError(t, <-ended)
	})
	return box, "smtp+insecure://" + listener.Addr().String()
}

// journal is what a service has logged, at the finest level.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// servePeople boots a product with people, and keeps its log.
func servePeople(t *testing.T, database, redis, keyset, mailServer string) (*service, *journal) {
	t.Helper()
	c := config.Default()
	c.HTTP.Listen, c.HTTP.OpsListen = "127.0.0.1:0", "127.0.0.1:0"
	c.HTTP.OperatorToken, c.Store.DatabaseURL = config.NewSecret(operatorToken), config.NewSecret(database)
	c.Store.RedisURL = config.NewSecret(redis)
	c.Gateway.JournalDir = filepath.Join(t.TempDir(), "journal")
	c.People.PortalURL, c.People.SMTPURL, c.People.MailFrom = "https://portal.example", config.NewSecret(mailServer), "no-reply@portal.example"
	var err error
	c.Secrets, err = config.KeysetFile(keyset)
	require.NoError(t, err)
	require.NoError(t, errors.Join(c.Validate(config.RoleServe), c.Validate(config.RoleWork)))
	log := &journal{}
	p, err := program.Open(t.Context(), program.Options{Config: c, Serve: true, Work: true, Log: zerolog.New(log)})
	require.NoError(t, err)
	s := &service{Program: p, t: t, base: p.BaseURL(), client: &http.Client{Timeout: patience}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	s.stop = sync.OnceValue(func() error {
		s.client.CloseIdleConnections()
		cancel()
		return <-ended
	})
	t.Cleanup(func() { require.NoError(t, s.stop()) })
	return s, log
}

// try is ask for conditions that are waited for: its status, 0 for none.
func (s *service) try(path, secret string) int {
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	answer, err := s.client.Do(r)
	if err != nil || answer.Body.Close() != nil {
		return 0
	}
	return answer.StatusCode
}

func member(t *testing.T, text []byte, name string) string {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal(text, &members), string(text))
	value, _ := members[name].(string)
	return value
}

var mailedLink = regexp.MustCompile(`verify-email#([A-Za-z0-9_-]{43})`)

// TestPeopleOfARunningService: somebody signs up, proves the mailbox by the mail, signs in, has a wallet and issues a key; the signing key and the keyset are rotated
// meanwhile; others name the person, who takes another mailbox; the account is erased, its key stops, and the ledger verifies. Nothing of the person is left in the
// database, in Redis, in the log, nor in what is exported.
func TestPeopleOfARunningService(t *testing.T) {
	t.Parallel()
	box, mailServer := openPostbox(t)
	database, keyset := pgtest.URL(t), filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", keyset)
	redis := redistest.Start(t)
	s, log := servePeople(t, database, redis.URL(), keyset, mailServer)
	pool, err := pgxpool.New(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	post := func(path, token string, body any, status int) []byte {
		t.Helper()
		got := s.ask(http.MethodPost, "/console/v1/"+path, token, body)
		require.Equal(t, status, got.status, "%s", got.body)
		return got.body
	}
	const ann, word = "ann-of-the-test@example.com", "correct horse battery"
	post("auth/sign-up", "", map[string]any{"email": ann, "password": word, "name": "Annabelle Testperson"}, 202)
	var link string
	require.Eventually(t, func() bool {
		if found := mailedLink.FindStringSubmatch(strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(box.all())); found != nil {
			link = found[1]
		}
		return link != ""
	}, patience, tick)
	post("auth/verify-email", "", map[string]any{"token": link, "password": word}, 200)
	words := map[string]any{"email": ann, "password": word, "delivery": "body"}
	in := post("auth/sign-in", "", words, 200)
	access, refresh := member(t, in, "access_token"), member(t, in, "refresh_token")
	var me struct {
		Organisations []struct {
			Wallet string `json:"wallet_id"`
		} `json:"organisations"`
	}
	s.ask(http.MethodGet, "/console/v1/me", access, nil).decode(t, &me)
	require.Len(t, me.Organisations, 1)
	key := member(t, post("wallets/"+me.Organisations[0].Wallet+"/keys", access, map[string]any{"name": "mine"}, 201), "secret")
	require.Eventually(t, func() bool { return s.try("/api/v1/key", key) == http.StatusOK }, patience, tick)
	leave(t, s, me.Organisations[0].Wallet, access)
	const now = "an.of.now@example.org"
	named(t, pool, ann)
	moves(t, s, box, access, now)
	named(t, pool, now)
	for _, trace := range []string{ann, strings.ToUpper(ann), now, "Annabelle at work", "https://annabelle.example/hook", "Annabelle's assistant", "Annabelle's account"} {
		require.NotEmpty(t, tablesWith(t, pool, trace), trace)
	}

	environ := []string{"DATABASE_URL=" + database, "MASSROUTER_SECRETS_KEYSET_FILE=" + keyset}
	require.Contains(t, do(t, environ, "tokens", "rotate"), "signs from")
	keys := do(t, environ, "tokens", "keys")
	require.Equal(t, 3, strings.Count(keys, "\n"), keys) // a head, the key that signs, the next one
	do(t, environ, "secrets", "rotate")
	require.Contains(t, do(t, environ, "secrets", "status"), "identity.signing_keys")
	access = member(t, post("auth/refresh", "", map[string]any{"refresh_token": refresh}, 200), "access_token")
	require.Contains(t, string(s.ask(http.MethodGet, "/.well-known/jwks.json", "", nil).body), "Ed25519")

	gone := s.ask(http.MethodDelete, "/console/v1/me", access, map[string]any{"email": now})
	require.Equal(t, http.StatusOK, gone.status, "%s", gone.body)
	require.Eventually(t, func() bool {
		return s.try("/console/v1/me", access) == http.StatusUnauthorized && s.try("/api/v1/key", key) == http.StatusUnauthorized
	}, patience, tick)
	for _, trace := range []string{"nnabelle", ann, strings.ToUpper(ann), now, strings.ToUpper(now)} { // what the worker forgets, it forgets a moment later
		await(t, func() bool { return len(tablesWith(t, pool, trace)) == 0 })
	}
	stored := inRedis(t, redis.URL())
	require.NoError(t, s.stop())
	folder := filepath.Join(t.TempDir(), "books")
	do(t, environ, "export", "events", "--format", "csv", "--out", folder)
	exported := textOf(t, folder)
	require.Contains(t, exported, "apikey.issued")
	for _, trace := range []string{ann, now, "Annabelle", word, link, access, refresh, key} {
		require.NotContains(t, log.String(), trace)
		require.NotContains(t, stored, trace)
		require.NotContains(t, exported, trace)
		require.Empty(t, tablesWith(t, pool, trace), trace)
	}
	do(t, environ, "audit", "verify")
}

// textOf is what the files of a folder say.
func textOf(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		all.Write(text)
		return err
	}))
	return all.String()
}

// await waits for a condition that may itself fail the test, which it can in the test's own goroutine only.
func await(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); {
		require.True(t, time.Now().Before(deadline), "waited for too long")
		select {
		case <-time.After(tick):
		case <-t.Context().Done():
			require.NoError(t, t.Context().Err())
		}
	}
}

// leave makes what is in tables only: it goes with its owner.
func leave(t *testing.T, s *service, wallet, access string) {
	t.Helper()
	vendor := s.ask(http.MethodPut, "/console/v1/vendors/north", operatorToken, map[string]any{
		"name": "North", "base_url": "http://127.0.0.1:1/v1", "dialect": "openai", "cancel_policy": "drain", "max_tokens_field": "max_tokens", "status": "active",
	})
	require.Equal(t, http.StatusOK, vendor.status, "%s", vendor.body)
	for path, body := range map[string]map[string]any{
		"presets":     {"slug": "mine", "system_prompt": "You are Annabelle's assistant."},
		"webhooks":    {"name": "mine", "url": "https://annabelle.example/hook", "event_types": []string{"charge.created"}},
		"vendor-keys": {"vendor": "north", "secret": "sk-a-key-of-the-test-1234", "label": "Annabelle's account"}, //nolint:gosec // opens nothing
	} {
		await(t, func() bool { // the read models are to know of the vendor and the wallet
			return s.ask(http.MethodPost, "/console/v1/wallets/"+wallet+"/"+path, access, body).status == http.StatusCreated
		})
	}
}

// TestDevShowsItsMail: on a machine of somebody who develops, a person comes in by the page of mails that were not sent.
func TestDevShowsItsMail(t *testing.T) {
	t.Parallel()
	d := startDev(t, []string{"DATABASE_URL=" + pgtest.Empty(t), "MASSROUTER_LISTEN=127.0.0.1:0"}, "--data", filepath.Join(t.TempDir(), "dev"))
	s := &service{t: t, base: d.info.BaseURL, client: &http.Client{Timeout: patience, Transport: &http.Transport{}}}
	t.Cleanup(s.client.CloseIdleConnections)
	words := map[string]any{"email": "dev@example.com", "password": "correct horse battery", "delivery": "body"}
	up := s.ask(http.MethodPost, "/console/v1/auth/sign-up", "", map[string]any{"email": words["email"], "password": words["password"]})
	require.Equal(t, http.StatusAccepted, up.status, "%s", up.body)
	var link string
	require.Eventually(t, func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/dev/mail", nil)
		if err != nil {
			return false
		}
		answer, err := s.client.Do(r)
		if err != nil {
			return false
		}
		page, err := io.ReadAll(answer.Body)
		if found := mailedLink.FindSubmatch(page); err == nil && answer.Body.Close() == nil && found != nil {
			link = string(found[1])
		}
		return link != ""
	}, patience, tick)
	require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/console/v1/auth/verify-email", "", map[string]any{"token": link, "password": words["password"]}).status)
	in := s.ask(http.MethodPost, "/console/v1/auth/sign-in", "", words)
	require.Equal(t, http.StatusOK, in.status, "%s", in.body)
	require.Equal(t, http.StatusOK, s.ask(http.MethodGet, "/console/v1/me", member(t, in.body, "access_token"), nil).status)
}
