package program_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// relayState asks /readyz as a prober does.
func relayState(t *testing.T, ops string) (status int, state, lag string) {
	t.Helper()
	var answer struct {
		Details struct {
			Relay struct {
				State string `json:"state"`
				Lag   string `json:"lag"`
			} `json:"relay"`
		} `json:"details"`
	}
	status, body := get(t, ops+"/readyz")
	require.NoError(t, json.Unmarshal(body, &answer), "%s", body)
	return status, answer.Details.Relay.State, answer.Details.Relay.Lag
}

func get(t *testing.T, address string) (status int, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, body
}

func TestWorkPublishesToTheBusAndSaysHowItIs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	cfg := config.Default()
	cfg.HTTP.OpsListen, cfg.Bus.BusURL = "127.0.0.1:0", config.NewSecret(server.URL())
	cfg.Store.DatabaseURL = config.NewSecret(pgtest.URL(t))
	cfg.Gateway.JournalDir = filepath.Join(t.TempDir(), "journal")
	p, err := program.Open(t.Context(), program.Options{Config: cfg, Work: true, Log: zerolog.Nop()})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		http.DefaultClient.CloseIdleConnections()
	})
	become := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			status, state, lag := relayState(t, p.OpsURL())
			require.Equal(t, http.StatusOK, status, "a bus that is away does not make the process unready")
			return state == want && (want == "failing") == (lag != "0")
		}, patience, tick)
	}
	open(t, p.App())
	become("publishing")
	server.Kill(t)
	_, _, err = p.App().OpenWallet(t.Context(), meta(), commands.OpenWallet{WalletID: uuid.New(), Owner: "test", Currency: money.USD})
	require.NoError(t, err, "nobody waits for the bus")
	become("failing")
	var metrics []byte
	require.Eventually(t, func() bool { // the process hears of it after the database does
		_, metrics = get(t, p.OpsURL()+"/metrics")
		return strings.Contains(string(metrics), "massrouter_relay_lag_events 1\n") && !strings.Contains(string(metrics), "massrouter_relay_failing_seconds 0\n")
	}, patience, tick)
	server.Restart(t)
	become("publishing")
	for _, line := range []string{"massrouter_relay_owner 1\n", "massrouter_relay_lag_events 0\n", "massrouter_relay_failing_seconds 0\n"} {
		require.Eventually(t, func() bool {
			_, metrics = get(t, p.OpsURL()+"/metrics")
			return strings.Contains(string(metrics), line)
		}, patience, tick, line)
	}
	require.NotContains(t, string(metrics), "massrouter_relay_failures_total 0\n")

	options, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer func() { require.NoError(t, client.Close()) }()
	var head int64
	require.NoError(t, connect(t, cfg.Store.DatabaseURL.Reveal()).QueryRow(t.Context(), "SELECT position FROM ledger.log_heads").Scan(&head))
	require.Positive(t, head)
	require.GreaterOrEqual(t, client.XLen(t.Context(), "massrouter.events.0").Val(), head)
}
