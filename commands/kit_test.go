package commands_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

const (
	model    = "acme/large"
	endpoint = "acme/large@acme"
)

// clock is the log's clock of a test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type bundle struct {
	app      *commands.App
	store    *memory.Store
	clock    *clock
	registry *domain.Registry
}

func setup(tb testing.TB) bundle {
	tb.Helper()
	c := &clock{now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	store := memory.New(memory.Options{Clock: c.read})
	registry, err := commands.Registry()
	require.NoError(tb, err)
	return bundle{app: run(tb, store), store: store, clock: c, registry: registry}
}

func run(tb testing.TB, store eventstore.Appender) *commands.App {
	tb.Helper()
	app, err := commands.New(store, commands.Options{})
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = app.Run(ctx) })
	tb.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return app
}

func meta() commands.Meta { return commands.Meta{CommandID: uuid.New(), Actor: "operator:test"} }

// publish offers the model at prices per token and per request.
func (b bundle) publish(tb testing.TB, input, output, request string) uuid.UUID {
	tb.Helper()
	ctx := tb.Context()
	_, _, err := b.app.PublishVendor(ctx, meta(), commands.PublishVendor{Vendor: catalog.Vendor{
		ID: "acme", Name: "Acme", BaseURL: "https://api.acme.example/v1", Dialect: "openai", CancelPolicy: catalog.Cancel,
		MaxTokensField: "max_tokens", Status: catalog.Active,
	}})
	require.NoError(tb, err)
	_, _, err = b.app.PublishModel(ctx, meta(), commands.PublishModel{Model: catalog.Model{
		ID: model, Name: "Large", ContextLength: 100_000, MaxCompletionTokens: 10_000, InputModalities: []string{"text"},
		OutputModalities: []string{"text"}, ReleasedAt: b.clock.read(), Status: catalog.Active,
	}})
	require.NoError(tb, err)
	_, _, err = b.app.PublishEndpoint(ctx, meta(), commands.PublishEndpoint{Endpoint: catalog.Endpoint{
		ID: endpoint, Model: model, Vendor: "acme", UpstreamModel: "large", ContextLength: 100_000,
		MaxCompletionTokens: 10_000, Status: catalog.Active,
	}})
	require.NoError(tb, err)
	return b.price(tb, input, output, request)
}

func (b bundle) price(tb testing.TB, input, output, request string) uuid.UUID {
	tb.Helper()
	id := uuid.New()
	_, _, err := b.app.PublishPrice(tb.Context(), meta(), commands.PublishPrice{Endpoint: endpoint, PriceVersion: catalog.PriceVersion{
		ID: id, Currency: money.USD, Price: catalog.Schedule{Base: catalog.Rates{
			usage.Input: money.MustPrice(input), usage.Output: money.MustPrice(output), usage.Request: money.MustPrice(request),
		}},
	}})
	require.NoError(tb, err)
	return id
}

// customer opens a wallet with money and a key.
func (b bundle) customer(tb testing.TB, amount string, limits apikey.Limits) (wallet, key uuid.UUID) {
	tb.Helper()
	wallet, key = uuid.New(), uuid.New()
	_, _, err := b.app.OpenWallet(tb.Context(), meta(), commands.OpenWallet{WalletID: wallet, Owner: "org-1", Currency: money.USD})
	require.NoError(tb, err)
	_, _, err = b.app.TopUp(tb.Context(), meta(), commands.TopUp{
		WalletID: wallet, Amount: money.MustParse(amount), Currency: money.USD, PSP: "operator", Reason: "test",
	})
	require.NoError(tb, err)
	limits.Name = "test"
	_, _, err = b.app.IssueKey(tb.Context(), meta(), commands.IssueKey{
		KeyID: key, WalletID: wallet, Hash: apikey.HashSecret(key.String()), Label: "sk-mr-v1-test…0000", Limits: limits,
	})
	require.NoError(tb, err)
	return wallet, key
}

func hold(wallet, key uuid.UUID, prompt, completion int64) commands.PlaceHold {
	return commands.PlaceHold{
		HoldID: uuid.New(), WalletID: wallet, KeyID: key, Model: model, Endpoint: endpoint,
		PromptTokens: prompt, CompletionTokens: completion, TTL: time.Minute,
	}
}

func (b bundle) place(ctx context.Context, h commands.PlaceHold) (commands.Held, error) {
	held, _, err := b.app.PlaceHold(ctx, commands.Meta{CommandID: h.HoldID, Actor: "key:test"}, h)
	return held, err
}

func (b bundle) settle(ctx context.Context, h commands.PlaceHold, u usage.Usage) (commands.Charged, error) {
	charged, _, err := b.app.SettleHold(ctx, commands.Meta{CommandID: domain.DeriveID(h.HoldID, "settle"), Actor: "key:test"},
		commands.SettleHold{HoldID: h.HoldID, WalletID: h.WalletID, Endpoint: h.Endpoint, Usage: u, Provenance: usage.Reported})
	return charged, err
}

func requireCode(t *testing.T, code domain.Code, err error) {
	t.Helper()
	_ = refusalOf(t, code, err)
}

// refusalOf is the refusal, which must have that code.
func refusalOf(t *testing.T, code domain.Code, err error) *domain.Error {
	t.Helper()
	var known *domain.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Code, known.Message)
	return known
}

func requireAmount(t *testing.T, want string, got money.Amount) {
	t.Helper()
	require.Equal(t, want, got.String())
}

// requireSameJSON compares by value: equal decimals may differ inside.
func requireSameJSON(t *testing.T, want, got any) {
	t.Helper()
	a, err := json.Marshal(want)
	require.NoError(t, err)
	b, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, string(a), string(b))
}
