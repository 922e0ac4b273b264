package crashtest_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/pgcluster"
)

const (
	vendor = "acme"
	quick  = "acme/quick"
	slow   = "acme/slow" // its streams last long enough to be cut
)

// service is everything that runs: a durable database, a vendor, two API processes and one for the background work.
type service struct {
	program  program
	database *pgcluster.Cluster
	vendor   *child
	serve    []*child
	base     []atomic.Pointer[string] // of each API process; empty while it is down
	work     *child
	token    string // the operator's
	environ  []string
}

func secret(t *testing.T) string {
	t.Helper()
	raw := make([]byte, 32)
	_, err := rand.Read(raw)
	require.NoError(t, err)
	return hex.EncodeToString(raw)
}

// startService starts everything; all of it is gone when the test ends.
func startService(t *testing.T) *service {
	t.Helper()
	s := &service{program: build(t), token: secret(t), base: make([]atomic.Pointer[string], 2)}
	var err error
	s.database, err = pgcluster.Start(t.Context(), pgcluster.Options{Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, s.database.Stop(ctx))
	})
	key := secret(t)
	s.environ = []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "DATABASE_URL=" + s.database.URL("postgres"), "MASSROUTER_OPERATOR_TOKEN=" + s.token,
		"MASSROUTER_VENDOR_KEY_ACME=" + key, "MASSROUTER_LISTEN=127.0.0.1:0", "MASSROUTER_OPS_LISTEN=127.0.0.1:0",
		"MASSROUTER_LOG_LEVEL=info", "MASSROUTER_SWEEP_EVERY=500ms",
		// Holds and claims of a killed process end soon.
		"MASSROUTER_REQUEST_TIMEOUT=5s",
	}
	s.program.call(t, s.environ, "migrate", "up", "--json")
	s.vendor = s.child("sim", s.environ, "sim", "--listen", "127.0.0.1:0", "--api-key", key, "--json")
	at, err := s.vendor.start(t.Context())
	require.NoError(t, err)
	t.Cleanup(s.vendor.kill)
	s.publish(t, at.URL)
	for i := range s.base {
		name := fmt.Sprintf("serve%d", i+1)
		// Each process has a journal of its own, which its next start continues.
		s.serve = append(s.serve, s.child(name, append([]string{"MASSROUTER_JOURNAL_DIR=" + filepath.Join(s.program.dir, name)}, s.environ...), "serve", "--json"))
		t.Cleanup(s.serve[i].kill)
		require.NoError(t, s.startServe(t.Context(), i))
	}
	s.work = s.child("work", s.environ, "work", "--json")
	t.Cleanup(s.work.kill)
	_, err = s.work.start(t.Context())
	require.NoError(t, err)
	return s
}

func (s *service) child(name string, environ []string, args ...string) *child {
	return &child{program: s.program, name: name, args: args, environ: environ}
}

func (s *service) startServe(ctx context.Context, i int) error {
	at, err := s.serve[i].start(ctx)
	s.base[i].Store(&at.BaseURL)
	return err
}

func (s *service) killServe(i int) {
	none := ""
	s.base[i].Store(&none)
	s.serve[i].kill()
}

// app runs the use cases in this process while use does; the service is not there yet, or is gone.
func (s *service) app(t *testing.T, use func(*commands.App)) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), s.database.URL("postgres"))
	require.NoError(t, err)
	defer pool.Close()
	store, err := postgres.Open(t.Context(), pool, postgres.Options{})
	require.NoError(t, err)
	defer store.Close()
	app, err := commands.New(store, commands.Options{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = app.Run(ctx) }) // it returns nil
	defer running.Wait()
	defer stop()
	use(app)
}

func meta() commands.Meta { return commands.Meta{CommandID: uuid.New(), Actor: "system:test"} }

// publish offers two models of the simulated vendor. Each class has a price of its own.
func (s *service) publish(t *testing.T, url string) {
	t.Helper()
	s.app(t, func(app *commands.App) {
		_, _, err := app.PublishVendor(t.Context(), meta(), commands.PublishVendor{Vendor: catalog.Vendor{
			ID: vendor, Name: "Acme", BaseURL: url + "/v1", Dialect: "openai", CancelPolicy: catalog.Drain,
			MaxTokensField: "max_tokens", Status: catalog.Active,
		}})
		require.NoError(t, err)
		for id, upstream := range map[string]string{
			quick: "quick?tokens=20&cached=3&reasoning=6", slow: "slow?tokens=40&first=20ms&between=5ms&cached=3",
		} {
			_, _, err = app.PublishModel(t.Context(), meta(), commands.PublishModel{Model: catalog.Model{
				ID: id, Name: id, ContextLength: 100_000, MaxCompletionTokens: 10_000, InputModalities: []string{"text"},
				OutputModalities: []string{"text"}, ReleasedAt: time.Unix(0, 0).UTC(), Status: catalog.Active,
			}})
			require.NoError(t, err)
			_, _, err = app.PublishEndpoint(t.Context(), meta(), commands.PublishEndpoint{Endpoint: catalog.Endpoint{
				ID: id + "@" + vendor, Model: id, Vendor: vendor, UpstreamModel: upstream, ContextLength: 100_000,
				MaxCompletionTokens: 10_000, Status: catalog.Active,
			}})
			require.NoError(t, err)
			_, _, err = app.PublishPrice(t.Context(), meta(), commands.PublishPrice{Endpoint: id + "@" + vendor, PriceVersion: catalog.PriceVersion{
				ID: uuid.New(), Currency: money.USD, Price: catalog.Schedule{Base: catalog.Rates{
					usage.Input: money.MustPrice("0.000003"), usage.CacheRead: money.MustPrice("0.0000003"),
					usage.Output: money.MustPrice("0.000015"), usage.Reasoning: money.MustPrice("0.000017"), usage.Request: money.MustPrice("0.000101"),
				}},
			}})
			require.NoError(t, err)
		}
	})
}

// account is a wallet with one key.
type account struct {
	wallet uuid.UUID
	secret string
}

// open makes wallets with the same amount each.
func (s *service) open(t *testing.T, n int, amount string) []account {
	t.Helper()
	accounts := make([]account, n)
	s.app(t, func(app *commands.App) {
		for i := range accounts {
			var random [32]byte
			_, err := rand.Read(random[:])
			require.NoError(t, err)
			key := uuid.New()
			a := account{uuid.New(), apikey.Secret(key, random)}
			_, _, err = app.OpenWallet(t.Context(), meta(), commands.OpenWallet{WalletID: a.wallet, Owner: "crash", Currency: money.USD})
			require.NoError(t, err)
			_, _, err = app.TopUp(t.Context(), meta(), commands.TopUp{
				WalletID: a.wallet, Amount: money.MustParse(amount), Currency: money.USD, PSP: "operator", Reason: "crash",
			})
			require.NoError(t, err)
			_, _, err = app.IssueKey(t.Context(), meta(), commands.IssueKey{
				KeyID: key, WalletID: a.wallet, Hash: apikey.HashSecret(a.secret), Label: apikey.Label(a.secret), Limits: apikey.Limits{Name: "crash"},
			})
			require.NoError(t, err)
			accounts[i] = a
		}
	})
	return accounts
}
