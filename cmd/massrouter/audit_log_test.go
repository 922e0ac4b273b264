package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// proved is a service with a transparency log, and the files of its keys.
type proved struct {
	*service
	url, dir           string
	keyFile, publicKey string
}

func serveProved(t *testing.T) *proved {
	t.Helper()
	p := &proved{url: pgtest.URL(t), dir: filepath.Join(t.TempDir(), "log"), keyFile: filepath.Join(t.TempDir(), "log.key")}
	p.publicKey = strings.TrimSpace(do(t, nil, "audit", "keygen", "ledger.test/log", "--out", p.keyFile))
	p.service = serve(t, p.url, p.configure(t))
	return p
}

func (p *proved) configure(t *testing.T) func(*config.Config) {
	t.Helper()
	private, err := os.ReadFile(p.keyFile)
	require.NoError(t, err)
	return func(c *config.Config) {
		c.Proof.LogKey, c.Proof.LogDir = config.NewSecret(strings.TrimSpace(string(private))), p.dir
	}
}

func (p *proved) environ() []string {
	return []string{"DATABASE_URL=" + p.url, "MASSROUTER_LOG_PUBLIC_KEY=" + p.publicKey, "MASSROUTER_LOG_DIR=" + p.dir}
}

// A customer's charge is proved, and verified by somebody who has nothing but the receipt and the public key.
func TestChargeIsProvedOffline(t *testing.T) {
	t.Parallel()
	vendor, p := vendorServer(t), serveProved(t)
	p.publish(vendor, "test/thinker", "thinker?tokens=30&reasoning=12&cached=4", tokenRates())
	a := p.open("20")
	answer := p.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/thinker", false))
	require.Equal(t, http.StatusOK, answer.status)
	generation := answer.header.Get("X-Generation-Id")
	var head client.LedgerHead
	p.ask(http.MethodGet, "/console/v1/ledger/head", operatorToken, nil).decode(t, &head)
	require.NoError(t, p.WaitFor(t.Context(), int64(head.Position)))

	checkpoint := decoded[checkpointResult](t, do(t, p.environ(), "audit", "checkpoint", "--json"))
	require.GreaterOrEqual(t, checkpoint.Size, int64(head.Position))
	require.Equal(t, "ledger.test/log", checkpoint.Origin)
	require.Contains(t, do(t, p.environ(), "audit", "checkpoint"), "— ledger.test/log ")

	receipt := do(t, p.environ(), "audit", "prove", generation)
	file := write(t, "receipt.json", receipt)
	shown := do(t, nil, "audit", "verify-receipt", file, "--key", p.publicKey)
	require.Contains(t, shown, "wallet.usage_charged.v1")
	require.Contains(t, shown, "The receipt verifies")
	verified := decoded[receiptResult](t, do(t, nil, "audit", "verify-receipt", file, "--key", write(t, "log.pub", p.publicKey+"\n"), "--json"))
	require.True(t, verified.OK)
	require.Contains(t, verified.Body, strings.TrimPrefix(generation, "gen-"))
	byPosition := do(t, p.environ(), "audit", "prove", strconv.FormatInt(verified.Position, 10))
	require.Equal(t, decoded[audit.Receipt](t, receipt).Event, decoded[audit.Receipt](t, byPosition).Event)

	forged := call(t.Context(), nil, "audit", "verify-receipt", write(t, "forged.json", strings.Replace(receipt, `\"charge\":\"`, `\"charge\":\"1`, 1)), "--key", p.publicKey)
	require.Equal(t, exitFailure, forged.code)
	require.Contains(t, forged.err, "the receipt does not verify: event")
	beyond := call(t.Context(), p.environ(), "audit", "prove", "1000000")
	require.Equal(t, exitFailure, beyond.code)
	require.Contains(t, beyond.err, "not_found")
}

// The published folder is served as it is; anybody verifies it and a witness cosigns it.
func TestPublishedLogIsVerifiedAndWitnessed(t *testing.T) {
	t.Parallel()
	p := serveProved(t)
	p.open("20")
	do(t, p.environ(), "audit", "checkpoint")
	web := httptest.NewServer(http.FileServer(http.Dir(p.dir)))
	t.Cleanup(web.Close)
	witnessKey := filepath.Join(t.TempDir(), "witness.key")
	do(t, nil, "audit", "keygen", "witness.test/w1", "--out", witnessKey)
	state := filepath.Join(t.TempDir(), "state")
	args := func(log string) []string {
		return []string{"audit", "witness", "--state", state, "--key", witnessKey, "--log", log, "--log-key", p.publicKey, "--json"}
	}
	first := decoded[witnessResult](t, do(t, nil, args(web.URL)...))
	require.Zero(t, first.Before)
	p.open("5")
	do(t, p.environ(), "audit", "checkpoint")
	second := decoded[witnessResult](t, do(t, nil, args(p.dir)...))
	require.Equal(t, first.Size, second.Before)
	require.Greater(t, second.Size, first.Size)
	require.Contains(t, second.Note, "— witness.test/w1 ")

	for _, log := range []string{p.dir, web.URL} {
		report := decoded[audit.TileReport](t, do(t, nil, "audit", "verify-tiles", "--log", log, "--key", p.publicKey, "--json"))
		require.Empty(t, report.Wrong)
		require.GreaterOrEqual(t, report.Checkpoint.Size, second.Size)
	}
	require.NoError(t, p.stop())
	size := decoded[audit.TileReport](t, do(t, nil, "audit", "verify-tiles", "--log", p.dir, "--key", p.publicKey, "--json")).Checkpoint.Size
	path := audit.TilePath(0, 0, int(size))
	tile, err := os.ReadFile(filepath.Join(p.dir, path))
	require.NoError(t, err)
	tile[40] ^= 1
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, path), tile, 0o600))
	bad := call(t.Context(), nil, "audit", "verify-tiles", "--log", p.dir, "--key", p.publicKey)
	require.Equal(t, exitFailure, bad.code)
	require.Contains(t, bad.err, path)
}

// An old backup is brought back: serve and work refuse to start, until the operator abandons that very checkpoint.
func TestRestoredBackupIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	p := serveProved(t)
	p.open("20")
	before := decoded[checkpointResult](t, do(t, p.environ(), "audit", "checkpoint", "--json"))
	p.open("30")
	published := decoded[checkpointResult](t, do(t, p.environ(), "audit", "checkpoint", "--json"))
	require.Greater(t, published.Size, before.Size)
	require.NoError(t, p.stop())
	conn, err := pgx.Connect(t.Context(), p.url)
	require.NoError(t, err)
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`DELETE FROM ledger.events WHERE position > ` + strconv.FormatInt(before.Size, 10),
		`DELETE FROM ledger.log_checkpoints WHERE size > ` + strconv.FormatInt(before.Size, 10),
		`UPDATE ledger.log_heads SET position = ` + strconv.FormatInt(before.Size, 10),
	} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close(t.Context()))

	c := config.Default()
	c.HTTP.OpsListen = "127.0.0.1:0"
	c.Store.DatabaseURL = config.NewSecret(p.url)
	c.Proof.LogPublicKey, c.Proof.LogDir = p.publicKey, p.dir
	require.NoError(t, c.Validate(config.RoleWork))
	_, err = program.Open(t.Context(), program.Options{Config: c, Log: zerolog.Nop()})
	var fork *audit.ForkError
	require.ErrorAs(t, err, &fork)
	require.Equal(t, published.Size, fork.Known.Size)
	require.Equal(t, before.Size, fork.Other.Size)
	for _, want := range []string{"refuse to start", published.Root, before.Root, "MASSROUTER_LOG_ABANDONED_ROOT=" + published.Root} {
		require.Contains(t, err.Error(), want)
	}
	c.Proof.AbandonedRoot = before.Root
	_, err = program.Open(t.Context(), program.Options{Config: c, Log: zerolog.Nop()})
	require.ErrorAs(t, err, &fork, "it names the checkpoint that is abandoned, not any")
	c.Proof.AbandonedRoot = published.Root
	opened, err := program.Open(t.Context(), program.Options{Config: c, Log: zerolog.Nop()})
	require.NoError(t, err)
	require.NoError(t, opened.Close())
}

func TestAuditToolsAreCalledRightly(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "k")
	public := strings.TrimSpace(do(t, nil, "audit", "keygen", "a.test/log", "--out", key))
	info, err := os.Stat(key)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	private, err := os.ReadFile(key)
	require.NoError(t, err)
	secret := strings.TrimSpace(string(private))
	require.Equal(t, exitFailure, call(t.Context(), nil, "audit", "keygen", "a.test/log", "--out", key).code, "a key is never overwritten")
	for name, args := range map[string][]string{
		"no file":       {"audit", "keygen", "x"},
		"no origin":     {"audit", "keygen", "a b", "--out", key + "2"},
		"no position":   {"audit", "prove", "abc"},
		"no key":        {"audit", "prove", "1"},
		"receipt key":   {"audit", "verify-receipt", key},
		"not a key":     {"audit", "verify-receipt", key, "--key", "a+b+c"},
		"no log":        {"audit", "verify-tiles", "--key", public},
		"ftp":           {"audit", "verify-tiles", "--key", public, "--log", "ftp://x"},
		"witness state": {"audit", "witness", "--key", key},
	} {
		c := call(t.Context(), []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/none"}, args...)
		require.Equal(t, exitUsage, c.code, "%s: %s", name, c.err)
	}
	c := call(t.Context(), nil, "audit", "witness", "--state", key+"s", "--key", write(t, "bad", secret[:len(secret)-1]), "--log", t.TempDir(), "--log-key", public)
	require.Equal(t, exitFailure, c.code)
	require.NotContains(t, c.err, secret[40:60])
	c = call(t.Context(), []string{"DATABASE_URL=postgres://x@127.0.0.1:1/y", "MASSROUTER_LOG_KEY=" + secret[:len(secret)-1]}, "audit", "checkpoint")
	require.Equal(t, exitFailure, c.code)
	require.Contains(t, c.err, "MASSROUTER_LOG_KEY")
	require.NotContains(t, c.err, secret[40:60])
	raw, err := json.Marshal(config.Proof{LogKey: config.NewSecret(secret)})
	require.NoError(t, err)
	require.NotContains(t, string(raw), secret[40:60])
}
