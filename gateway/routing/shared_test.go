package routing_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/routing"
	"github.com/massrouter/massrouter/internal/redistest"
)

const (
	patience = time.Minute
	beat     = 20 * time.Millisecond
)

func client(t *testing.T, s *redistest.Server) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(s.URL())
	require.NoError(t, err)
	c := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// share runs a Shared until the test ends, or until what it returns is called.
func share(t *testing.T, c redis.UniversalClient, h *routing.Health, onError func(error)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { routing.NewShared(c, h, routing.SharedOptions{Every: beat, OnError: onError}).Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func calls(h *routing.Health) int64 { return h.Condition(e, nil, time.Now()).Calls }

func eventually(t *testing.T, h *routing.Health, want int64) {
	t.Helper()
	assert.Eventually(t, func() bool { return calls(h) == want }, patience, beat)
	require.Equal(t, want, calls(h))
}

// TestMeasurementsAreShared between three processes, of which one comes later; over a restart of Redis; and none is counted twice.
func TestMeasurementsAreShared(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b, late := quiet(), quiet(), quiet()
	share(t, client(t, server), a, nil)
	stopB := share(t, client(t, server), b, nil)
	for range 120 {
		call(t, a, routing.Well, time.Now())
		call(t, b, routing.Badly, time.Now())
	}
	eventually(t, a, 240)
	eventually(t, b, 240)
	require.Equal(t, int64(120), a.Condition(e, nil, time.Now()).Failed)

	share(t, client(t, server), late, nil)
	eventually(t, late, 240)

	server.Kill(t)
	call(t, a, routing.Well, time.Now())
	call(t, b, routing.Well, time.Now())
	require.Equal(t, int64(241), calls(a), "alone it goes on with what it knows")
	server.Restart(t)
	for _, h := range []*routing.Health{a, b, late} {
		eventually(t, h, 242)
	}
	stopB()
	call(t, b, routing.Well, time.Now())
	call(t, a, routing.Well, time.Now())
	eventually(t, late, 243)
}

// TestANewcomerLearnsWhatWasMeasuredBefore, also of slots that are not sent any more.
func TestANewcomerLearnsWhatWasMeasuredBefore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, late := quiet(), quiet()
	call(t, a, routing.Well, time.Now().Add(-3*time.Minute))
	share(t, client(t, server), a, nil)
	call(t, a, routing.Well, time.Now())
	witness := quiet()
	share(t, client(t, server), witness, nil)
	eventually(t, witness, 2)
	share(t, client(t, server), late, nil)
	eventually(t, late, 2)
}

func TestMessagesOfStrangersDoNoHarm(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := quiet(), quiet()
	failed := make(chan error, 1000)
	share(t, client(t, server), a, func(err error) {
		select {
		case failed <- err:
		default:
		}
	})
	share(t, client(t, server), b, nil)
	call(t, b, routing.Well, time.Now())
	eventually(t, a, 1)
	stranger := client(t, server)
	for _, channel := range []string{"massrouter:routing:v2:measurements", "massrouter:routing:v2:newcomers"} {
		require.NoError(t, stranger.Publish(t.Context(), channel, "not a message").Err())
	}
	select {
	case err := <-failed:
		require.ErrorContains(t, err, "malformed")
	case <-time.After(patience):
		t.Fatal("nothing was said of it")
	}
	call(t, b, routing.Well, time.Now())
	eventually(t, a, 2)
}

func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	h := quiet()
	stop := share(t, nil, h, nil)
	call(t, h, routing.Well, time.Now())
	require.Equal(t, int64(1), calls(h))
	stop()
}

// TestARedisThatIsAwayFromTheStart is waited for.
func TestARedisThatIsAwayFromTheStart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Kill(t)
	failed := make(chan error, 1000)
	a, b := quiet(), quiet()
	for _, h := range []*routing.Health{a, b} {
		call(t, h, routing.Well, time.Now())
		share(t, client(t, server), h, func(err error) {
			select {
			case failed <- err:
			default:
			}
		})
	}
	select {
	case err := <-failed:
		require.Error(t, err)
	case <-time.After(patience):
		t.Fatal("nobody was told")
	}
	server.Restart(t)
	eventually(t, a, 2)
	eventually(t, b, 2)
}
