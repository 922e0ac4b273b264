package runner_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/runner"
)

// process is a runner as of another process: it has its own pool and its own instances of the projections.
func (b *bench) process(t *testing.T, o runner.Options) (*runner.Runner, []*seen) {
	t.Helper()
	var mine []*seen
	var projections []runner.Projection
	for _, s := range b.seen {
		mine = append(mine, &seen{name: s.name})
		projections = append(projections, mine[len(mine)-1])
	}
	return runner.New(b.Store, b.pool(t), b.Registry, projections, o), mine
}

func (s *seen) batches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sizes)
}

// owners are the sessions that hold a projection's lock.
func (b *bench) owners(t *testing.T) []int {
	t.Helper()
	rows, err := b.Pool.Query(t.Context(), `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	require.NoError(t, err)
	var pids []int
	for rows.Next() {
		var pid int
		require.NoError(t, rows.Scan(&pid))
		pids = append(pids, pid)
	}
	require.NoError(t, rows.Err())
	return pids
}

func TestOneOwnerAtATimeAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	first, firsts := b.process(t, quick())
	second, seconds := b.process(t, quick())
	stopFirst := b.start(t, first)
	b.reaches(t, "one", b.grow(t, 50))
	b.start(t, second)
	b.reaches(t, "one", b.grow(t, 50))
	require.Len(t, b.owners(t), 1)
	require.Positive(t, firsts[0].batches())
	require.Zero(t, seconds[0].batches(), "the projection has an owner")
	require.NoError(t, second.ToEnd(t.Context()), "what the owner has done is done")
	require.Zero(t, seconds[0].batches())
	stopFirst()
	b.reaches(t, "one", b.grow(t, 50))
	require.Positive(t, seconds[0].batches())
}

func TestAnOwnerWhoseSessionDiesIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t, "one", "two")
	o := quick()
	o.Takeover = time.Hour // the first process does not look after its session while it is idle
	first, firsts := b.process(t, o)
	second, seconds := b.process(t, quick())
	b.start(t, first)
	head := b.grow(t, 50)
	b.reaches(t, "one", head)
	b.reaches(t, "two", head)
	b.start(t, second)
	require.Zero(t, seconds[0].batches())
	for _, s := range firsts { // the first process hangs from now on
		s.hang()
	}
	b.kill(t)
	head = b.grow(t, 50)
	b.reaches(t, "one", head)
	b.reaches(t, "two", head)
	for _, s := range firsts { // and wakes up much later
		s.wake()
	}
	head = b.grow(t, 50)
	b.reaches(t, "one", head)
	b.reaches(t, "two", head)
}

// kill ends every session that owns a projection, as the death of its process does.
func (b *bench) kill(t *testing.T) {
	t.Helper()
	for _, pid := range b.owners(t) {
		_, err := b.Pool.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, pid)
		require.NoError(t, err)
	}
}

func TestEveryEventHasItsEffectOnceThroughLostSessions(t *testing.T) {
	t.Parallel()
	b := setup(t, "one", "two")
	first, _ := b.process(t, quick())
	second, _ := b.process(t, quick())
	b.start(t, first)
	b.start(t, second)
	for range 15 {
		b.grow(t, 40)
		b.kill(t)
	}
	head := b.grow(t, 40)
	b.reaches(t, "one", head)
	b.reaches(t, "two", head)
}

func TestADatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	name := b.Pool.Config().ConnConfig.Database
	reported := make(chan error, 1000)
	o := quick()
	o.OnError = func(_ string, err error) { reported <- err }
	r, _ := b.process(t, o)
	b.start(t, r)
	b.reaches(t, "one", b.grow(t, 20))
	// Nobody may connect, and those who are connected are thrown out.
	admin := b.admin(t)
	_, err := admin.Exec(t.Context(), fmt.Sprintf(`ALTER DATABASE %s ALLOW_CONNECTIONS false`, name))
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name)
	require.NoError(t, err)
	b.grow(t, 20)
	for range 3 {
		require.Error(t, <-reported)
	}
	_, err = admin.Exec(t.Context(), fmt.Sprintf(`ALTER DATABASE %s ALLOW_CONNECTIONS true`, name))
	require.NoError(t, err)
	b.Pool.Reset()
	b.reaches(t, "one", b.grow(t, 20))
	require.Empty(t, b.status(t, r, "one", runner.StateLive).Error, "an outage is no failure of the projection")
}

func TestASignalWakesWaiters(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	o := quick()
	o.Signal = &checkpoint.Signal{}
	b.start(t, b.Runner(o, b.projections()...))
	v := checkpoint.NewView(b.Pool, "one", 1, checkpoint.WithSignal(o.Signal), checkpoint.WithMaxWait(patience))
	require.NoError(t, v.WaitFor(t.Context(), b.grow(t, 30)))
	b.Pool.Close()
	require.NoError(t, v.WaitFor(t.Context(), 30), "what the signal knows needs no database")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, v.WaitFor(ctx, 31), context.Canceled)
}
