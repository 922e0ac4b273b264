package program_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// clock is the ledger's clock, which a test can move ahead.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now(database time.Time) time.Time { return database.Add(time.Duration(c.ahead.Load())) }

func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// start runs a product without its API until the test ends.
func start(t *testing.T, database string, c *clock) *program.Program {
	t.Helper()
	cfg := config.Default()
	cfg.HTTP.OpsListen = "127.0.0.1:0"
	cfg.Store.DatabaseURL = config.NewSecret(database)
	cfg.Gateway.JournalDir = filepath.Join(t.TempDir(), "journal")
	cfg.Ledger.SweepEvery, cfg.Ledger.MaintainEvery = 10*time.Millisecond, 10*time.Millisecond
	p, err := program.Open(t.Context(), program.Options{Config: cfg, Work: true, Log: zerolog.Nop(), Clock: c.now})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return p
}

func meta() commands.Meta {
	id := uuid.New()
	return commands.Meta{CommandID: id, Actor: "system:test", CorrelationID: id, CausationID: id}
}

// account is a wallet with one dollar and a key, beside a model of which a call costs ten cents.
type account struct{ wallet, key uuid.UUID }

const endpoint = "test/model@sim"

func open(t *testing.T, app *commands.App) account {
	t.Helper()
	ctx, a := t.Context(), account{wallet: uuid.New(), key: uuid.New()}
	_, _, err := app.PublishVendor(ctx, meta(), commands.PublishVendor{Vendor: catalog.Vendor{
		ID: "sim", Name: "sim", BaseURL: "http://127.0.0.1:1/v1", Dialect: "openai", CancelPolicy: catalog.Drain, MaxTokensField: "max_tokens", Status: catalog.Active,
	}})
	require.NoError(t, err)
	_, _, err = app.PublishModel(ctx, meta(), commands.PublishModel{Model: catalog.Model{
		ID: "test/model", Name: "m", ContextLength: 1000, MaxCompletionTokens: 100, InputModalities: []string{"text"},
		OutputModalities: []string{"text"}, ReleasedAt: time.Unix(0, 0).UTC(), Status: catalog.Active,
	}})
	require.NoError(t, err)
	_, _, err = app.PublishEndpoint(ctx, meta(), commands.PublishEndpoint{Endpoint: catalog.Endpoint{
		ID: endpoint, Model: "test/model", Vendor: "sim", UpstreamModel: "m", ContextLength: 1000, MaxCompletionTokens: 100, Status: catalog.Active,
	}})
	require.NoError(t, err)
	free := money.MustPrice("0")
	_, _, err = app.PublishPrice(ctx, meta(), commands.PublishPrice{Endpoint: endpoint, PriceVersion: catalog.PriceVersion{
		ID: uuid.New(), Currency: money.USD,
		Price: catalog.Schedule{Base: catalog.Rates{usage.Input: free, usage.Output: free, usage.Request: money.MustPrice("0.1")}},
	}})
	require.NoError(t, err)
	_, _, err = app.OpenWallet(ctx, meta(), commands.OpenWallet{WalletID: a.wallet, Owner: "test", Currency: money.USD})
	require.NoError(t, err)
	_, _, err = app.TopUp(ctx, meta(), commands.TopUp{WalletID: a.wallet, Amount: money.MustParse("1"), Currency: money.USD, PSP: "operator", Reason: "test"})
	require.NoError(t, err)
	_, _, err = app.IssueKey(ctx, meta(), commands.IssueKey{KeyID: a.key, WalletID: a.wallet, Hash: apikey.HashSecret("x"), Label: "x"})
	require.NoError(t, err)
	return a
}

// place reserves a call and returns its id.
func place(t *testing.T, app *commands.App, a account, ttl time.Duration) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	m := meta()
	m.CommandID = id
	_, _, err = app.PlaceHold(t.Context(), m, commands.PlaceHold{
		HoldID: id, WalletID: a.wallet, KeyID: a.key, Model: "test/model", Endpoint: endpoint, PromptTokens: 1, CompletionTokens: 1, TTL: ttl,
	})
	require.NoError(t, err)
	return id
}

const (
	patience = time.Minute
	tick     = 5 * time.Millisecond
)

// awaitState waits until a call is in a state.
func awaitState(t *testing.T, database string, id uuid.UUID, want string) {
	t.Helper()
	pool := connect(t, database)
	state := ""
	require.Eventually(t, func() bool {
		err := pool.QueryRow(t.Context(), "SELECT state FROM views.generations_v1 WHERE generation_id = $1", id).Scan(&state)
		return err == nil && state == want
	}, patience, tick, "last state %q", state)
}

func TestLostCallBecomesSuspectAndThenExpires(t *testing.T) {
	t.Parallel()
	database, c := pgtest.URL(t), &clock{}
	p := start(t, database, c)
	a := open(t, p.App())
	lost, kept := place(t, p.App(), a, time.Minute), place(t, p.App(), a, time.Hour)

	c.forward(2 * time.Minute)
	awaitState(t, database, lost, "suspect")
	c.forward(wallet.SuspectGrace + time.Minute)
	awaitState(t, database, lost, "expired")
	awaitState(t, database, kept, "running")

	var held, available string
	require.NoError(t, connect(t, database).QueryRow(t.Context(),
		"SELECT held::float8::text, available::float8::text FROM views.balance_v1 WHERE wallet_id = $1", a.wallet).Scan(&held, &available))
	require.Equal(t, "0.1", held)
	require.Equal(t, "0.9", available)
}

func TestHoldsOfAnEarlierProcessAreSwept(t *testing.T) {
	t.Parallel()
	database, c := pgtest.URL(t), &clock{}
	var lost uuid.UUID
	t.Run("a process places a hold and goes", func(t *testing.T) {
		p := start(t, database, c)
		lost = place(t, p.App(), open(t, p.App()), time.Minute)
		awaitState(t, database, lost, "running")
	})
	c.forward(2 * time.Minute)
	start(t, database, c)
	awaitState(t, database, lost, "suspect")
}

func TestTwoProcessesShareTheWork(t *testing.T) {
	t.Parallel()
	database, c := pgtest.URL(t), &clock{}
	p, q := start(t, database, c), start(t, database, c)
	a := open(t, p.App())
	ids := []uuid.UUID{place(t, p.App(), a, time.Minute), place(t, q.App(), a, time.Minute)}
	c.forward(2 * time.Minute)
	for _, id := range ids {
		awaitState(t, database, id, "suspect")
	}
	var suspected int
	require.NoError(t, connect(t, database).QueryRow(t.Context(), "SELECT count(*) FROM ledger.events WHERE type = 'wallet.hold_suspected.v1'").Scan(&suspected))
	require.Equal(t, 2, suspected, "each hold once")
}

func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	start(t, database, &clock{})
	pool := connect(t, database)
	require.Eventually(t, func() bool {
		var n int
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ledger.events'::regclass").Scan(&n)
		return err == nil && n > 0
	}, patience, tick)
}
