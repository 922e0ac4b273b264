package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/resealing"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// askedInPrivate is what must be nowhere in the database as it is.
const askedInPrivate = "where did Amundsen hide the sugar"

// tablesWith are the tables of all schemas in which a text stands, as text or within bytes.
func tablesWith(t *testing.T, pool *pgxpool.Pool, text string) (found []string) {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(tables), 20)
	for _, table := range tables {
		var n int
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` r WHERE r::text LIKE '%' || $1 || '%' OR r::text LIKE '%' || $2 || '%'`,
			text, hex.EncodeToString([]byte(text))).Scan(&n))
		if n > 0 {
			found = append(found, table)
		}
	}
	return found
}

// contentOf waits until the content of a call is stored.
func (s *service) contentOf(generation string) client.ContentAnswer {
	s.t.Helper()
	path := "/console/v1/generations/" + generation + "/content"
	require.Eventually(s.t, func() bool {
		r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
		if err != nil {
			return false
		}
		r.Header.Set("Authorization", "Bearer "+operatorToken)
		answer, err := s.client.Do(r)
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}, patience, tick)
	var c client.ContentAnswer
	s.ask(http.MethodGet, path, operatorToken, nil).decode(s.t, &c)
	return c
}

// TestContentsFromTheFirstByteToTheLast: without the owner's word no text of a call is anywhere in the database; with it, it is there, sealed only,
// through a rotation of keys and a restart; and gone when the owner says so.
func TestContentsFromTheFirstByteToTheLast(t *testing.T) {
	t.Parallel()
	database, vendor := pgtest.URL(t), vendorServer(t)
	path := filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", path)
	start := func() *service {
		return serve(t, database, func(c *config.Config) {
			var err error
			c.Secrets, err = config.KeysetFile(path)
			require.NoError(t, err)
		})
	}
	s := start()
	pool, err := pgxpool.New(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s.publish(vendor, "test/echo", "echo", tokenRates())
	a := s.open("10.00")
	body := func(stream bool) map[string]any {
		b := chat("test/echo", stream)
		b["messages"] = []map[string]string{{"role": "user", "content": askedInPrivate}}
		return b
	}
	ask := func(stream bool) (id string, answer answered) {
		answer = s.ask(http.MethodPost, "/v1/chat/completions", a.secret, body(stream))
		require.Equal(t, http.StatusOK, answer.status, "%s", answer.body)
		return answer.header.Get("X-Generation-Id"), answer
	}
	settings := "/console/v1/wallets/" + a.wallet.String() + "/content-storage"
	set := func(storage map[string]any) {
		t.Helper()
		var r client.Receipt
		answer := s.ask(http.MethodPut, settings, operatorToken, storage)
		require.Equal(t, http.StatusOK, answer.status, "%s", answer.body)
		answer.decode(t, &r)
		require.NoError(t, s.WaitFor(t.Context(), int64(r.Position)))
	}

	before, _ := ask(true)
	require.Empty(t, tablesWith(t, pool, askedInPrivate))

	set(map[string]any{"retention_hours": 1})
	require.NoError(t, s.stop()) // what a running service knows of keys may be a second old
	s = start()
	whole, first := ask(false)
	stream, second := ask(true)
	for id, want := range map[string]answered{whole: first, stream: second} {
		c := s.contentOf(id)
		require.Equal(t, client.ContentAnswerState(content.Stored), c.State)
		require.Contains(t, c.Request.Body, askedInPrivate)
		require.Equal(t, string(want.body), c.Response.Body)
		require.False(t, c.Response.Truncated)
	}
	require.Empty(t, tablesWith(t, pool, askedInPrivate), "sealed only")
	require.Equal(t, http.StatusNotFound, s.ask(http.MethodGet, "/console/v1/generations/"+before+"/content", operatorToken, nil).status)

	// The keys that seal can be changed.
	environ := []string{"DATABASE_URL=" + database, "MASSROUTER_SECRETS_KEYSET_FILE=" + path}
	resealed := decoded[[]resealing.Result](t, do(t, environ, "secrets", "rotate", "--json"))
	require.Contains(t, resealed, resealing.Result{Table: "gateway.contents", Resealed: int64(len(s.all(pool)))})
	require.Contains(t, s.contentOf(whole).Request.Body, askedInPrivate)

	// A caller who leaves, and a service that stops at once: what was sent is stored.
	left := s.leave(a, body(true))
	require.NoError(t, s.stop())
	s = start()
	c := s.contentOf(left)
	require.Contains(t, c.Request.Body, askedInPrivate)
	require.Contains(t, c.Response.Body, "data: ")

	set(map[string]any{})
	require.Empty(t, s.all(pool))
	after, _ := ask(false)
	require.NoError(t, s.stop()) // all that would be stored is stored then
	require.Empty(t, s.all(pool))
	s = start()
	require.Equal(t, http.StatusNotFound, s.ask(http.MethodGet, "/console/v1/generations/"+after+"/content", operatorToken, nil).status)
	require.Empty(t, tablesWith(t, pool, askedInPrivate))
}

// all are the calls whose content is stored.
func (s *service) all(pool *pgxpool.Pool) []uuid.UUID {
	s.t.Helper()
	rows, err := pool.Query(s.t.Context(), `SELECT generation_id FROM gateway.contents WHERE state = 'stored'`)
	require.NoError(s.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(s.t, err)
	return ids
}

// leave reads the first event of a stream and goes away.
func (s *service) leave(a account, body map[string]any) (generation string) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(s.t, err)
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/v1/chat/completions", bytes.NewReader(raw))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+a.secret)
	answer, err := s.client.Do(r)
	require.NoError(s.t, err)
	_, err = bufio.NewReader(answer.Body).ReadString('\n')
	require.NoError(s.t, err)
	require.NoError(s.t, answer.Body.Close())
	return answer.Header.Get("X-Generation-Id")
}

// TestContentsAreShownAndErasedByCommands: nothing is stored until it is said, what is stored is shown to the operator, who leaves an entry, and then erased.
func TestContentsAreShownAndErasedByCommands(t *testing.T) {
	t.Parallel()
	database, vendor := pgtest.URL(t), vendorServer(t)
	path := filepath.Join(t.TempDir(), "keyset.json")
	do(t, nil, "secrets", "init", path)
	s := serve(t, database, func(c *config.Config) {
		var err error
		c.Secrets, err = config.KeysetFile(path)
		require.NoError(t, err)
	})
	s.publish(vendor, "test/echo", "echo", tokenRates())
	a := s.open("10.00")
	wallet := a.wallet.String()
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	require.Regexp(t, `stored +nothing\n`, do(t, environ, "content", "settings", wallet))
	set := decoded[client.Receipt](t, do(t, environ, "content", "settings", wallet, "--retention", "72h", "--key", a.key.String(), "--json"))
	require.NoError(t, s.WaitFor(t.Context(), int64(set.Position)))
	require.Regexp(t, `stored +for 72 hours\nkeys +`+a.key.String(), do(t, environ, "content", "settings", wallet))

	var id, other string
	await(t, func() bool { // the service knows of the setting within a second
		body := chat("test/echo", false)
		body["messages"] = []map[string]string{{"role": "user", "content": askedInPrivate}}
		other, id = id, s.ask(http.MethodPost, "/v1/chat/completions", a.secret, body).header.Get("X-Generation-Id")
		return call(t.Context(), environ, "content", "show", id).code == exitOK && other != "" && call(t.Context(), environ, "content", "show", other).code == exitOK
	})
	shown := do(t, environ, "content", "show", id)
	require.Contains(t, shown, askedInPrivate)
	require.Regexp(t, `(?s)generation +`+id+`.*state +stored.*request \(application/json, text\)\n.*response \(application/json, text\)\n`, shown)
	require.Equal(t, a.wallet, decoded[client.ContentAnswer](t, do(t, environ, "content", "show", id, "--json")).WalletID)
	require.Regexp(t, `(?m)GetContent +generation:`+id+` +read`, do(t, environ, "audit", "trail", "list", "--action", "GetContent", "--result", "read"))

	require.Contains(t, do(t, environ, "content", "erase", id), "erased "+id)
	require.Regexp(t, `(?m)^state +erased$`, do(t, environ, "content", "show", id))
	require.Contains(t, do(t, environ, "content", "show", other), askedInPrivate)
	require.Contains(t, do(t, environ, "content", "erase-all", wallet), "erased "+wallet)
	require.NotContains(t, call(t.Context(), environ, "content", "show", other).out, askedInPrivate)
	do(t, environ, "content", "settings", wallet, "--retention", "0")

	for _, args := range [][]string{
		{"settings", "x"},
		{"settings", wallet, "--retention", "90m"},
		{"settings", wallet, "--key", a.key.String()},
		{"settings", wallet, "--retention", "1h", "--key", "x"},
		{"show", "x"},
		{"erase", wallet},
		{"erase-all", id},
		{"erase-all"},
	} {
		require.Equal(t, exitUsage, call(t.Context(), environ, append([]string{"content"}, args...)...).code, "%v", args)
	}
	require.Regexp(t, `hits in all +0\nsaved in all +0\n`, do(t, environ, "wallet", "cache-hits", wallet, "--from", "2026-08-01", "--to", "2026-08-31"))
	require.Equal(t, exitUsage, call(t.Context(), environ, "wallet", "cache-hits", wallet, "--from", "August").code)
}
