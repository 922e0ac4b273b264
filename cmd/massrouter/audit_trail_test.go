package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestTheTrailFromTheCommandLine changes things, shows and exports who did what, keeps a signed head, and tampers.
func TestTheTrailFromTheCommandLine(t *testing.T) {
	t.Parallel()
	private, public, err := translog.GenerateKey("trail.test/log")
	require.NoError(t, err)
	url, dir := pgtest.URL(t), t.TempDir()
	s := serve(t, url, func(c *config.Config) { c.Proof.LogKey, c.Proof.LogDir = config.NewSecret(private), dir })
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	wallet := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--json")).WalletID.String()
	do(t, environ, "wallet", "credit", wallet, "12.5", "--reason", "bank transfer")
	require.Equal(t, exitFailure, call(t.Context(), environ, "wallet", "credit", "--reason", "x", "--", wallet, "-1").code)

	listed := do(t, environ, "audit", "trail", "list", "--wallet", wallet)
	require.Regexp(t, `(?m)operator:token +operator +TopUpWallet +wallet:`+wallet+` +done +127\.0\.0\.1 +bank transfer$`, listed)
	require.Regexp(t, `(?m)operator:token +operator +TopUpWallet +wallet:`+wallet+` +refused \(amount_invalid\)`, listed)
	require.Equal(t, listed, do(t, environ, "audit", "trail", "list", "--wallet", wallet, "--role", "operator"))
	require.NotContains(t, do(t, environ, "audit", "trail", "list", "--role", "platform:finance"), "TopUpWallet")
	require.Equal(t, exitFailure, call(t.Context(), environ, "audit", "trail", "export", "--role", "platform:").code)
	page := decoded[client.AuditEntryPage](t, do(t, environ, "audit", "trail", "list", "--action", "OpenWallet", "--result", "done", "--limit", "1", "--json"))
	require.Len(t, page.Items, 1)
	require.Equal(t, []string{"wallet.opened.v1"}, page.Items[0].Events)
	out := filepath.Join(t.TempDir(), "trail.csv")
	do(t, environ, "audit", "trail", "export", "--format", "csv", "--wallet", wallet, "--from", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "--out", out)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+3, "a head, and three entries of the wallet")
	require.Equal(t, 1, strings.Count(do(t, environ, "audit", "trail", "export", "--action", "ExportAuditEntries"), "\n"), "the export before is an entry")
	require.NotZero(t, call(t.Context(), environ, "audit", "trail", "export", "--out", out).code, "the file is there")
	for _, args := range [][]string{{"list", "--wallet", "x"}, {"list", "--from", "yesterday"}, {"verify", "--findings", "0"}, {"verify", "--head", "x"}} {
		require.Equal(t, exitUsage, call(t.Context(), append(environ, "DATABASE_URL="+url), append([]string{"audit", "trail"}, args...)...).code, "%v", args)
	}

	database, file := []string{"DATABASE_URL=" + url}, filepath.Join(dir, auditlog.HeadFile)
	var kept string
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		kept = string(text)
		lines := strings.Split(kept, "\n")
		if err != nil || len(lines) < 3 {
			return false
		}
		n, err := strconv.Atoi(lines[1])
		return err == nil && n >= 6
	}, time.Minute, 50*time.Millisecond, "the end of the chain is signed")
	head := filepath.Join(t.TempDir(), "head")
	require.NoError(t, os.WriteFile(head, []byte(kept), 0o600))
	require.Contains(t, do(t, database, "audit", "trail", "verify", "--key", public, "--head", head), "the audit trail verifies")
	require.Contains(t, do(t, database, "audit", "verify"), "audit.entries")

	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), `SET session_replication_role = replica;
		UPDATE audit.entries SET body = replace(body::text, 'bank transfer', 'gift')::json WHERE action = 'TopUpWallet' AND result = 'done'`)
	require.NoError(t, err)
	broken := call(t.Context(), database, "audit", "trail", "verify")
	require.Equal(t, exitFailure, broken.code)
	require.Contains(t, broken.err, "the audit trail does not verify: one finding: entry ")
	require.Contains(t, broken.out, "trail_entry_changed")
	whole := call(t.Context(), database, "audit", "verify")
	require.Equal(t, exitFailure, whole.code)
	require.Contains(t, whole.out, "trail_entry_changed")
}
