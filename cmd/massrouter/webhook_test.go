package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// hookServer is a customer's receiver, which can keep requests waiting.
type hookServer struct {
	*httptest.Server
	mu     sync.Mutex
	bodies map[string][]string // by webhook-id
	header http.Header         // of the last request
	body   []byte
	hold   chan struct{} // nil answers at once
}

func newHookServer(t *testing.T) *hookServer {
	t.Helper()
	h := &hookServer{bodies: map[string][]string{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// ServeHTTP takes a request.
func (h *hookServer) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // one that was cut off is seen by its signature
	h.mu.Lock()
	id, hold := r.Header.Get("webhook-id"), h.hold
	h.bodies[id] = append(h.bodies[id], string(body))
	h.header, h.body = r.Header.Clone(), body
	h.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}
}

func (h *hookServer) holding(hold chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold = hold
}

// times counts the requests with an id.
func (h *hookServer) times(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.bodies[id])
}

func (h *hookServer) last() (http.Header, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.header, h.body
}

// TestWebhooksSurviveAKilledWorker registers a webhook with the operators' commands, kills the process that sends in the
// middle of a request, and looks at everything that operators can see of it.
func TestWebhooksSurviveAKilledWorker(t *testing.T) {
	t.Parallel()
	key := strings.TrimSpace(do(t, nil, "webhook", "keygen"))
	common := []string{
		"DATABASE_URL=" + pgtest.URL(t), "MASSROUTER_WEBHOOK_KEY=" + key, "MASSROUTER_WEBHOOK_ALLOW_HTTP=true", "MASSROUTER_WEBHOOK_TIMEOUT=2s",
		"MASSROUTER_WEBHOOK_ALLOW_NETWORKS=127.0.0.0/8", "MASSROUTER_OPS_LISTEN=127.0.0.1:0", "MASSROUTER_OPERATOR_TOKEN=" + operatorToken,
	}
	api := spawn(t, append(common, "MASSROUTER_LISTEN=127.0.0.1:0", "MASSROUTER_JOURNAL_DIR="+t.TempDir()), "serve", "--json")
	first := spawn(t, common, "work", "--json")
	environ := []string{"MASSROUTER_SERVER=" + api.first.BaseURL, "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	receiver := newHookServer(t)

	wallet := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--owner", "customer-17", "--json")).WalletID.String()
	made := decoded[client.WebhookSecret](t, do(t, environ, "webhook", "add", wallet, "--url", receiver.URL+"/hook", "--type", "credit.created", "--json"))
	id := made.WebhookID.String()
	verifier, err := official.NewWebhook(made.Secret)
	require.NoError(t, err)
	deliveries := func(args ...string) []client.WebhookDelivery {
		return decoded[client.WebhookDeliveryPage](t, do(t, environ, append([]string{"webhook", "deliveries", id, "--json"}, args...)...)).Items
	}
	delivered := func(n int) {
		t.Helper()
		await(t, func() bool { return len(deliveries("--state", "delivered")) == n })
	}

	do(t, environ, "wallet", "credit", wallet, "12.50", "--reason", "bank transfer")
	delivered(1)
	header, body := receiver.last()
	require.NoError(t, verifier.Verify(body, header))
	require.Contains(t, string(body), `"amount":"12.5"`)

	receiver.holding(make(chan struct{}))
	do(t, environ, "wallet", "credit", wallet, "1", "--reason", "more")
	require.Eventually(t, func() bool { h, _ := receiver.last(); return h.Get("webhook-id") != header.Get("webhook-id") }, patience, tick)
	first.signal(t, syscall.SIGKILL)
	require.Error(t, <-first.ended)
	receiver.holding(nil)
	held, _ := receiver.last()
	second := spawn(t, common, "work", "--json")
	delivered(2)
	require.Equal(t, 2, receiver.times(held.Get("webhook-id")), "the same id again")
	header, body = receiver.last()
	require.NoError(t, verifier.Verify(body, header))

	looksAtWebhooks(t, environ, wallet, id, receiver)
	for _, p := range []*process{second, api} {
		p.signal(t, syscall.SIGTERM)
		require.NoError(t, <-p.ended)
	}
}

// looksAtWebhooks calls every other command of webhooks.
func looksAtWebhooks(t *testing.T, environ []string, wallet, id string, receiver *hookServer) {
	t.Helper()
	require.Contains(t, do(t, environ, "webhook", "list", wallet), receiver.URL)
	require.Regexp(t, `state +enabled\n`, do(t, environ, "webhook", "show", id))

	rotated := decoded[client.WebhookSecret](t, do(t, environ, "webhook", "rotate", id, "--grace", "1h", "--json"))
	require.NotNil(t, rotated.OldSecretUntil)
	ping := decoded[client.WebhookDeliveryReceipt](t, do(t, environ, "webhook", "ping", id, "--json")).DeliveryID.String()
	require.Eventually(t, func() bool { return receiver.times(ping) == 1 }, patience, tick)
	header, body := receiver.last()
	verifier, err := official.NewWebhook(rotated.Secret)
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(body, header))
	await(t, func() bool { return strings.Contains(do(t, environ, "webhook", "show", id, ping), "delivered") })

	do(t, environ, "webhook", "replay", id, ping)
	require.Eventually(t, func() bool { return receiver.times(ping) == 2 }, patience, tick)
	do(t, environ, "webhook", "replay", id, "--since", "0", "--all")
	await(t, func() bool {
		return receiver.times(header.Get("webhook-id")) >= 1 && strings.Contains(do(t, environ, "webhook", "show", id), "finished")
	})
	do(t, environ, "webhook", "update", id, "--url", receiver.URL+"/other", "--name", "other", "--disabled")
	require.Contains(t, do(t, environ, "webhook", "list", wallet), "disabled: request")
	refused := call(t.Context(), environ, "webhook", "ping", id)
	require.Equal(t, exitFailure, refused.code)
	require.Contains(t, refused.err, "conflict")
	do(t, environ, "webhook", "remove", id)
	gone := call(t.Context(), environ, "webhook", "show", id)
	require.Contains(t, gone.err, "not_found")

	for _, args := range [][]string{
		{"add", wallet},
		{"add", "x", "--url", "https://a.example"},
		{"add", wallet, "--url", "https://a.example", "--balance-threshold", "x"},
		{"replay", id},
		{"replay", id, ping, "--since", "1"},
		{"replay", id, "--since", "soon"},
		{"show", id, "x"},
		{"deliveries", id, "--from", "x"},
	} {
		require.Equal(t, exitUsage, call(t.Context(), environ, append([]string{"webhook"}, args...)...).code, "%v", args)
	}
	private := call(t.Context(), environ, "webhook", "add", wallet, "--url", "https://10.1.2.3/")
	require.Equal(t, exitFailure, private.code)
	require.Contains(t, private.err, "/url")
}

// TestDevSendsWebhooksToThisMachine registers a webhook in a folder of dev, which still signs after a restart.
func TestDevSendsWebhooksToThisMachine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dev")
	environ := []string{"DATABASE_URL=" + pgtest.Empty(t), "MASSROUTER_LISTEN=127.0.0.1:0"}
	receiver := newHookServer(t)
	run := startDev(t, environ, "--data", dir)
	made := decoded[client.WebhookSecret](t, do(t, nil, "webhook", "add", run.info.WalletID.String(), "--url", receiver.URL, "--data", dir, "--json"))
	verifier, err := official.NewWebhook(made.Secret)
	require.NoError(t, err)
	ping := func() {
		id := decoded[client.WebhookDeliveryReceipt](t, do(t, nil, "webhook", "ping", made.WebhookID.String(), "--data", dir, "--json")).DeliveryID.String()
		require.Eventually(t, func() bool { return receiver.times(id) == 1 }, patience, tick)
		header, body := receiver.last()
		require.NoError(t, verifier.Verify(body, header))
	}
	ping()
	require.Equal(t, exitOK, run.stop().code)
	run = startDev(t, environ, "--data", dir)
	ping()
	require.Equal(t, exitOK, run.stop().code)
}
