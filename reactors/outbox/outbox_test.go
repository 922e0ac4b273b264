package outbox_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/reactors/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAllThatIsDueIsSent has more than a batch, looks that fail, and messages that fail: the others are sent all the same.
func TestAllThatIsDueIsSent(t *testing.T) {
	t.Parallel()
	const batch, all = 3, 10
	broken := errors.New("broken")
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	looks, next := 0, 0
	var sent []int
	var failed []error
	w := outbox.Worker[int]{
		Batch: batch, Poll: time.Millisecond,
		Take: func(context.Context) (taken []int, err error) {
			mu.Lock()
			defer mu.Unlock()
			if looks++; looks%2 == 0 {
				return nil, broken
			}
			for ; next < all && len(taken) < batch; next++ {
				taken = append(taken, next)
			}
			if next == all && len(taken) == 0 {
				stop()
			}
			return taken, nil
		},
		Send: func(ctx context.Context, n int) error {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, n)
			if n == 4 {
				return broken
			}
			return ctx.Err()
		},
		OnError: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err)
		},
	}
	w.Run(ctx)
	require.ElementsMatch(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, sent)
	require.NotEmpty(t, failed)
	for _, err := range failed {
		require.ErrorIs(t, err, broken)
	}
}

// TestWhatIsUnderWayIsFinished stops the worker while a message is being sent.
func TestWhatIsUnderWayIsFinished(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	var ended error
	w := outbox.Worker[int]{
		Batch: 1, Poll: time.Hour,
		Take: func(ctx context.Context) ([]int, error) { return []int{1}, ctx.Err() },
		Send: func(ctx context.Context, _ int) error {
			stop()
			ended = ctx.Err()
			return nil
		},
		OnError: func(err error) { t.Error(err) },
	}
	w.Run(ctx)
	require.NoError(t, ended)
}

func TestClip(t *testing.T) {
	t.Parallel()
	require.Equal(t, "short", outbox.Clip("short"))
	long := make([]rune, 400)
	for i := range long {
		long[i] = '语'
	}
	require.Equal(t, string(long[:300]), outbox.Clip(string(long)))
}
