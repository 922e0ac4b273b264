package program

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// trace records what happens in order.
type trace struct {
	mu    sync.Mutex
	lines []string
}

func (r *trace) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *trace) actor(name string, started chan<- struct{}) actor {
	return actor{name, func(ctx context.Context) error {
		started <- struct{}{}
		<-ctx.Done()
		r.add(name)
		return ctx.Err()
	}}
}

func TestStagesStopFrontFirst(t *testing.T) {
	t.Parallel()
	var r trace
	started := make(chan struct{}, 3)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- runStages(ctx, zerolog.Nop(), stage{r.actor("front", started)}, stage{r.actor("middle", started)}, stage{r.actor("back", started)})
	}()
	for range 3 {
		<-started
	}
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, []string{"front", "middle", "back"}, r.lines)
}

func TestFailingActorStopsAllAndIsNamed(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]error{"with an error": errors.New("broke"), "without one": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r trace
			started := make(chan struct{}, 1)
			err := runStages(t.Context(), zerolog.Nop(),
				stage{r.actor("front", started)},
				stage{{"back", func(context.Context) error { <-started; return give }}})
			require.ErrorContains(t, err, "back: ")
			if give != nil {
				require.ErrorIs(t, err, give)
			} else {
				require.ErrorIs(t, err, errEndedEarly)
			}
			require.Equal(t, []string{"front"}, r.lines)
		})
	}
}
