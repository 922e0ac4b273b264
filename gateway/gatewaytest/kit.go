// Package gatewaytest is what tests of the inference path stand on: a real ledger on the store in memory, the simulated
// vendor over HTTP, and a gateway between them.
package gatewaytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/journal"
	"github.com/massrouter/massrouter/internal/sim"
)

// VendorSecret is the platform's key at the simulated vendor.
const VendorSecret = "vendor-secret-1f0c"

// Kit is a customer, a vendor, and everything in between.
type Kit struct {
	T       testing.TB
	Clock   *Clock
	Store   *memory.Store
	App     *commands.App
	Sim     *sim.Server
	Vendor  *httptest.Server // in front of the simulator
	Catalog *Catalog
	Gateway *gateway.Gateway
	Options gateway.Options // as the gateway got them
	Journal *journal.Journal
	Log     *Log
	Wallet  uuid.UUID
	Key     uuid.UUID
	Secret  string
	faults  *Faults
	models  int
}

// Option changes what a gateway is made with.
type Option func(*gateway.Options)

// New makes a kit whose wallet has $100.
func New(tb testing.TB, options ...Option) *Kit {
	tb.Helper()
	k := &Kit{T: tb, Clock: NewClock(), Log: new(Log), faults: new(Faults)}
	k.Store = memory.New(memory.Options{Clock: k.Clock.Now, BeginFault: k.faults.begin})
	k.App = k.runApp()
	k.vendor()
	k.Catalog = newCatalog()
	k.publishVendors()
	k.Wallet, k.Key, k.Secret = k.Customer("100")
	k.Journal = k.OpenJournal(filepath.Join(tb.TempDir(), "journal"))
	transport := gateway.NewTransport()
	tb.Cleanup(transport.CloseIdleConnections)
	k.Options = gateway.Options{
		Ledger: k.App, Catalog: k.Catalog, Credentials: Credentials{}, Journal: k.Journal, Transport: transport,
		Logger: zerolog.New(k.Log), Now: k.Clock.Now,
	}
	for _, option := range options {
		option(&k.Options)
	}
	k.Gateway = k.NewGateway()
	return k
}

// NewGateway makes another gateway with the same options, as a process that starts would.
func (k *Kit) NewGateway() *gateway.Gateway {
	k.T.Helper()
	g, err := gateway.New(k.Options)
	require.NoError(k.T, err)
	k.T.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		g.Stop(ctx)
	})
	return g
}

// OpenJournal opens a journal for the length of the test.
func (k *Kit) OpenJournal(path string) *journal.Journal {
	k.T.Helper()
	j, err := journal.Open(path)
	require.NoError(k.T, err)
	k.T.Cleanup(func() { require.NoError(k.T, j.Close()) })
	return j
}

// Background runs a gateway's sweeping until the test ends, or the returned function is called.
func (k *Kit) Background(g *gateway.Gateway) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := g.Run(ctx); err != nil {
			k.T.Errorf("run the gateway: %v", err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	k.T.Cleanup(stop)
	return stop
}

func (k *Kit) runApp() *commands.App {
	k.T.Helper()
	app, err := commands.New(k.Store, commands.Options{})
	require.NoError(k.T, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := app.Run(ctx); err != nil {
			k.T.Errorf("run the ledger: %v", err)
		}
	})
	k.T.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return app
}

func (k *Kit) vendor() {
	k.Sim = sim.New(sim.Options{APIKey: VendorSecret, Now: k.Clock.Now})
	k.Vendor = httptest.NewUnstartedServer(k.Sim)
	// A server that has not read a request to its end never learns that the client left: handlers that wait end with the test.
	ctx, cancel := context.WithCancel(context.Background())
	k.Vendor.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	k.Vendor.Start()
	k.T.Cleanup(func() {
		cancel()
		k.Sim.Close()
		k.Vendor.CloseClientConnections()
		k.Vendor.Close()
	})
}

// Meta is for a command that a test sends by itself.
func Meta() commands.Meta { return commands.Meta{CommandID: uuid.New(), Actor: "operator:test"} }

// Customer opens a wallet with so much in it, and a key.
func (k *Kit) Customer(amount string, limits ...apikey.Limits) (wallet, key uuid.UUID, secret string) {
	k.T.Helper()
	ctx := context.Background()
	wallet, key = uuid.New(), uuid.New()
	_, _, err := k.App.OpenWallet(ctx, Meta(), commands.OpenWallet{WalletID: wallet, Owner: "org-1", Currency: money.USD})
	require.NoError(k.T, err)
	if a := money.MustParse(amount); a.Sign() > 0 {
		_, _, err = k.App.TopUp(ctx, Meta(), commands.TopUp{WalletID: wallet, Amount: a, Currency: money.USD, PSP: "operator", Reason: "test"})
		require.NoError(k.T, err)
	}
	secret = apikey.Secret(key, [32]byte(append(key[:], wallet[:]...)))
	issue := commands.IssueKey{KeyID: key, WalletID: wallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret)}
	for _, l := range limits {
		issue.Limits = l
	}
	issue.Limits.Name = "test"
	_, _, err = k.App.IssueKey(ctx, Meta(), issue)
	require.NoError(k.T, err)
	return wallet, key, secret
}

// Call is a call of the kit's customer.
func (k *Kit) Call(body string) gateway.Call {
	return gateway.Call{KeyID: k.Key, WalletID: k.Wallet, Secret: k.Secret, Incoming: Chat([]byte(body))}
}

// Do runs a call of the kit's customer to its end.
func (k *Kit) Do(body string) (*Client, error) {
	k.T.Helper()
	c := NewClient()
	return c, k.Gateway.Complete(k.T.Context(), k.Call(body), c)
}

// Away lets the ledger fail until it is Back.
func (k *Kit) Away() { k.faults.away.Store(true) }

// Back ends Away.
func (k *Kit) Back() { k.faults.away.Store(false) }

// Proxy puts a handler of the test between the gateway and the simulator. One that waits also waits for the end of the request's
// context: the end of the test waits for it.
func (k *Kit) Proxy(handler http.Handler) { k.Vendor.Config.Handler = handler }

// Body is a request for a model, with more members if any are given.
func Body(model string, members ...string) string {
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Say something."}]`, model)
	for _, m := range members {
		body += "," + m
	}
	return body + "}"
}

// Chat is a body of OpenAI's chat completions.
func Chat(body []byte) exchange.Incoming { return exchange.Incoming{Dialect: chat.OpenAI, Body: body} }
