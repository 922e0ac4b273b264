package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/dev"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// devRun is a 'massrouter dev' that runs in this process.
type devRun struct {
	t    *testing.T
	info folder.Info
	stop func() called // ends it; once
}

// startDev runs the command until it has printed where it is.
func startDev(t *testing.T, environ []string, args ...string) *devRun {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		sh := shell{in: strings.NewReader(""), out: writer, err: &errs, environ: environ}
		ended <- run(ctx, append([]string{"dev", "--json"}, args...), sh)
		_ = writer.Close() // a pipe in memory
	}()
	d := &devRun{t: t}
	var result *called
	d.stop = func() called {
		if result == nil {
			cancel()
			result = &called{code: <-ended, err: errs.String()}
		}
		return *result
	}
	t.Cleanup(func() { require.Equal(t, exitOK, d.stop().code, d.stop().err) })
	if err := json.NewDecoder(reader).Decode(&d.info); err != nil {
		require.NoError(t, err, "%s", d.stop().err)
	}
	return d
}

// send does what a curl line says.
func send(t *testing.T, line string) completion {
	t.Helper()
	// A shell takes the line apart, so that its quoting is what is tried; no curl is needed for that.
	split := `curl() { for word in "$@"; do printf '%s\0' "$word"; done; }; ` + line
	out, err := exec.CommandContext(t.Context(), "sh", "-c", split).Output()
	require.NoError(t, err)
	words := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	require.Equal(t, "-s", words[0])
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, words[1], strings.NewReader(words[7]))
	require.NoError(t, err)
	for _, header := range []string{words[3], words[5]} {
		name, value, ok := strings.Cut(header, ": ")
		require.True(t, ok)
		request.Header.Set(name, value)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
	var c completion
	answered{body: body}.decode(t, &c)
	return c
}

func shownBalance(t *testing.T, dir string, info folder.Info) string {
	t.Helper()
	out := do(t, nil, "wallet", "show", info.WalletID.String(), "--data", dir, "--json")
	return decoded[client.WalletAnswer](t, out).Wallet.Posted.String()
}

func TestDevContinuesWhereItWas(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dev")
	environ := []string{"DATABASE_URL=" + pgtest.Empty(t), "MASSROUTER_LISTEN=127.0.0.1:0"}
	first := startDev(t, environ, "--data", dir)
	require.NotEmpty(t, first.info.SimURL)
	require.True(t, strings.HasPrefix(first.info.RedisURL, "redis://"))
	require.Equal(t, "20", shownBalance(t, dir, first.info))
	cost := send(t, dev.Curl(first.info)).Usage.Cost.amount(t)
	require.Positive(t, cost.Sign())
	onDisk, err := folder.ReadInfo(dir)
	require.NoError(t, err)
	require.Equal(t, first.info, onDisk)
	mode, err := os.Stat(filepath.Join(dir, folder.InfoName))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), mode.Mode().Perm())

	twice := call(t.Context(), environ, "dev", "--data", dir)
	require.Equal(t, exitFailure, twice.code)
	require.Contains(t, twice.err, "another 'massrouter dev' is running")
	require.Equal(t, exitOK, first.stop().code)

	again := startDev(t, environ, "--data", dir)
	require.Equal(t, first.info.APIKey, again.info.APIKey)
	require.Equal(t, first.info.WalletID, again.info.WalletID)
	require.Equal(t, first.info.OperatorToken, again.info.OperatorToken)
	cost = cost.Add(send(t, dev.Curl(again.info)).Usage.Cost.amount(t))
	left := money.MustParse("20").Sub(cost).String()
	await(t, func() bool { return shownBalance(t, dir, again.info) == left }) // the read model is a moment behind the answer
	require.Equal(t, exitOK, again.stop().code)
}

func TestDevMakesItsOwnPostgres(t *testing.T) {
	t.Parallel()
	// PostgreSQL may run as another user: it has to pass through the folder.
	dir, err := os.MkdirTemp("", "mrdev") //nolint:usetesting // a test's own folder is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	environ := []string{"MASSROUTER_LISTEN=127.0.0.1:0"}
	run := startDev(t, environ, "--data", dir)
	send(t, dev.Curl(run.info))
	conn, err := pgx.Connect(t.Context(), run.info.PostgresURL)
	require.NoError(t, err)
	var fsync string
	require.NoError(t, conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync))
	require.Equal(t, "on", fsync)
	require.NoError(t, conn.Close(t.Context()))
	require.Equal(t, exitOK, run.stop().code)
	_, err = pgx.Connect(t.Context(), run.info.PostgresURL)
	require.Error(t, err, "it is stopped with everything else")
}

func TestTwoDevsRunSideBySide(t *testing.T) {
	t.Parallel()
	var runs []*devRun
	for range 2 {
		environ := []string{"DATABASE_URL=" + pgtest.Empty(t), "MASSROUTER_LISTEN=127.0.0.1:0"}
		runs = append(runs, startDev(t, environ, "--data", t.TempDir()))
	}
	require.NotEqual(t, runs[0].info.BaseURL, runs[1].info.BaseURL)
	require.NotEqual(t, runs[0].info.APIKey, runs[1].info.APIKey)
	for _, run := range runs {
		send(t, dev.Curl(run.info))
	}
}

func TestDevRefusesWhatItDidNotMake(t *testing.T) {
	t.Parallel()
	foreign := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "thesis.txt"), []byte("mine"), 0o600))
	full := pgtest.URL(t) // a ledger that somebody else has
	belongs := pgtest.Empty(t)
	owner := startDev(t, []string{"DATABASE_URL=" + belongs, "MASSROUTER_LISTEN=127.0.0.1:0"}, "--data", t.TempDir())
	require.Equal(t, exitOK, owner.stop().code)
	for name, c := range map[string]struct {
		environ []string
		dir     string
		want    string
	}{
		"a folder":                      {nil, foreign, "was not made by 'massrouter dev'"},
		"a database":                    {[]string{"DATABASE_URL=" + full}, t.TempDir(), "holds data"},
		"another dev's database":        {[]string{"DATABASE_URL=" + belongs}, t.TempDir(), "belongs to another data folder"},
		"a Redis that is not there":     {[]string{"DATABASE_URL=" + pgtest.Empty(t), "REDIS_URL=redis://127.0.0.1:1"}, t.TempDir(), "REDIS_URL"},
		"an address that is not there":  {[]string{"DATABASE_URL=" + pgtest.Empty(t)}, "", "no such host"},
		"a database that is not there":  {[]string{"DATABASE_URL=postgres://u:secret-word@127.0.0.1:1/d"}, t.TempDir(), "DATABASE_URL"},
		"a configuration with problems": {[]string{"MASSROUTER_LOG_LEVEL=loud"}, t.TempDir(), "MASSROUTER_LOG_LEVEL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"dev", "--data", c.dir}
			if c.dir == "" {
				args = []string{"dev", "--data", t.TempDir(), "--listen", "no.such.host.invalid:0"}
			}
			got := call(t.Context(), c.environ, args...)
			require.Equal(t, exitFailure, got.code, got.err)
			require.Contains(t, got.err, c.want)
			require.NotContains(t, got.err, "secret-word")
		})
	}
	kept, err := os.ReadFile(filepath.Join(foreign, "thesis.txt"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(kept))
}

// TestDevSaysWhereThingsAre: operations answer where somebody wants them, mails can be read where it says, and the operator token is told by its file, not shown.
func TestDevSaysWhereThingsAre(t *testing.T) {
	t.Parallel()
	run := startDev(t, []string{"DATABASE_URL=" + pgtest.Empty(t), "MASSROUTER_LISTEN=127.0.0.1:0", "MASSROUTER_OPS_LISTEN=127.0.0.2:0"}, "--data", t.TempDir())
	require.Regexp(t, `^http://127\.0\.0\.2:\d+$`, run.info.OpsURL)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for _, place := range []string{run.info.OpsURL + "/healthz", run.info.MailURL} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, place, nil)
		require.NoError(t, err)
		response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, place)
	}
	require.Equal(t, "http://localhost:3001", run.info.PortalURL)
	var out bytes.Buffer
	announce(&output.Printer{Out: &out}, run.info, "somewhere/dev.json")
	for _, want := range []string{"operator_token in somewhere/dev.json", run.info.PortalURL, run.info.MailURL} {
		require.Contains(t, out.String(), want)
	}
	require.NotContains(t, out.String(), run.info.OperatorToken)
}

func TestDevWantsAnAddress(t *testing.T) {
	t.Parallel()
	got := call(t.Context(), nil, "dev", "--data", t.TempDir(), "--listen", "8080")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "HOST:PORT")
}
