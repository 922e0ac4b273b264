package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/reactors/webhook"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	patience = time.Minute
	tick     = 2 * time.Millisecond
)

// everywhere lets tests reach servers of this machine.
var everywhere = webhook.Policy{AllowHTTP: true, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

// bundle is a ledger in memory with its webhooks in a database.
type bundle struct {
	t        *testing.T
	clock    *ledgertest.Clock
	log      *memory.Store
	ledger   *ledgertest.Ledger
	pool     *pgxpool.Pool
	keys     *webhook.Keyring
	registry *webhook.Registry
	follower *webhook.Follower
	wallet   uuid.UUID
}

// anyWallet exists, but for the nil UUID.
type anyWallet struct{}

func (anyWallet) Exists(_ context.Context, id uuid.UUID) error {
	if id == uuid.Nil {
		return domain.Errorf(domain.CodeWalletNotFound, "no such wallet")
	}
	return nil
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, clock: ledgertest.NewClock(), pool: pgtest.New(t), wallet: uuid.New()}
	b.log = memory.New(memory.Options{Clock: b.clock.Now})
	b.ledger = ledgertest.New(t, b.log, b.clock)
	text, err := webhook.NewKey()
	require.NoError(t, err)
	b.keys, err = webhook.ParseKeyring(text)
	require.NoError(t, err)
	b.registry = webhook.NewRegistry(b.pool, b.log, anyWallet{}, webhook.RegistryOptions{Keys: b.keys, Policy: everywhere, Now: b.clock.Now})
	b.follower = b.newFollower(webhook.FollowerOptions{})
	return b
}

func (b *bundle) newFollower(o webhook.FollowerOptions) *webhook.Follower {
	b.t.Helper()
	registry, err := commands.Registry()
	require.NoError(b.t, err)
	if o.Now == nil {
		o.Now = b.clock.Now
	}
	if o.Rest == 0 {
		o.Rest = tick
	}
	return webhook.NewFollower(b.log, registry, b.pool, o)
}

// open opens the bundle's wallet with money.
func (b *bundle) open() {
	b.t.Helper()
	b.command(func(m commands.Meta) error {
		_, _, err := b.ledger.App.OpenWallet(b.t.Context(), m, commands.OpenWallet{WalletID: b.wallet, Owner: "org-1", Currency: money.USD})
		return err
	})
	b.topUp("10")
}

func (b *bundle) topUp(amount string) {
	b.t.Helper()
	b.command(func(m commands.Meta) error {
		_, _, err := b.ledger.App.TopUp(b.t.Context(), m, commands.TopUp{
			WalletID: b.wallet, Amount: money.MustParse(amount), Currency: money.USD, PSP: "operator", Reason: "test",
		})
		return err
	})
}

func (b *bundle) command(do func(commands.Meta) error) {
	b.t.Helper()
	id := uuid.New()
	require.NoError(b.t, do(commands.Meta{CommandID: id, Actor: "operator:test", CorrelationID: id, CausationID: id}))
}

func (b *bundle) head() int64 {
	b.t.Helper()
	head, err := b.log.Head(b.t.Context())
	require.NoError(b.t, err)
	return head.Position
}

func request() webhook.Request { return webhook.Request{ID: uuid.New(), Actor: "operator:test"} }

// register registers a webhook of the bundle's wallet.
func (b *bundle) register(url string, change ...func(*webhook.Settings)) webhook.Registered {
	b.t.Helper()
	s := webhook.Settings{Name: "test", URL: url}
	for _, c := range change {
		c(&s)
	}
	r, err := b.registry.Register(b.t.Context(), request(), b.wallet, s)
	require.NoError(b.t, err)
	return r
}

func only(types ...webhook.Type) func(*webhook.Settings) {
	return func(s *webhook.Settings) { s.EventTypes = types }
}

// follow makes the deliveries of everything that is recorded.
func (b *bundle) follow() {
	b.t.Helper()
	for {
		position, _, err := b.follower.Step(b.t.Context())
		require.NoError(b.t, err)
		if position == b.head() {
			return
		}
	}
}

// work sends until the test ends, or the function that it returns is called.
func (b *bundle) work(change ...func(*webhook.WorkerOptions)) (stop func()) {
	b.t.Helper()
	o := webhook.WorkerOptions{
		Keys: b.keys, Policy: everywhere, Poll: tick, Timeout: patience, Now: b.clock.Now,
		OnError: func(err error) { b.t.Errorf("the worker: %v", err) },
	}
	for _, c := range change {
		c(&o)
	}
	worker := webhook.NewWorker(b.pool, o)
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(b.t, <-ended)
	})
	b.t.Cleanup(stop)
	return stop
}

// until waits for a condition.
func until(t *testing.T, met func() bool, message ...any) {
	t.Helper()
	require.Eventually(t, met, patience, tick, message...)
}

// settled waits until nothing is due and no attempt is under way.
func (b *bundle) settled() {
	b.t.Helper()
	until(b.t, func() bool {
		var done bool
		require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT NOT EXISTS (SELECT FROM webhooks.queues WHERE due_at <= $1)
			AND (SELECT coalesce(sum(attempts), 0) FROM webhooks.deliveries) = (SELECT count(*) FROM webhooks.attempts)`, b.clock.Now()).Scan(&done))
		return done
	})
}

// deliveries lists all deliveries of a webhook, the oldest first.
func (b *bundle) deliveries(id uuid.UUID) []webhook.Delivery {
	b.t.Helper()
	var all []webhook.Delivery
	cursor := ""
	for {
		page, err := b.registry.Deliveries(b.t.Context(), id, webhook.DeliveriesRequest{Cursor: cursor, Limit: 3})
		require.NoError(b.t, err)
		for _, d := range page.Deliveries {
			all = append([]webhook.Delivery{d}, all...)
		}
		if cursor = page.NextCursor; cursor == "" {
			return all
		}
	}
}

// states counts deliveries by state.
func (b *bundle) states(id uuid.UUID) map[string]int {
	b.t.Helper()
	n := map[string]int{}
	for _, d := range b.deliveries(id) {
		n[d.State]++
	}
	return n
}

func (b *bundle) webhook(id uuid.UUID) webhook.Webhook {
	b.t.Helper()
	w, err := b.registry.Webhook(b.t.Context(), id)
	require.NoError(b.t, err)
	return w
}

// got is one request that a receiver had.
type got struct {
	id     string
	header http.Header
	body   []byte
}

func (g got) message(t *testing.T) (m struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
},
) {
	t.Helper()
	require.NoError(t, json.Unmarshal(g.body, &m))
	return m
}

// receiver is a customer's server. It verifies every request with the official library once it knows a secret.
type receiver struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	all    []got
	secret string
	answer func(w http.ResponseWriter, r *http.Request, n int)
}

// receive starts a receiver that answers the n-th request, from 1; nil answers 204.
func receive(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		r.t.Errorf("read a request: %v", err)
	}
	r.mu.Lock()
	r.all = append(r.all, got{id: request.Header.Get("webhook-id"), header: request.Header.Clone(), body: body})
	n, secret, answer := len(r.all), r.secret, r.answer
	r.mu.Unlock()
	if secret != "" {
		verifier, err := official.NewWebhook(secret)
		if err == nil {
			err = verifier.VerifyIgnoringTimestamp(body, request.Header)
		}
		if err != nil {
			r.t.Errorf("the official library refuses a request: %v", err)
		}
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, request, n)
}

func (r *receiver) knows(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secret = secret
}

func (r *receiver) got() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got(nil), r.all...)
}

// ids are the distinct ids of what was received.
func (r *receiver) ids() map[string]int {
	n := map[string]int{}
	for _, g := range r.got() {
		n[g.id]++
	}
	return n
}

func status(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(code) }
}

func field(t *testing.T, err error) string {
	t.Helper()
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, domain.CodeInvalid, e.Code, e.Message)
	require.True(t, strings.HasPrefix(e.Message, e.Details["field"]) || e.Details["field"] == "balance_threshold" || e.Details["field"] == "since_time", e.Message)
	return e.Details["field"]
}

// pgtestConn is a pool of its own on the bundle's database.
func pgtestConn(t *testing.T, b *bundle) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), b.pool.Config())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}
