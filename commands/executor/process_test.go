package executor_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

// The connection of an append breaks and its server works on. Meanwhile the command is decided again, at a later time,
// and refused: the append must not happen any more.
func TestARefusalIsFinalWhenALostAppendIsStillUnderWay(t *testing.T) {
	t.Parallel()
	play(t, nil, func(s *scene) {
		s.expect(faults{send: {{fate: lostDuring, delay: time.Second, linger: time.Minute}}})
		deadline := time.Now().Add(time.Millisecond)
		r := add(uuid.New(), "a", 1)
		decide := r.Decide
		r.Forgets = func(domain.Code) bool { return true }
		r.Decide = func(d *executor.Decision) (any, error) {
			if d.Now().After(deadline) {
				return nil, domain.Errorf(domain.CodeKeyExpired, "too late")
			}
			return decide(d)
		}
		require.Equal(s.t, domain.CodeKeyExpired, domain.CodeOf((<-s.ask(r)).Err))
		settle()
		require.Zero(s.t, s.marbles(s.t, "a"))
	})
}

func TestAFailureAfterALostAppendIsNotCertain(t *testing.T) {
	t.Parallel()
	play(t, nil, func(s *scene) {
		s.expect(faults{send: {{fate: lostDuring, linger: time.Second}}, commit: {{fate: refused}}})
		id := uuid.New()
		require.Equal(s.t, domain.CodeUnavailable, domain.CodeOf((<-s.ask(add(id, "a", 1))).Err))
		settle()
		require.True(s.t, (<-s.ask(add(id, "a", 1))).Replayed)
	})
}

func TestAStoreThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead faults
		code  domain.Code
	}{
		{faults{load: {{fate: hung}}}, ""},
		{faults{send: {{fate: hung}}}, ""},
		{faults{send: {{fate: hung, linger: time.Hour}}}, ""},
		{faults{send: {{fate: moved}}, commit: {{fate: hung}}}, ""},
		{faults{send: {{fate: moved}}, begin: {{fate: hung}}}, domain.CodeUnavailable},
	} {
		play(t, nil, func(s *scene) {
			s.expect(c.ahead)
			id := uuid.New()
			require.Equal(s.t, c.code, domain.CodeOf((<-s.ask(add(id, "a", 1))).Err))
			require.NoError(s.t, (<-s.ask(add(id, "a", 1))).Err)
			settle()
			require.Equal(s.t, 1, s.marbles(s.t, "a"))
		})
	}
}

func TestStopFinishesWhatItCanInTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		meet fault
		code domain.Code
	}{
		{fault{delay: 10 * time.Millisecond}, ""},
		{fault{fate: away}, domain.CodeUnavailable},
		{fault{fate: hung}, domain.CodeUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			var now atomic.Pointer[fault]
			now.Store(&fault{})
			net := &faulty{Appender: memory.New(memory.Options{}), meet: func(op, *eventstore.Batch) fault { return *now.Load() }}
			exec := executor.New(net, options(t, func(o *executor.Options) { o.Batch = 2 }))
			ctx, cancel := context.WithCancel(context.Background())
			stopped := make(chan error, 1)
			go func() { stopped <- exec.Run(ctx) }()
			bundle{exec: exec}.warmUp(t)
			now.Store(&c.meet)
			answers := make(chan executor.Result, 100)
			for range cap(answers) {
				go func() { answers <- exec.Do(context.Background(), add(uuid.New(), "a", 1)) }()
			}
			synctest.Wait()
			stopping := time.Now()
			cancel()
			require.NoError(t, <-stopped)
			require.LessOrEqual(t, time.Since(stopping), 20*time.Second)
			for range cap(answers) {
				require.Equal(t, c.code, domain.CodeOf((<-answers).Err))
			}
			settle()
		})
	}
}

func TestADamagedStreamFailsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := &faulty{Appender: memory.New(memory.Options{}), meet: func(_ op, b *eventstore.Batch) fault {
			if b != nil && slices.ContainsFunc(b.Streams, func(w eventstore.StreamWrite) bool { return w.ID == stream("damaged") }) {
				return fault{fate: conflict}
			}
			return fault{delay: time.Millisecond} // so that the others wait, and come together
		}}
		exec := run(t, net, options(t, nil))
		var failed atomic.Int64
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if exec.Do(context.Background(), add(uuid.New(), []string{"good", "damaged"}[i%20/19], 1)).Err != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 2, failed.Load())
	})
}

// Another process, of a newer version, writes what this one cannot read: only that stream's commands suffer.
func TestAForeignEventStopsItsOwnStreamOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, memory.Options{}, nil)
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err)
		head, err := b.store.Head(t.Context())
		require.NoError(t, err)
		require.NoError(t, b.store.Append(t.Context(), head, head.RecordedAt, &eventstore.Batch{
			Events:  []eventstore.Event{{StreamID: stream("a"), StreamVersion: 2, Type: "jar.painted.v1", SchemaVersion: 1, Body: []byte("{}")}},
			Streams: []eventstore.StreamWrite{{ID: stream("a"), From: 1, To: 2}},
		}))
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "b", 1)).Err)
		require.Equal(t, domain.CodeInternal, domain.CodeOf(b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err))
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "b", 1)).Err)
	})
}
