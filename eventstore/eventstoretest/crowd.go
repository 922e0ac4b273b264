package eventstoretest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

const (
	appenders = 4
	rounds    = 40
	middle    = 7  // where some tailers start
	prelude   = 15 // events before anybody starts
)

// errEnd ends a tailer that has seen the last event.
var errEnd = errors.New("the last event was handled")

// lastStream gets one event when all appenders are done, so that tailers know the end without a clock.
const lastStream domain.StreamID = "test-last"

// tailersBesideAppenders: several processes append, roll back, conflict and commit late, while others follow from the
// beginning, from the middle and from the end. Nobody may see a gap, a repetition, another order or another content.
func tailersBesideAppenders(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-hot", 0, prelude)
	looked := make(chan struct{})
	h.atCommit(delaySome(ctx, looked))

	var tailers, writers errgroup.Group
	seen := make([][]eventstore.Event, 6)
	for i := range seen {
		s, from, limit := h.Reopen(t), []int64{0, middle, prelude}[i%3], 1+16*(i/3)
		tailers.Go(func() error { return follow(ctx, s, from, limit, &seen[i]) })
	}
	spy, spying := h.Reopen(t), make(chan struct{})
	tailers.Go(func() error { return readOver(ctx, spy, looked, spying) })
	var committed atomic.Int64
	for w := range appenders {
		s := h.Reopen(t)
		writers.Go(func() error { return appendAndFail(ctx, s, w, &committed) })
	}
	written := writers.Wait()
	h.atCommit(nil)
	close(spying)
	grow(t, h.Store, lastStream, 0, 1)
	require.NoError(t, errors.Join(written, tailers.Wait()))

	all := readAll(t, h.Store, 0)
	require.Len(t, all, int(prelude+committed.Load()+1))
	for i := range seen {
		requireEvents(t, all[[]int{0, middle, prelude}[i%3]:], seen[i])
	}
	versions := map[domain.StreamID]int64{}
	for i, e := range all {
		versions[e.StreamID]++
		require.Equal(t, versions[e.StreamID], e.StreamVersion, "versions of a stream rise with the position")
		require.False(t, i > 0 && e.RecordedAt.Before(all[i-1].RecordedAt))
	}
	for id, version := range versions {
		requireStream(t, loadOne(t, h.Store, id), version)
	}
}

// delaySome holds every third commit until a reader has looked at the log meanwhile.
func delaySome(ctx context.Context, looked <-chan struct{}) func() Fate {
	var n atomic.Int64
	return func() Fate {
		if n.Add(1)%3 == 0 {
			select {
			case <-looked:
			case <-ctx.Done():
			}
		}
		return Durable
	}
}

// follow subscribes and keeps everything, until the last event.
func follow(ctx context.Context, s eventstore.Reader, from int64, limit int, seen *[]eventstore.Event) error {
	last := from
	err := eventstore.Subscribe(ctx, s, from, limit, func(_ context.Context, events []eventstore.Event) error {
		if len(events) == 0 || len(events) > limit {
			return fmt.Errorf("handed %d events, the limit is %d", len(events), limit)
		}
		for _, e := range events {
			if e.Position != last+1 {
				return fmt.Errorf("position %d after %d", e.Position, last)
			}
			last++
			*seen = append(*seen, e)
		}
		if events[len(events)-1].StreamID == lastStream {
			return errEnd
		}
		return nil
	})
	if !errors.Is(err, errEnd) {
		return fmt.Errorf("follow from %d: %w", from, err)
	}
	return nil
}

// readOver reads all the time, without waiting to be told, and checks that the head and what can be read agree.
func readOver(ctx context.Context, s eventstore.Reader, looked chan<- struct{}, stop <-chan struct{}) error {
	defer close(looked) // nobody waits for who has left
	for last := int64(0); ; {
		head, err := s.Head(ctx)
		if err != nil {
			return err
		}
		if head.Position < last {
			return fmt.Errorf("the head went back from %d to %d", last, head.Position)
		}
		events, err := eventstore.ReadDense(ctx, s, last, everything)
		if err != nil {
			return err
		}
		last += int64(len(events))
		if last < head.Position {
			return fmt.Errorf("the head is at %d, but only %d can be read", head.Position, last)
		}
		select {
		case looked <- struct{}{}:
		case <-stop:
			return nil
		default:
		}
	}
}

// appendAndFail moves a stream of its own and one that all share; some appends are rolled back, some conflict, some are
// tried without the lock first.
func appendAndFail(ctx context.Context, s eventstore.Store, w int, committed *atomic.Int64) error {
	own := domain.NewStreamID("test-own", fmt.Sprint(w))
	var version int64
	for i := range rounds {
		if (i+w)%2 == 0 {
			done, err := appendUnlocked(ctx, s, own, version)
			if err != nil {
				return err
			}
			version += done
			committed.Add(done)
		}
		tx, err := s.Begin(ctx, 0, 0)
		if err != nil {
			return err
		}
		streams, err := tx.Load(ctx, []domain.StreamID{"test-hot"})
		if err != nil {
			return err
		}
		n := 1 + (i+w)%4
		b := steps(tx, own, version, n)
		addSteps(tx, b, "test-hot", int64(len(streams[0].Events)), n)
		switch {
		case (i+w)%7 == 3:
			tx.Rollback(ctx)
		case (i+w)%5 == 2:
			b.Streams[1].From--
			b.Streams[1].To--
			for j := range b.Events[n:] {
				b.Events[n+j].StreamVersion--
			}
			if err := tx.Commit(ctx, b); !errors.Is(err, eventstore.ErrVersionConflict) {
				return fmt.Errorf("a stale batch: %w", err)
			}
		default:
			if err := tx.Commit(ctx, b); err != nil {
				return err
			}
			version += int64(n)
			committed.Add(int64(len(b.Events)))
		}
	}
	return nil
}

// appendUnlocked tries once to move a stream without the lock and says how many events it wrote.
func appendUnlocked(ctx context.Context, s eventstore.Store, own domain.StreamID, version int64) (int64, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return 0, err
	}
	now := clockAfter(s, head)
	err = s.Append(ctx, head, now, steps(seen{head, now}, own, version, 2))
	switch {
	case errors.Is(err, eventstore.ErrHeadMoved):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("without the lock: %w", err)
	}
	return 2, nil
}
