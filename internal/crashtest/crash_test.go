package crashtest_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var seed = flag.Uint64("seed", 0, "of the random moments; 0 takes one from the clock")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// victim is what is killed in one round.
type victim int

const (
	serve1 victim = iota
	serve2
	work
	database
	everything
)

func (v victim) String() string {
	return [...]string{"the first API process", "the second API process", "the background work", "the database", "everything but the vendor"}[v]
}

// TestNothingIsLostWhenProcessesAreKilled: under load from clients that note what they are told, processes and the database
// are killed at random moments and started again. In the end the ledger has each charge that a client was told of, once and
// with that amount, each credit that was confirmed, once, and verifies.
func TestNothingIsLostWhenProcessesAreKilled(t *testing.T) {
	t.Parallel()
	from := *seed
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat the choices: -seed %d", from)
	random := rand.New(rand.NewPCG(from, 1))
	rounds := []victim{serve1, serve2, work, database, serve1, serve2, work, database, serve1, database, serve2, everything}
	if testing.Short() {
		rounds = []victim{serve1, work, database, everything}
	}
	random.Shuffle(len(rounds), func(i, j int) { rounds[i], rounds[j] = rounds[j], rounds[i] })

	s := startService(t)
	l := s.load(t, random)
	for i, v := range rounds {
		l.waitFor(t, int64(5+random.IntN(120)))
		t.Logf("round %d: killing %s after %d answers", i+1, v, l.told.acked.Load())
		s.crash(t, v, random, l)
	}
	l.waitFor(t, 50)
	l.stop(t)
	t.Logf("%d generations acknowledged, %d credits confirmed, %d calls without an answer: %v",
		len(l.told.costs), len(l.told.credits), l.told.failed.Load(), l.told.other)
	s.quiet(t)
	s.compare(t, l)
	s.audit(t)
}

// crash kills a victim, lets the clients run into it, and starts it again.
func (s *service) crash(t *testing.T, v victim, random *rand.Rand, l *load) {
	t.Helper()
	ctx := t.Context()
	switch v {
	case serve1, serve2:
		s.killServe(int(v))
		l.miss(t, int64(random.IntN(5)))
		require.NoError(t, s.startServe(ctx, int(v)))
	case work:
		s.work.kill()
		l.waitFor(t, int64(random.IntN(40)))
		_, err := s.work.start(ctx)
		require.NoError(t, err)
	case database:
		require.NoError(t, s.database.Kill())
		l.miss(t, int64(random.IntN(20)))
		require.NoError(t, s.database.Restart(ctx))
	case everything:
		for i := range s.serve {
			s.killServe(i)
		}
		s.work.kill()
		require.NoError(t, s.database.Kill())
		l.miss(t, int64(random.IntN(10)))
		require.NoError(t, s.database.Restart(ctx))
		for i := range s.serve {
			require.NoError(t, s.startServe(ctx, i))
		}
		_, err := s.work.start(ctx)
		require.NoError(t, err)
	}
}

// load is the clients at work.
type load struct {
	told     *told
	sure     []account // whose calls all have an Idempotency-Key
	keys     []int     // how many of them, by account
	credited account
	ending   chan struct{}
	running  sync.WaitGroup
}

const (
	plainClients = 10
	sureClients  = 4
)

// load starts clients: plain ones, one of them with little money, some with Idempotency-Keys, and an operator.
func (s *service) load(t *testing.T, random *rand.Rand) *load {
	t.Helper()
	l := &load{told: newTold(), ending: make(chan struct{})}
	plain, poor := s.open(t, plainClients, "1000"), s.open(t, 1, "0.05")
	l.sure, l.keys = s.open(t, sureClients, "1000"), make([]int, sureClients)
	l.credited = s.open(t, 1, "1")[0]
	// Only a service that does not come back ends it.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	transport := &http.Transport{MaxIdleConnsPerHost: plainClients + sureClients + 2}
	t.Cleanup(transport.CloseIdleConnections)
	begin := func(a account, run func(*client)) {
		c := &client{
			service: s, told: l.told, account: a, random: rand.New(rand.NewPCG(random.Uint64(), 2)),
			http: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		}
		l.running.Go(func() { run(c) })
	}
	for _, a := range append(plain, poor...) {
		begin(a, func(c *client) { c.calls(ctx, l.ending) })
	}
	for i, a := range l.sure {
		begin(a, func(c *client) { l.keys[i] = c.sureCalls(ctx, l.ending) })
	}
	begin(l.credited, func(c *client) { c.credits(ctx, l.ending) })
	return l
}

// waitFor waits until so many more answers have come.
func (l *load) waitFor(t *testing.T, more int64) {
	t.Helper()
	l.until(t, func(from int64) func() bool {
		return func() bool { return l.told.acked.Load() >= from+more }
	}(l.told.acked.Load()))
}

// miss waits until so many more calls went without an answer.
func (l *load) miss(t *testing.T, more int64) {
	t.Helper()
	l.until(t, func(from int64) func() bool {
		return func() bool { return l.told.failed.Load() >= from+more }
	}(l.told.failed.Load()))
}

func (l *load) until(t *testing.T, reached func() bool) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for !reached() {
		select {
		case <-l.told.moved:
		case <-timer.C:
			l.told.mu.Lock()
			defer l.told.mu.Unlock()
			require.Fail(t, "the service does not answer any more", "%v", l.told.other)
		}
	}
}

// stop lets the clients come to the end of what they are at.
func (l *load) stop(t *testing.T) {
	t.Helper()
	close(l.ending)
	l.running.Wait()
	require.Empty(t, l.told.wrong)
}
