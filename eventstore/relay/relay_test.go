package relay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay"
)

func TestEveryEventIsPublishedInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grow(t, 35)
	r, stop := b.start(t, b.bus)
	b.reaches(t, 35)
	b.reaches(t, b.grow(t, 5))
	require.Equal(t, relay.State{Owner: true, Position: 40}, r.State())
	stop()
	b.grow(t, 7)
	b.start(t, b.bus)
	b.reaches(t, 47)
	require.Equal(t, 47, b.bus.complete(t, 47), "nothing is repeated when nothing fails")
	s := b.status(t)
	require.WithinDuration(t, time.Now(), s.PublishedAt, patience)
	require.True(t, s.Owned)
	require.Zero(t, s.Behind)
}

// TestNothingIsSkippedWhateverFails lets batches arrive in part, sessions die and owners change, all at random.
func TestNothingIsSkippedWhateverFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	random := rand.New(rand.NewPCG(1, 2))
	b.bus.failing(func(events []eventstore.Event) (int, error) {
		switch random.IntN(4) {
		case 0:
			return random.IntN(len(events) + 1), errBroken
		case 1:
			return len(events), errBroken // it arrived, and the answer was lost
		}
		return len(events), nil
	})
	for range 3 {
		b.start(t, b.bus)
	}
	killed := 0
	for range 12 {
		b.grow(t, 40)
		killed += b.kill(t)
	}
	b.reaches(t, 480)
	require.Positive(t, killed)
	require.Greater(t, b.bus.complete(t, 480), 480)
}

func TestOneOwnerAtATimeAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, stopFirst := b.start(t, b.bus)
	b.reaches(t, b.grow(t, 5))
	second, _ := b.start(t, b.bus)
	b.reaches(t, b.grow(t, 5))
	require.True(t, first.State().Owner)
	require.False(t, second.State().Owner)
	stopFirst()
	b.reaches(t, b.grow(t, 5))
	require.True(t, second.State().Owner)
	require.Equal(t, 1, b.kill(t))
	b.reaches(t, b.grow(t, 5))
	b.bus.complete(t, 20)
}

func TestAnOwnerThatWakesUpLateDoesNotMoveTheCheckpointBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grow(t, 5)
	asleep, wake := make(chan struct{}), make(chan struct{})
	late := &hanging{Bus: b.bus, asleep: asleep, wake: wake}
	first, _ := b.start(t, late)
	<-asleep
	b.start(t, b.bus)
	require.Equal(t, 1, b.kill(t)) // its lock is gone, and it does not know
	b.reaches(t, 5)
	b.reaches(t, b.grow(t, 20))
	close(wake)
	require.Eventually(t, func() bool { return !first.State().Owner }, patience, tick)
	b.reaches(t, b.grow(t, 5))
	b.bus.complete(t, 30)
}

// hanging is a bus whose first batch takes until it is woken.
type hanging struct {
	relay.Bus
	asleep, wake chan struct{}
	awake        bool
}

func (h *hanging) Publish(ctx context.Context, events []eventstore.Event) error {
	if !h.awake {
		h.awake = true
		close(h.asleep)
		<-h.wake
	}
	return h.Bus.Publish(ctx, events)
}

func TestADeadBusIsWaitedForAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reported := make(chan error, 1000)
	b.bus.failing(func([]eventstore.Event) (int, error) { return 0, errBroken })
	r, _ := b.start(t, b.bus, func(o *relay.Options) { o.OnError = func(err error) { reported <- err } })
	head := b.grow(t, 15)
	for range 3 {
		require.ErrorIs(t, <-reported, errBroken)
	}
	require.Contains(t, r.State().Error, "publish positions 1 to 10")
	require.Eventually(t, func() bool { return b.status(t).Error != "" }, patience, tick)
	s := b.status(t)
	require.Equal(t, int64(15), s.Behind)
	require.WithinDuration(t, time.Now(), s.FailingSince, patience)
	b.grow(t, 15)
	b.bus.failing(nil)
	b.reaches(t, head+15)
	require.Empty(t, b.status(t).Error)
	require.True(t, b.status(t).FailingSince.IsZero())
	require.Eventually(t, func() bool { return r.State().Error == "" }, patience, tick)
	b.bus.complete(t, 30)
}

// stuck is a bus that never answers.
type stuck struct{}

func (stuck) Publish(ctx context.Context, _ []eventstore.Event) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestASlowBusIsGivenUpAfterTheTimeout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reported := make(chan error, 1000)
	_, stop := b.start(t, stuck{}, func(o *relay.Options) {
		o.Timeout, o.OnError = 20*time.Millisecond, func(err error) { reported <- err }
	})
	b.grow(t, 5)
	require.ErrorIs(t, <-reported, context.DeadlineExceeded)
	stop()
	_, stop = b.start(t, stuck{}, func(o *relay.Options) { o.Timeout = -1 })
	require.Eventually(t, func() bool { return b.status(t).Owned }, patience, tick)
	stop() // a bus that may take for ever does not keep the process from ending
	require.Zero(t, b.status(t).Position)
}

func TestDatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reported := make(chan error, 1000)
	b.start(t, b.bus, func(o *relay.Options) { o.OnError = func(err error) { reported <- err } })
	b.reaches(t, b.grow(t, 5))
	database := b.pool.Config().ConnConfig.Database
	admin := b.pool.Config().ConnConfig.Copy()
	admin.Database = "postgres"
	conn := connectTo(t, admin)
	_, err := conn.Exec(t.Context(), fmt.Sprintf(`ALTER DATABASE %s ALLOW_CONNECTIONS false`, database))
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, database)
	require.NoError(t, err)
	for range 3 {
		require.Error(t, <-reported)
	}
	_, err = conn.Exec(t.Context(), fmt.Sprintf(`ALTER DATABASE %s ALLOW_CONNECTIONS true`, database))
	require.NoError(t, err)
	b.pool.Reset()
	b.reaches(t, b.grow(t, 5))
	b.bus.complete(t, 10)
}

func TestSeek(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.start(t, b.bus)
	b.reaches(t, b.grow(t, 30))
	was, err := relay.Seek(ctx, b.pool, b.store, name, 20, false)
	require.NoError(t, err)
	require.Equal(t, int64(30), was)
	b.reaches(t, 30)
	require.Eventually(t, func() bool { return b.bus.complete(t, 30) == 40 }, patience, tick, "the running relay follows")

	for position, want := range map[int64]domain.Code{-1: domain.CodeInvalid, 31: domain.CodeInvalid} {
		_, err = relay.Seek(ctx, b.pool, b.store, name, position, true)
		require.Equal(t, want, domain.CodeOf(err))
	}
	_, err = relay.Seek(ctx, b.pool, b.store, "another", 0, false)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))

	_, err = relay.New(b.store, b.pool, b.bus, relay.Options{})
	require.Error(t, err, "a relay without a name")
}

func TestSeekForwardHasToBeWanted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bus.failing(func([]eventstore.Event) (int, error) { return 0, errBroken })
	_, stop := b.start(t, b.bus)
	b.grow(t, 30)
	require.Eventually(t, func() bool { return b.status(t).Error != "" }, patience, tick)
	stop()
	_, err := relay.Seek(t.Context(), b.pool, b.store, name, 20, false)
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err))
	require.Zero(t, b.status(t).Position)
	_, err = relay.Seek(t.Context(), b.pool, b.store, name, 20, true)
	require.NoError(t, err)
	b.bus.failing(nil)
	b.start(t, b.bus)
	b.reaches(t, 30)
	require.Equal(t, []int64{21, 22, 23, 24, 25, 26, 27, 28, 29, 30}, b.bus.positions)
}
