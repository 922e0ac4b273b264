package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit/bundle"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/export"
)

// ledgerOfMarch is a database with some events of February 2026 and the whole story in March.
func ledgerOfMarch(t *testing.T) (url string) {
	t.Helper()
	url = pgtest.URL(t)
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	clock := ledgertest.NewClock()
	clock.Step(-20 * 24 * time.Hour)
	store, err := postgres.Open(t.Context(), pool, postgres.Options{Clock: clock.At})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	l := ledgertest.New(t, store, clock)
	l.Open(t.Context(), "12.5", apikey.Limits{Name: "february"})
	clock.Step(20 * 24 * time.Hour)
	l.Tell(t.Context())
	return url
}

// guide are the command lines of docs/audit.md in their order, in a folder of their own.
func guide(t *testing.T, folder string) [][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/audit.md")
	require.NoError(t, err)
	var lines [][]string
	inside := false
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside:
			words := strings.Fields(strings.ReplaceAll(line, "evidence/", folder+"/"))
			require.Equal(t, "massrouter", words[0], line)
			lines = append(lines, words[1:])
		}
	}
	return lines
}

// TestAuditGuide executes the guide as it stands: the operator's commands with the database, the auditor's without. Then
// it changes one byte, and the auditor's commands say where.
func TestAuditGuide(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	keyFile := filepath.Join(folder, "log.key")
	public := do(t, nil, "audit", "keygen", "ledger.test/guide", "--out", keyFile)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "log.pub"), []byte(public), 0o600))
	private, err := os.ReadFile(keyFile)
	require.NoError(t, err)
	operator := []string{
		"DATABASE_URL=" + ledgerOfMarch(t), "MASSROUTER_LOG_KEY=" + strings.TrimSpace(string(private)),
	}
	var auditors [][]string
	for _, words := range guide(t, folder) {
		environ := operator
		if words[0] == "audit" && words[1] == "verify" {
			environ = nil
			auditors = append(auditors, words)
		}
		args, file := words, ""
		if n := len(words); n > 2 && words[n-2] == ">" {
			args, file = words[:n-2], words[n-1]
		}
		out := do(t, environ, args...)
		switch {
		case file != "":
			require.NoError(t, os.WriteFile(file, []byte(out), 0o600))
		case args[len(args)-1] == "--json":
			report := decoded[bundle.Report](t, out)
			require.True(t, report.OK)
			require.True(t, report.Complete)
			require.Equal(t, []int64{report.Log.Position}, report.Checkpoints)
			require.Positive(t, report.Folders[0].LastPosition)
			require.Greater(t, report.Log.Position, report.Folders[0].LastPosition)
		case environ == nil:
			require.Contains(t, out, "Everything agrees.")
		}
	}
	require.Len(t, auditors, 4)

	parts, err := filepath.Glob(filepath.Join(folder, "march", "events-*.parquet"))
	require.NoError(t, err)
	content, err := os.ReadFile(parts[0])
	require.NoError(t, err)
	content[len(content)/2] ^= 1
	require.NoError(t, os.WriteFile(parts[0], content, 0o600))
	for _, words := range auditors {
		c := call(t.Context(), nil, words...)
		require.Equal(t, exitFailure, c.code)
		require.Contains(t, c.out, "file_hash")
		require.Contains(t, c.out, parts[0])
		require.Contains(t, c.err, "the ledger does not verify")
	}
}

// TestExportCommands covers what the guide does not: other formats, JSON, a second call, and mistakes.
func TestExportCommands(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + ledgerOfMarch(t)}
	folder := t.TempDir()
	first := do(t, environ, "export", "events", "--format", "csv", "--out", folder+"/a", "--part-events", "25", "--json")
	m := decoded[export.Manifest](t, first)
	require.Greater(t, len(m.Files), 2)
	require.Equal(t, "log", m.Tree.Of)
	require.Equal(t, []export.Sum{{Currency: "USD", Amount: "0"}}, m.Totals)
	require.Equal(t, first, do(t, environ, "export", "events", "--format", "csv", "--out", folder+"/a", "--json"), "it is finished")
	require.Contains(t, do(t, nil, "audit", "verify", "--bundle", folder+"/a"), "Everything agrees.")
	require.Regexp(t, `total +0 +USD`, do(t, environ, "export", "journal", "--format", "parquet", "--out", folder+"/b"))
	journal := call(t.Context(), nil, "audit", "verify", "--bundle", folder+"/b")
	require.Equal(t, exitFailure, journal.code)
	require.Contains(t, journal.out, "only an export of events")

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"export", "events"}, exitUsage, "--out is needed"},
		{[]string{"export", "events", "--out", folder + "/c", "--from", "soon"}, exitUsage, "--from"},
		{[]string{"export", "events", "--out", folder + "/c", "--to", "0"}, exitUsage, "--to"},
		{[]string{"export", "events", "--out", folder + "/c", "--part-mb", "0"}, exitUsage, "--part-mb"},
		{[]string{"export", "events", "--out", folder + "/c", "--to", "1000000"}, exitFailure, "the log ends at position"},
		{[]string{"export", "events", "--out", folder + "/c", "--format", "xml"}, exitFailure, "no export of"},
		{[]string{"export", "journal", "--out", folder + "/c", "--format", "ndjson"}, exitFailure, "no export of"},
		{[]string{"export", "events", "--out", folder + "/a", "--format", "ndjson"}, exitFailure, "another export"},
		{[]string{"export", "events", "--out", folder + "/a/manifest.json/x"}, exitFailure, "not a directory"},
		{[]string{"audit", "verify", "--bundle", folder + "/a", "--database", "x"}, exitUsage, "not both"},
		{[]string{"audit", "verify", "--key", "x"}, exitUsage, "--key goes with --bundle"},
		{[]string{"audit", "verify", "--bundle", folder + "/nowhere"}, exitFailure, "no such file"},
	} {
		got := call(t.Context(), environ, c.args...)
		require.Equal(t, c.code, got.code, "%v: %s", c.args, got.err)
		require.Contains(t, got.err, c.want, "%v", c.args)
	}
}
