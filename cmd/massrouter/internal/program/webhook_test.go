package program_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// webhookState is what /readyz says of webhooks.
type webhookState struct {
	State     string  `json:"state"`
	Lag       string  `json:"lag"`
	Backlog   string  `json:"backlog"`
	Failing   string  `json:"failing"`
	OldestDue *string `json:"oldest_due"`
}

func TestWorkSendsWebhooksAndSaysHowTheyAre(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	var got atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		got.Add(1)
	}))
	t.Cleanup(receiver.Close)
	key, err := webhook.NewKey()
	require.NoError(t, err)
	const token = "operator-token-of-the-tests"
	cfg := config.Default()
	cfg.HTTP.Listen, cfg.HTTP.OpsListen, cfg.HTTP.OperatorToken = "127.0.0.1:0", "127.0.0.1:0", config.NewSecret(token)
	cfg.Store.DatabaseURL = config.NewSecret(pgtest.URL(t))
	cfg.Gateway.JournalDir = filepath.Join(t.TempDir(), "journal")
	cfg.Webhooks.WebhookKey, cfg.Webhooks.WebhookAllowHTTP, cfg.Webhooks.WebhookNetworks = config.NewSecret(key), true, "127.0.0.0/8"
	require.NoError(t, cfg.Validate(config.RoleServe))
	var c clock
	var log strings.Builder
	p, err := program.Open(t.Context(), program.Options{Config: cfg, Serve: true, Work: true, Clock: c.now, Log: zerolog.New(zerolog.SyncWriter(&log))})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		http.DefaultClient.CloseIdleConnections()
		require.NotContains(t, log.String(), receiver.URL, "addresses are in no log")
		require.NotContains(t, log.String(), "whsec_")
	})
	state := func() (s struct {
		Details struct{ Webhooks webhookState } `json:"details"`
	},
	) {
		status, body := get(t, p.OpsURL()+"/readyz")
		require.Equal(t, http.StatusOK, status, "receivers that are away do not make the process unready")
		require.NoError(t, json.Unmarshal(body, &s), "%s", body)
		return s
	}
	become := func(want webhookState) {
		t.Helper()
		require.Eventually(t, func() bool {
			is := state().Details.Webhooks
			is.OldestDue = nil
			return is == want
		}, patience, tick)
	}
	a := open(t, p.App())
	become(webhookState{State: "following", Lag: "0", Backlog: "0", Failing: "0"})

	api, err := client.NewClientWithResponses(p.BaseURL(), client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}))
	require.NoError(t, err)
	made, err := api.CreateWebhookWithResponse(t.Context(), a.wallet, nil, client.WebhookSettings{URL: receiver.URL})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, made.StatusCode(), "%s", made.Body)
	credit := func() {
		_, _, err := p.App().TopUp(t.Context(), meta(), commands.TopUp{WalletID: a.wallet, Amount: money.MustParse("1"), Currency: money.USD, PSP: "operator", Reason: "test"})
		require.NoError(t, err)
	}
	credit()
	require.Eventually(t, func() bool { return got.Load() == 1 }, patience, tick)
	broken.Store(true)
	credit()
	become(webhookState{State: "following", Lag: "0", Backlog: "1", Failing: "1"})
	_, metrics := get(t, p.OpsURL()+"/metrics")
	for _, line := range []string{
		"massrouter_webhook_backlog 1\n", "massrouter_webhook_failing 1\n", "massrouter_webhook_lag_events 0\n", "massrouter_webhook_disabled 0\n",
		"massrouter_webhook_deliveries_total 2\n", `massrouter_webhook_attempts_total{outcome="delivered"} 1` + "\n", `massrouter_webhook_attempts_total{outcome="status"}`,
	} {
		require.Contains(t, string(metrics), line)
	}
	broken.Store(false)
	require.Eventually(t, func() bool {
		c.forward(10e9)
		return got.Load() == 2
	}, patience, tick)
	become(webhookState{State: "following", Lag: "0", Backlog: "0", Failing: "0"})
	missing, err := api.CreateWebhookWithResponse(t.Context(), uuid.New(), nil, client.WebhookSettings{URL: receiver.URL})
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, missing.StatusCode())
	private, err := api.CreateWebhookWithResponse(t.Context(), a.wallet, nil, client.WebhookSettings{URL: "http://10.0.0.1/"})
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, private.StatusCode())
}
