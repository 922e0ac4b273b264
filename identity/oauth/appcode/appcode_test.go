package appcode_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// The pair of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

type bench struct {
	*appcode.Store
	t    *testing.T
	pool *pgxpool.Pool
	mu   sync.Mutex
	at   time.Time
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.Store = appcode.New(b.pool, func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.at
	})
	return b
}

func (b *bench) step(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func grant() appcode.Grant {
	return appcode.Grant{
		Wallet: uuid.MustParse("00000000-0000-7000-8000-000000000001"), Actor: "key:x", Callback: "https://app.example/back?from=us", Challenge: challenge, Method: appcode.S256,
		Limits: []byte(`{"name": "app.example"}`),
	}
}

func (b *bench) make(change func(*appcode.Grant)) string {
	b.t.Helper()
	g := grant()
	if change != nil {
		change(&g)
	}
	c, err := b.Make(b.t.Context(), g)
	require.NoError(b.t, err)
	return c.Secret
}

func (b *bench) exchange(code, verifier string, method appcode.Method) (got []appcode.Granted, err error) {
	return got, b.Exchange(b.t.Context(), code, verifier, method, func(_ context.Context, g appcode.Granted) error {
		got = append(got, g)
		return nil
	})
}

func (b *bench) refused(code, verifier string, method appcode.Method) {
	b.t.Helper()
	got, err := b.exchange(code, verifier, method)
	require.Equal(b.t, appcode.CodeWrong, domain.CodeOf(err), "%v", err)
	require.Empty(b.t, got)
}

func TestAnAppGetsOneKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, err := b.Make(t.Context(), grant())
	require.NoError(t, err)
	to, err := url.Parse(c.Redirect)
	require.NoError(t, err)
	require.Equal(t, url.Values{"from": {"us"}, "code": {c.Secret}}, to.Query())
	require.Equal(t, "app.example/back", to.Host+to.Path)
	require.Equal(t, appcode.Life, c.ExpiresAt.Sub(c.CreatedAt))
	var row string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT c::text FROM identity.app_codes c`).Scan(&row))
	require.NotContains(t, row, c.Secret)

	// An exchange that fails, or is cut off, issues the same key when it is tried again.
	var first appcode.Granted
	down := errors.New("the ledger is away")
	require.ErrorIs(t, b.Exchange(t.Context(), c.Secret, verifier, appcode.S256, func(_ context.Context, g appcode.Granted) error {
		first = g
		return down
	}), down)
	got, err := b.exchange(c.Secret, verifier, "")
	require.NoError(t, err)
	require.Equal(t, []appcode.Granted{first}, got)
	require.Equal(t, grant().Wallet, first.Wallet)
	require.NotZero(t, first.Random)
	require.JSONEq(t, string(grant().Limits), string(first.Limits))
	b.refused(c.Secret, verifier, appcode.S256)
}

func TestCodesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := b.make(nil)
	b.refused("", verifier, appcode.S256)
	b.refused(code+"x", verifier, appcode.S256)
	b.refused(code, "", "")
	b.refused(code, challenge, appcode.Plain)
	b.refused(code, verifier, appcode.Plain)
	b.refused(code, verifier[:42], appcode.S256)
	_, err := b.exchange(code, verifier, appcode.S256)
	require.NoError(t, err, "the fifth try")
	code = b.make(nil)
	for range appcode.MaxTries {
		b.refused(code, strings.Repeat("x", 43), appcode.S256)
	}
	b.refused(code, verifier, appcode.S256)
	code = b.make(nil)
	b.step(appcode.Life)
	b.refused(code, verifier, appcode.S256)

	code = b.make(func(g *appcode.Grant) { g.Challenge, g.Method = verifier, "" })
	b.refused(code, challenge, appcode.Plain)
	b.refused(code, verifier, appcode.S256)
	_, err = b.exchange(code, verifier, "")
	require.NoError(t, err, "plain when nothing is said")
	code = b.make(func(g *appcode.Grant) { g.Challenge, g.Method = "", "" })
	b.refused(code, verifier, "")
	_, err = b.exchange(code, "", "")
	require.NoError(t, err)
	b.step(time.Hour)
	n, err := b.Prune(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
}

func TestOneOfManyGetsTheKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code := b.make(nil)
	var group sync.WaitGroup
	results := make(chan error, 5)
	for range cap(results) {
		group.Go(func() {
			_, err := b.exchange(code, verifier, appcode.S256)
			results <- err
		})
	}
	group.Wait()
	close(results)
	var served int
	for err := range results {
		if err == nil {
			served++
			continue
		}
		require.Equal(t, appcode.CodeWrong, domain.CodeOf(err), "%v", err)
	}
	require.Equal(t, 1, served)
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"https://app.example", "https://app.example:8443/a?b=c", "http://localhost:3000/back", "http://127.0.0.1/x", "http://[::1]:9/", "https://10.0.0.1/", "http://localhost",
	} {
		_, _, err := appcode.Callback(text)
		require.NoError(t, err, text)
	}
	for _, text := range []string{
		"", "http://app.example", "http://localhost.evil.example/", "http://127.0.0.1.evil.example/", "javascript:alert(1)", "app:/back", "//app.example", "https://", "https:app.example",
		"https://user@app.example", "https://app.example/#x", "https://app.example/#", "https://app.example/a b", "https://app.example\\@evil.example", "https://app.example/\r\nX: y", "ftp://localhost/",
		"https://app.example/" + strings.Repeat("x", 2048), "http://localhost@evil.example/", "https://ex\u200bample.com/",
	} {
		_, _, err := appcode.Callback(text)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%q", text)
	}
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sum := sha256.Sum256([]byte(verifier))
	require.Equal(t, challenge, base64.RawURLEncoding.EncodeToString(sum[:]))
	for name, change := range map[string]func(*appcode.Grant){
		"short":        func(g *appcode.Grant) { g.Challenge = challenge[1:] },
		"long":         func(g *appcode.Grant) { g.Challenge, g.Method = strings.Repeat("x", 129), appcode.Plain },
		"signs":        func(g *appcode.Grant) { g.Challenge, g.Method = challenge[1:]+"+", appcode.Plain },
		"no hash":      func(g *appcode.Grant) { g.Challenge = challenge + "xx" },
		"padded":       func(g *appcode.Grant) { g.Challenge = challenge + "=" },
		"method":       func(g *appcode.Grant) { g.Method = "S512" },
		"no challenge": func(g *appcode.Grant) { g.Challenge = "" },
		"callback":     func(g *appcode.Grant) { g.Callback = "http://app.example" },
	} {
		g := grant()
		change(&g)
		_, err := b.Make(t.Context(), g)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
}
