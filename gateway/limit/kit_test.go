package limit_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is one limiter with a client of its own, as in a process of its own.
type process struct {
	*limit.Limiter
	client *redis.Client
	stop   func() // ends Run and waits for it; harmless when it does not run
}

// patient is a budget that a busy machine does not use up: what is not about slowness must not depend on it.
const patient = 30 * time.Second

func start(tb testing.TB, s *redistest.Server, o limit.Options, running bool) *process {
	tb.Helper()
	client, err := limit.Client(s.URL())
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	o.Redis = client
	if o.Budget == 0 {
		o.Budget = patient
	}
	o.Retry = 20 * time.Millisecond
	l, err := limit.New(o)
	require.NoError(tb, err)
	p := &process{Limiter: l, client: client, stop: func() {}}
	if running {
		ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		p.stop = func() {
			cancel()
			if err, ok := <-ended; ok {
				require.ErrorIs(tb, err, context.Canceled)
				close(ended)
			}
		}
		tb.Cleanup(p.stop)
	}
	return p
}

// clock is the server's, in ms.
func (p *process) clock(t *testing.T) int64 {
	t.Helper()
	now, err := p.client.Time(t.Context()).Result()
	require.NoError(t, err)
	return now.UnixMilli()
}

// eventually waits for what comes by itself.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 2*time.Millisecond, what)
}

func requireBy(t *testing.T, want limit.By, err error) limit.Refusal {
	t.Helper()
	require.Equal(t, domain.CodeRateLimited, domain.CodeOf(err))
	var r *limit.Refusal
	require.ErrorAs(t, err, &r)
	require.Equal(t, want, r.By)
	return *r
}

func key(l limit.Limits) limit.Scope { return limit.Scope{Kind: "key", ID: "k", Limits: l} }
