package eventstoretest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/eventstore"
)

func followCases() []testCase {
	return []testCase{
		{"follow/a commit under way is invisible", pendingIsInvisible},
		{"follow/tailers beside concurrent appenders", tailersBesideAppenders},
		{"follow/wait returns at once when there is more", waitReturns},
		{"follow/wait is woken by another store", waitIsWoken},
		{"follow/many waiters", manyWaiters},
		{"follow/ping-pong without a lost wake-up", pingPong},
		{"follow/wait ends with its context", waitEnds},
	}
}

// pendingIsInvisible holds commits back when they are ready to be sent, and looks.
func pendingIsInvisible(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-a", 0, 3)
	other := h.Reopen(t)
	for round := range int64(5) {
		from := 3 + 2*round
		ready, release := make(chan struct{}), make(chan struct{})
		h.atCommit(func() Fate {
			close(ready)
			<-release
			return Durable
		})
		tx, err := h.Store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		b := steps(tx, "test-a", from, 2)
		committed := make(chan error, 1)
		go func() { committed <- tx.Commit(ctx, b) }()
		<-ready
		head := headOf(t, other)
		require.Equal(t, from, head.Position)
		require.Len(t, readAll(t, other, 0), int(from))
		require.Empty(t, readAll(t, other, from))
		requireStream(t, loadOne(t, other, "test-a"), from)
		at, err := other.At(ctx, tx.Now().AddDate(1, 0, 0))
		require.NoError(t, err)
		require.Equal(t, from, at)
		close(release)
		require.NoError(t, <-committed)
		h.atCommit(nil)
		requireEvents(t, b.Events, readAll(t, other, from))
	}
}

func waitReturns(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-a", 0, 5)
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		for after := range int64(5) {
			require.NoError(t, waitPast(ctx, s, after))
		}
	}
}

// waitPast waits until a position after the given one can be read; Wait alone may return early.
func waitPast(ctx context.Context, s eventstore.Reader, after int64) error {
	for {
		events, err := eventstore.ReadDense(ctx, s, after, 1)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			return nil
		}
		if err := s.Wait(ctx, after); err != nil {
			return err
		}
	}
}

func waitIsWoken(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	for i := range int64(10) {
		woken := make(chan error, 1)
		go func() { woken <- waitPast(ctx, other, i) }()
		grow(t, h.Store, "test-a", i, 1)
		require.NoError(t, <-woken)
	}
}

func manyWaiters(t *testing.T, h Harness) {
	ctx := within(t)
	stores := []eventstore.Store{h.Store, h.Reopen(t)}
	var group errgroup.Group
	for i := range 40 {
		group.Go(func() error { return waitPast(ctx, stores[i%2], int64(i%4)) })
	}
	for i := range int64(4) {
		grow(t, h.Store, "test-a", i, 1)
	}
	require.NoError(t, group.Wait())
}

// pingPong has two processes that each append only after they saw what the other appended.
func pingPong(t *testing.T, h Harness) {
	const rounds = 50
	ctx := within(t)
	var group errgroup.Group
	for player, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		group.Go(func() error {
			for i := range int64(rounds) {
				if mine := 2*i + int64(player) + 1; mine > 1 {
					if err := waitPast(ctx, s, mine-2); err != nil {
						return err
					}
				}
				_, err := attempt(ctx, s, func(tx decided) *eventstore.Batch {
					return steps(tx, streamNumber(player), i, 1)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	for i, e := range readAll(t, h.Store, 0) {
		require.Equal(t, streamNumber(i%2), e.StreamID, "position %d", e.Position)
	}
}

func waitEnds(t *testing.T, h Harness) {
	grow(t, h.Store, "test-a", 0, 1)
	for range 10 {
		ctx, cancel := context.WithCancel(within(t))
		ended := make(chan error, 1)
		go func() {
			ended <- eventstore.Subscribe(ctx, h.Store, 0, 10, func(context.Context, []eventstore.Event) error {
				cancel()
				return nil
			})
		}()
		require.ErrorIs(t, <-ended, context.Canceled)
		cancel()
	}
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
