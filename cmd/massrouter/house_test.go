package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/vendor"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/internal/sim"
)

const (
	operatorToken = "operator-token-of-the-tests"
	vendorSecret  = "vendor-key-of-the-tests" //nolint:gosec // opens nothing but a simulator
	patience      = time.Minute
	tick          = 5 * time.Millisecond
)

// service is a whole product that runs in this process.
type service struct {
	*program.Program
	t      *testing.T
	base   string // of the API that is asked
	client *http.Client
	stop   func() error // ends it gracefully; once
}

// serve boots a product on a database. It is stopped when the test ends, if the test has not done so.
func serve(t *testing.T, database string, change func(*config.Config)) *service {
	t.Helper()
	c := config.Default()
	c.HTTP.Listen, c.HTTP.OpsListen = "127.0.0.1:0", "127.0.0.1:0"
	c.HTTP.OperatorToken = config.NewSecret(operatorToken)
	c.Store.DatabaseURL = config.NewSecret(database)
	c.Gateway.JournalDir = filepath.Join(t.TempDir(), "journal")
	c.Vendors.Keys = config.NewVendorKeys(map[string]config.Secret{"sim": config.NewSecret(vendorSecret)})
	if change != nil {
		change(&c)
	}
	require.NoError(t, c.Validate(config.RoleServe))
	p, err := program.Open(t.Context(), program.Options{Config: c, Serve: true, Work: true, Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)})
	require.NoError(t, err)
	s := &service{Program: p, t: t, base: p.BaseURL(), client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 500}}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		s.client.CloseIdleConnections()
		cancel()
		return <-ended
	}
	t.Cleanup(func() { require.NoError(t, s.stop()) })
	return s
}

// vendorServer runs a simulated vendor until the test ends.
func vendorServer(t *testing.T) *vendor.Server {
	t.Helper()
	server, err := vendor.Listen(t.Context(), "127.0.0.1:0", sim.Options{APIKey: vendorSecret})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return server
}

func meta() commands.Meta {
	id := uuid.New()
	return commands.Meta{CommandID: id, Actor: "system:test", CorrelationID: id, CausationID: id}
}

// publish offers a model of the simulated vendor at a price; upstream is the vendor's name for it, with controls.
func (s *service) publish(at *vendor.Server, id, upstream string, rates catalog.Rates) int64 {
	s.t.Helper()
	ctx := s.t.Context()
	_, _, err := s.App().PublishVendor(ctx, meta(), commands.PublishVendor{Vendor: catalog.Vendor{
		ID: "sim", Name: "Simulated", BaseURL: at.URL() + "/v1", Dialect: "openai", CancelPolicy: catalog.Drain,
		MaxTokensField: "max_tokens", Status: catalog.Active,
	}})
	require.NoError(s.t, err)
	_, _, err = s.App().PublishModel(ctx, meta(), commands.PublishModel{Model: catalog.Model{
		ID: id, Name: id, ContextLength: 100_000, MaxCompletionTokens: 10_000, InputModalities: []string{"text"},
		OutputModalities: []string{"text"}, ReleasedAt: time.Unix(0, 0).UTC(), Status: catalog.Active,
	}})
	require.NoError(s.t, err)
	endpoint := catalog.Endpoint{
		ID: id + "@sim", Model: id, Vendor: "sim", UpstreamModel: upstream, ContextLength: 100_000, MaxCompletionTokens: 10_000, Status: catalog.Active,
	}
	_, _, err = s.App().PublishEndpoint(ctx, meta(), commands.PublishEndpoint{Endpoint: endpoint})
	require.NoError(s.t, err)
	price := catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, Price: catalog.Schedule{Base: rates}}
	_, receipt, err := s.App().PublishPrice(ctx, meta(), commands.PublishPrice{Endpoint: endpoint.ID, PriceVersion: price})
	require.NoError(s.t, err)
	return receipt.Position
}

// account is a wallet with one key.
type account struct {
	wallet, key uuid.UUID
	secret      string
}

// open makes an account with money and waits until every read model knows it.
func (s *service) open(amount string) account {
	s.t.Helper()
	ctx := s.t.Context()
	a := account{wallet: uuid.New(), key: uuid.New()}
	var random [32]byte
	_, err := rand.Read(random[:])
	require.NoError(s.t, err)
	a.secret = apikey.Secret(a.key, random)
	_, _, err = s.App().OpenWallet(ctx, meta(), commands.OpenWallet{WalletID: a.wallet, Owner: "test", Currency: money.USD})
	require.NoError(s.t, err)
	_, _, err = s.App().TopUp(ctx, meta(), commands.TopUp{
		WalletID: a.wallet, Amount: money.MustParse(amount), Currency: money.USD, PSP: "operator", Reason: "test",
	})
	require.NoError(s.t, err)
	_, receipt, err := s.App().IssueKey(ctx, meta(), commands.IssueKey{
		KeyID: a.key, WalletID: a.wallet, Hash: apikey.HashSecret(a.secret), Label: apikey.Label(a.secret), Limits: apikey.Limits{Name: "test"},
	})
	require.NoError(s.t, err)
	require.NoError(s.t, s.WaitFor(ctx, receipt.Position))
	return a
}

// tokenRates has a price of its own for each class.
func tokenRates() catalog.Rates {
	return catalog.Rates{
		usage.Input: money.MustPrice("0.000003"), usage.CacheRead: money.MustPrice("0.0000003"),
		usage.Output: money.MustPrice("0.000015"), usage.Reasoning: money.MustPrice("0.000017"),
	}
}

// answered is an HTTP answer, read whole.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (a answered) decode(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, into), "%s", a.body)
}

// ask sends a request as somebody with a bearer secret.
func (s *service) ask(method, path, secret string, body any) answered {
	s.t.Helper()
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(s.t, err)
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, reader)
	require.NoError(s.t, err)
	if secret != "" {
		request.Header.Set("Authorization", "Bearer "+secret)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, response.Body.Close()) }()
	raw, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return answered{status: response.StatusCode, header: response.Header, body: raw}
}

// chat is a request's body.
func chat(model string, stream bool) map[string]any {
	return map[string]any{
		"model": model, "stream": stream, "max_tokens": 100,
		"messages": []map[string]string{{"role": "user", "content": "What is a ledger for?"}},
	}
}
