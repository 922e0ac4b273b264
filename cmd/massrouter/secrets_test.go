package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/resealing"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// attempted runs a command line, whatever comes of it.
func attempted(t *testing.T, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	c := call(t.Context(), environ, args...)
	return c.code, c.out, c.err
}

// keysIn are the secrets of a keyset's file, as they stand there.
func keysIn(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var found []string
	for _, part := range strings.Split(string(text), `"value":"`)[1:] {
		secret, _, _ := strings.Cut(part, `"`)
		found = append(found, secret)
	}
	require.NotEmpty(t, found)
	return found
}

// TestSecretsRotateWhileTheServiceRuns: webhooks that older keys have sealed move to the keyset, are sealed again with its next key, and the
// service that was started with the first keyset reads them, and seals with the new key, without a restart. No command prints a key.
func TestSecretsRotateWhileTheServiceRuns(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	path := filepath.Join(t.TempDir(), "keyset.json")
	hookKey, err := webhook.NewKey()
	require.NoError(t, err)
	var said strings.Builder
	secrets := func(environ []string, args ...string) string {
		t.Helper()
		code, out, errs := attempted(t, environ, append([]string{"secrets"}, args...)...)
		require.Zero(t, code, errs)
		said.WriteString(out + errs)
		return out
	}

	// A deployment that has webhooks, and no keyset.
	before := serve(t, database, func(c *config.Config) { c.Webhooks.WebhookKey = config.NewSecret(hookKey) })
	operate := func(s *service) []string {
		return []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	}
	register := func(s *service) { // in a wallet of its own: one has so many at most
		t.Helper()
		wallet := decoded[client.BalanceReceipt](t, do(t, operate(s), "wallet", "open", "--owner", "someone", "--json")).WalletID.String()
		do(t, operate(s), "webhook", "add", wallet, "--url", "https://receiver.example/hook")
	}
	register(before)
	register(before)
	require.NoError(t, before.stop())

	environ := []string{"DATABASE_URL=" + database, "MASSROUTER_WEBHOOK_KEY=" + hookKey}
	code, _, errs := attempted(t, environ, "secrets", "status")
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "massrouter secrets init")

	secrets(nil, "init", path)
	code, _, errs = attempted(t, nil, "secrets", "init", path)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "exists")
	environ = append(environ, "MASSROUTER_SECRETS_KEYSET_FILE="+path)
	s := serve(t, database, func(c *config.Config) {
		c.Webhooks.WebhookKey = config.NewSecret(hookKey)
		c.Secrets, err = config.KeysetFile(path)
		require.NoError(t, err)
	})
	register(s)
	status := func() secretsStatus {
		t.Helper()
		return decoded[secretsStatus](t, secrets(environ, "status", "--json"))
	}
	rows := func(s secretsStatus) map[string]int64 {
		found := map[string]int64{}
		for _, u := range s.Uses {
			if u.Table == "webhooks.secrets" {
				found[u.Key] = u.Rows
			}
		}
		return found
	}
	first := status()
	require.Len(t, first.Keys, 1)
	require.Equal(t, int64(2), rows(first)["webhook"])
	require.Len(t, rows(first), 2)

	dry := decoded[[]resealing.Result](t, secrets(environ, "rotate", "--dry-run", "--json"))
	require.Equal(t, resealing.Result{Table: "webhooks.secrets", Resealed: 3}, dry[0])
	require.Contains(t, secrets(environ, "rotate", "--dry-run"), "TO BE SEALED AGAIN")
	require.Equal(t, first, status(), "a dry run changes nothing")

	require.Regexp(t, `webhooks.secrets +3 +0`, secrets(environ, "rotate"))
	second := status()
	require.Len(t, second.Keys, 2)
	require.Equal(t, map[string]int64{primaryOf(second): 3}, rows(second))
	require.Regexp(t, `webhooks.secrets +0 +0`, secrets(environ, "rotate", "--resume"), "all is done")

	// The running service seals with the new key: it was told by the file.
	await(t, func() bool {
		register(s)
		return rows(status())[primaryOf(second)] > 3
	})
	withoutOld := []string{"DATABASE_URL=" + database, "MASSROUTER_SECRETS_KEYSET_FILE=" + path}
	require.NotContains(t, rows(status()), "webhook")

	changed := time.Now().Add(time.Hour) // however long it took to come here
	require.NoError(t, os.Chtimes(path, changed, changed))
	code, _, errs = attempted(t, withoutOld, "secrets", "prune")
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "just now")
	long := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(path, long, long))
	secrets(withoutOld, "rotate", "--resume") // what the service sealed with the key before, while it did not know
	require.Equal(t, "1 key was removed.\n", secrets(withoutOld, "prune"))
	require.Len(t, status().Keys, 1)
	require.Equal(t, primaryOf(second), primaryOf(status()))

	next := filepath.Join(filepath.Dir(path), "next.json")
	secrets(withoutOld, "rotate", "--out", next)
	info, err := os.Stat(next)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.Len(t, keysIn(t, next), 2)
	for _, secret := range append(keysIn(t, next), hookKey) {
		require.NotContains(t, said.String(), secret)
	}
}

func primaryOf(s secretsStatus) string {
	for _, u := range s.Keys {
		if u.Primary {
			return strconv.FormatUint(uint64(u.ID), 10)
		}
	}
	return ""
}

// TestWhatNoKeyOpensIsLeft: it is counted, named by its row, and everything else is sealed again.
func TestWhatNoKeyOpensIsLeft(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	dir := t.TempDir()
	path, other := filepath.Join(dir, "keyset.json"), filepath.Join(dir, "other.json")
	do(t, nil, "secrets", "init", path)
	do(t, nil, "secrets", "init", other)
	for _, file := range []string{path, other} {
		s := serve(t, database, func(c *config.Config) {
			var err error
			c.Secrets, err = config.KeysetFile(file)
			require.NoError(t, err)
		})
		environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
		wallet := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--owner", uuid.NewString(), "--json")).WalletID.String()
		do(t, environ, "webhook", "add", wallet, "--url", "https://receiver.example/hook")
		require.NoError(t, s.stop())
	}
	environ := []string{"DATABASE_URL=" + database, "MASSROUTER_SECRETS_KEYSET_FILE=" + path}
	for _, args := range [][]string{{"secrets", "rotate", "--dry-run"}, {"secrets", "rotate"}, {"secrets", "rotate", "--resume"}} {
		code, out, errs := attempted(t, environ, args...)
		require.Equal(t, exitFailure, code)
		require.Contains(t, errs, "no key opens 1 values")
		require.Regexp(t, `webhooks.secrets +[01] +1`, out)
	}
	code, out, errs := attempted(t, environ, "secrets", "status")
	require.Zero(t, code, errs)
	require.Contains(t, out, "missing")
	for _, args := range [][]string{{"secrets", "rotate"}, {"secrets", "prune"}} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		code, _, errs := attempted(t, []string{"DATABASE_URL=" + database, "MASSROUTER_SECRETS_KEYSET=" + string(text)}, args...)
		require.Equal(t, exitUsage, code)
		require.Contains(t, errs, "from the environment")
	}
}
