package eventstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stream domain.StreamID = "test-a"

// logOf is a store with n events of one stream.
func logOf(t *testing.T, n int64) *memory.Store {
	t.Helper()
	s := memory.New(memory.Options{})
	add(t, s, n)
	return s
}

func add(t *testing.T, s *memory.Store, n int64) {
	t.Helper()
	ctx := t.Context()
	tx, err := s.Begin(ctx, 0, 0)
	require.NoError(t, err)
	from := tx.Head().Position
	b := &eventstore.Batch{Streams: []eventstore.StreamWrite{{ID: stream, From: from, To: from + n}}}
	for i := range n {
		b.Events = append(b.Events, eventstore.Event{StreamID: stream, StreamVersion: from + i + 1, Body: []byte("{}")})
	}
	require.NoError(t, tx.Commit(ctx, b))
}

// damaged is a log in which positions are missing, as after a row was removed by force.
type damaged struct {
	eventstore.Reader
	missing map[int64]bool
}

func (d damaged) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	events, err := d.Reader.Read(ctx, after, 1_000)
	if err != nil {
		return nil, err
	}
	var left []eventstore.Event
	for _, e := range events {
		if !d.missing[e.Position] && len(left) < limit {
			left = append(left, e)
		}
	}
	return left, nil
}

var errEnough = errors.New("enough")

// collect subscribes until n events were handled, and returns their positions and the sizes of the batches.
func collect(ctx context.Context, r eventstore.Reader, from int64, limit, n int) (positions []int64, sizes []int, err error) {
	err = eventstore.Subscribe(ctx, r, from, limit, func(_ context.Context, events []eventstore.Event) error {
		for _, e := range events {
			positions = append(positions, e.Position)
		}
		sizes = append(sizes, len(events))
		if len(positions) >= n {
			return errEnough
		}
		return nil
	})
	return positions, sizes, err
}

func TestSubscribeHandsOverBatchesInOrder(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		from      int64
		limit     int
		positions []int64
		sizes     []int
	}{
		{0, 100, []int64{1, 2, 3, 4, 5, 6, 7}, []int{7}},
		{0, 3, []int64{1, 2, 3, 4, 5, 6, 7}, []int{3, 3, 1}},
		{5, 1, []int64{6, 7}, []int{1, 1}},
		{6, 10, []int64{7}, []int{1}},
	} {
		positions, sizes, err := collect(t.Context(), logOf(t, 7), row.from, row.limit, len(row.positions))
		require.ErrorIs(t, err, errEnough)
		require.Equal(t, row.positions, positions)
		require.Equal(t, row.sizes, sizes)
	}
}

// TestSubscribeFollows: what is appended after the end was reached arrives without being asked for.
func TestSubscribeFollows(t *testing.T) {
	t.Parallel()
	s := logOf(t, 2)
	var got []int64
	handled := make(chan int64)
	ended := make(chan error, 1)
	go func() {
		ended <- eventstore.Subscribe(t.Context(), s, 0, 10, func(_ context.Context, events []eventstore.Event) error {
			for _, e := range events {
				handled <- e.Position
			}
			if events[len(events)-1].Position == 20 {
				return errEnough
			}
			return nil
		})
	}()
	for want := int64(1); want <= 20; want++ {
		if want > 2 {
			add(t, s, 1)
		}
		got = append(got, <-handled)
		require.Equal(t, want, got[len(got)-1])
	}
	require.ErrorIs(t, <-ended, errEnough)
}

func TestSubscribeStopsAtAGap(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		missing map[int64]bool
		limit   int
		before  []int64
	}{
		{"at the beginning", map[int64]bool{1: true}, 100, nil},
		{"within a batch", map[int64]bool{4: true}, 100, nil},
		{"between batches", map[int64]bool{4: true}, 3, []int64{1, 2, 3}},
		{"several", map[int64]bool{3: true, 4: true, 5: true}, 2, []int64{1, 2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := damaged{logOf(t, 7), row.missing}
			positions, _, err := collect(t.Context(), r, 0, row.limit, 7)
			require.ErrorIs(t, err, eventstore.ErrGap)
			require.Equal(t, row.before, positions, "nothing is handed over that comes with or after the gap")
		})
	}
}

// crooked hands out what the log has in another order, or twice.
type crooked struct {
	eventstore.Reader
	order []int
}

func (c crooked) Read(ctx context.Context, _ int64, _ int) ([]eventstore.Event, error) {
	events, err := c.Reader.Read(ctx, 0, 10)
	if err != nil {
		return nil, err
	}
	out := make([]eventstore.Event, len(c.order))
	for i, at := range c.order {
		out[i] = events[at]
	}
	return out, nil
}

func TestReadDenseRefusesDisorder(t *testing.T) {
	t.Parallel()
	s := logOf(t, 3)
	for _, order := range [][]int{{1, 0, 2}, {0, 0, 1}, {0, 2}, {2}, {0, 1, 1}} {
		_, err := eventstore.ReadDense(t.Context(), crooked{s, order}, 0, 10)
		require.ErrorIs(t, err, eventstore.ErrGap, "%v", order)
	}
	_, err := eventstore.ReadDense(t.Context(), crooked{s, []int{0, 1, 2}}, 1, 10)
	require.ErrorIs(t, err, eventstore.ErrGap, "positions that were asked for already")
	events, err := eventstore.ReadDense(t.Context(), crooked{s, []int{0, 1, 2}}, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
}

// away is a log whose server is away for reads or for waits.
type away struct {
	eventstore.Reader
	read, wait error
}

func (a away) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	if a.read != nil {
		return nil, a.read
	}
	return a.Reader.Read(ctx, after, limit)
}

func (a away) Wait(context.Context, int64) error { return a.wait }

func TestSubscribeReturnsErrors(t *testing.T) {
	t.Parallel()
	s := logOf(t, 3)
	_, _, err := collect(t.Context(), away{Reader: s, read: eventstore.ErrUnavailable}, 0, 10, 9)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	positions, _, err := collect(t.Context(), away{Reader: s, wait: eventstore.ErrUnavailable}, 0, 10, 9)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	require.Equal(t, []int64{1, 2, 3}, positions)

	ctx, cancel := context.WithCancel(t.Context())
	positions, _, err = collect(ctx, &restless{Reader: s, cancel: cancel}, 0, 10, 9)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []int64{1, 2, 3}, positions, "each once, however often it looks")
}

// restless wakes waiters for nothing, and ends their context the fifth time.
type restless struct {
	eventstore.Reader
	cancel context.CancelFunc
	waits  int
}

func (r *restless) Wait(ctx context.Context, after int64) error {
	if r.waits++; r.waits < 5 {
		return nil
	}
	r.cancel()
	return r.Reader.Wait(ctx, after)
}
