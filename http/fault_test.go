package http_test

import (
	"errors"
	nethttp "net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/middleware"
)

func TestLedgerAwayIs503AndNothingIsLost(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	b := setup(t, func(p *parts) {
		p.store.BeginFault = func() error {
			if away.Load() {
				return eventstore.ErrUnavailable
			}
			return nil
		}
	})
	wallet := b.wallet("1")
	away.Store(true)
	refusal := b.post(wallet+"/top-ups", credit("1"), idempotent("k")).refused(503, domain.CodeUnavailable)
	require.Equal(t, "1", refusal.header.Get("Retry-After"))
	b.get(wallet + "?min_position=2").is(200) // reading goes on
	away.Store(false)
	done := b.post(wallet+"/top-ups", credit("1"), idempotent("k")).is(200)
	require.Equal(t, "2", done.text("posted"))
}

func TestFullQueueIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	release, blocked := make(chan struct{}), make(chan struct{}, 64)
	goOn := sync.OnceFunc(func() { close(release) })
	b := setup(t, func(p *parts) {
		p.app.Queue, p.app.Batch = 1, 1
		p.store.CommitFault = func(*eventstore.Batch) memory.Fault {
			blocked <- struct{}{}
			<-release
			return memory.Fault{}
		}
	})
	open := map[string]any{"owner": "o", "currency": "USD"}
	var all sync.WaitGroup
	answers, failures := make([]answer, 9), make([]error, 9)
	send := func(i int) {
		answers[i], failures[i] = b.try(nethttp.MethodPost, "/console/v1/wallets", open)
		if answers[i].status != 200 {
			goOn()
		}
	}
	all.Go(func() { send(0) })
	<-blocked // the first is in its commit; the queue behind it has one place
	for i := 1; i < len(answers); i++ {
		all.Go(func() { send(i) })
	}
	all.Wait()
	answers[0].is(200)
	refused := 0
	for i, a := range answers {
		require.NoError(t, failures[i])
		if a.status != 200 {
			a.refused(503, domain.CodeOverloaded)
			refused++
		}
	}
	require.Positive(t, refused)
}

func TestUnknownErrorsStayInTheLog(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	b := setup(t, func(p *parts) {
		p.store.BeginFault = func() error {
			if broken.Load() {
				return errors.New("the tape is torn at 0xDEAD")
			}
			return nil
		}
	})
	broken.Store(true)
	refusal := b.post("/console/v1/wallets", map[string]any{"owner": "o", "currency": "USD"})
	require.GreaterOrEqual(t, refusal.status, 500)
	require.NotContains(t, string(refusal.body), "0xDEAD")
	b.close()
	require.Contains(t, b.log.String(), "0xDEAD")
	require.Contains(t, b.log.String(), refusal.text("request_id"))
}

type panicking struct{}

func (panicking) Authenticate(*nethttp.Request) (auth.Actor, error) { panic("boom-1234") }

func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.api.Authenticator = panicking{} })
	refusal := b.get("/console/v1/wallets").refused(500, domain.CodeInternal)
	require.NotContains(t, string(refusal.body), "boom")
	b.close()
	require.Contains(t, b.log.String(), "boom-1234")
}

func TestPositionThatIsNotReachedIs503(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("1")
	for _, path := range []string{wallet, "/console/v1/wallets", wallet + "/statement", "/console/v1/models", "/console/v1/vendors", "/console/v1/generations"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b.on(t).get(path+"?min_position=1000").refused(503, domain.CodeUnavailable)
		})
	}
}

func TestLogHasOneLinePerRequestAndNoSecrets(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	metrics, err := middleware.NewMetrics(registry)
	require.NoError(t, err)
	b := setup(t, func(p *parts) { p.api.Metrics = metrics })
	wallet := b.wallet("1")
	_, secret := b.key(wallet, map[string]any{"name": "k"})
	b.get("/api/v1/key?hidden=query-text", bearer(secret)).is(200)
	b.get("/made/up/path").is(404)
	b.close()

	log := b.log.String()
	for _, hidden := range []string{secret, operatorToken, "query-text", "made/up", "owner-1", `"reason"`} {
		require.NotContains(t, log, hidden)
	}
	require.Contains(t, log, `"route":"/api/v1/key"`)
	require.Contains(t, log, `"route":"unmatched"`)
	require.NotContains(t, log, `"aborted":true`)
	measured, err := registry.Gather()
	require.NoError(t, err)
	series := map[string]int{}
	for _, family := range measured {
		series[family.GetName()] = len(family.GetMetric())
	}
	require.Equal(t, 7, series["massrouter_http_requests_total"]) // open, top up, show, issue, show, key, unmatched
}

func TestAnswersHaveTheHeadersOfAnAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/console/v1/wallets", "/v1/models", "/nothing"} {
		got := b.get(path)
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", got.header.Get("Cache-Control"))
		require.NotEmpty(t, got.header.Get("X-Request-Id"))
	}
	for _, sent := range []string{"x", "' or 1=1", unknownID + "0", "urn:uuid:" + unknownID} {
		require.NotEqual(t, sent, b.get("/nothing", header{"X-Request-Id", sent}).header.Get("X-Request-Id"))
	}
}
