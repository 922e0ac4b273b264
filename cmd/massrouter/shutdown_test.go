package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgcluster"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// openStream is a stream of which the first chunk has come.
type openStream struct {
	t        *testing.T
	response *http.Response
	in       *bufio.Reader
}

func (s *service) stream(model, secret string) *openStream {
	s.t.Helper()
	raw, err := json.Marshal(chat(model, true))
	require.NoError(s.t, err)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/v1/chat/completions", bytes.NewReader(raw))
	require.NoError(s.t, err)
	request.Header.Set("Authorization", "Bearer "+secret)
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	o := &openStream{t: s.t, response: response, in: bufio.NewReader(response.Body)}
	for {
		line, err := o.in.ReadString('\n')
		require.NoError(s.t, err)
		if strings.HasPrefix(line, "data: ") {
			return o
		}
	}
}

// finish reads to the end and returns what came.
func (o *openStream) finish() string {
	o.t.Helper()
	rest, err := io.ReadAll(o.in)
	require.NoError(o.t, err)
	require.NoError(o.t, o.response.Body.Close())
	return string(rest)
}

func (o *openStream) hold() string {
	o.t.Helper()
	id, err := domain.ParseGenerationID(o.response.Header.Get("X-Generation-Id"))
	require.NoError(o.t, err)
	return id.String()
}

// awaitClosed waits until a server takes no more connections.
func awaitClosed(t *testing.T, base string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var dialer net.Dialer
		conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		if err == nil {
			_ = conn.Close() // only tried
		}
		return err != nil
	}, patience, tick)
}

func TestGracefulShutdownFinishesAndChargesARunningStream(t *testing.T) {
	t.Parallel()
	url, vendor := pgtest.URL(t), vendorServer(t)
	s := serve(t, url, nil)
	s.publish(vendor, "test/slow", "slow?tokens=40&between=20ms", tokenRates())
	a := s.open("1")
	running := s.stream("test/slow", a.secret)

	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	awaitClosed(t, s.BaseURL())

	require.True(t, strings.HasSuffix(running.finish(), "data: [DONE]\n\n"))
	require.NoError(t, <-stopped)
	_, charged := findCall(t, events(t, url), running.hold())
	require.Positive(t, charged.Position)
}

// The database is killed while a stream runs: new calls are told to come back, the running one is charged when the
// database is back, and nothing is lost.
func TestDatabaseOutageLosesNothing(t *testing.T) {
	t.Parallel()
	cluster, err := pgcluster.Start(t.Context(), pgcluster.Options{Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, cluster.Stop(ctx))
	})
	url := cluster.URL("postgres")
	do(t, []string{"DATABASE_URL=" + url}, "migrate", "up")
	vendor := vendorServer(t)
	s := serve(t, url, nil)
	s.publish(vendor, "test/slow", "slow?tokens=60&between=20ms", tokenRates())
	a := s.open("1")
	running := s.stream("test/slow", a.secret)

	require.NoError(t, cluster.Kill())
	refused := s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/slow", false))
	require.Equal(t, http.StatusServiceUnavailable, refused.status, "%s", refused.body)
	require.Contains(t, string(refused.body), "ledger_unavailable")
	require.NoError(t, cluster.Restart(t.Context()))

	require.True(t, strings.HasSuffix(running.finish(), "data: [DONE]\n\n"))
	// The last byte may have come while the database was still away: the charge is in the journal then, and a moment later in the log.
	await(t, func() bool {
		return slices.ContainsFunc(events(t, url), func(r recorded) bool {
			e, ok := r.event.(wallet.UsageCharged)
			return ok && e.HoldID.String() == running.hold()
		})
	})
	_, charged := findCall(t, events(t, url), running.hold())
	require.NoError(t, s.WaitFor(t.Context(), charged.Position))
	var again answered
	await(t, func() bool { // until the process has noticed that the database is back
		again = s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/slow", false))
		return again.status != http.StatusServiceUnavailable
	})
	require.Equal(t, http.StatusOK, again.status, "%s", again.body)
	w := s.wallet(a)
	require.Equal(t, "0", w.Held.String())
	require.EqualValues(t, 2, vendor.Totals().Completed)
	require.NoError(t, s.stop(), "before its database goes")
}
