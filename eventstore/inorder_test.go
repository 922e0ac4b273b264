package eventstore_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

var errItem, errWork = errors.New("the items end here"), errors.New("the work fails here")

// count yields 0 to n-1, and then the error, if there is one.
func count(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

// squares fails at one item, with its result.
func squares(failing int) func() func(int) (int, error) {
	return func() func(int) (int, error) {
		return func(i int) (int, error) {
			if i == failing {
				return i * i, errWork
			}
			return i * i, nil
		}
	}
}

func TestInOrder(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name           string
		items, failing int
		err, want      error
		results        int
	}{
		{"all", 1000, -1, nil, nil, 1000},
		{"none", 0, -1, nil, nil, 0},
		{"the items fail", 300, -1, errItem, errItem, 300},
		{"the work fails", 1000, 500, nil, errWork, 501},
		{"the first of two errors counts", 300, 100, errItem, errWork, 101},
	} {
		for _, workers := range []int{1, 2, 7} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				var got []int
				var failed error
				for out, err := range eventstore.InOrder(t.Context(), count(row.items, row.err), workers, squares(row.failing)) {
					require.NoError(t, failed, "after an error nothing follows")
					if failed = err; err == nil || errors.Is(err, errWork) {
						got = append(got, out)
					}
				}
				require.ErrorIs(t, failed, row.want)
				require.Len(t, got, row.results)
				for i, square := range got {
					require.Equal(t, i*i, square)
				}
			})
		}
	}
}

func TestInOrderStops(t *testing.T) {
	t.Parallel()
	n := 0
	for _, err := range eventstore.InOrder(t.Context(), count(1<<40, nil), 3, squares(-1)) {
		require.NoError(t, err)
		if n++; n == 10 {
			break
		}
	}
	require.Equal(t, 10, n)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var failed error
	for out, err := range eventstore.InOrder(ctx, count(1<<40, nil), 3, squares(-1)) {
		if failed = err; out == 100 {
			cancel()
		}
	}
	require.ErrorIs(t, failed, context.Canceled)
}
