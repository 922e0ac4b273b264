package webhook_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// TestFollowersThatAreCutOffLoseAndDoubleNothing runs several followers side by side while their connections are
// killed, in the middle of commits, too.
func TestFollowersThatAreCutOffLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	w := b.register("https://receiver.example/hook", only(webhook.TypeCreditCreated))
	const events = 300
	for range events {
		b.topUp("1")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	for range 3 {
		f := b.newFollower(webhook.FollowerOptions{Batch: 3})
		running.Go(func() {
			for ctx.Err() == nil {
				_ = f.Tick(ctx) // it fails whenever its connection does, and is tried again
			}
		})
	}
	killer := pgtestConn(t, b)
	var position int64
	for killed := 0; position < b.head() || killed < 20; killed++ {
		_, err := killer.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%webhooks%' AND random() < 0.3`)
		require.NoError(t, err)
		require.NoError(t, killer.QueryRow(t.Context(), `SELECT position FROM webhooks.follower`).Scan(&position))
	}
	stop()
	running.Wait()
	b.pool.Reset()
	positions := map[int64]int{}
	for _, d := range b.all(w.ID) {
		positions[d]++
	}
	require.Len(t, positions, events)
	for p := w.FromPosition + 1; p <= b.head(); p++ {
		require.Equal(t, 1, positions[p])
	}
}

// TestNothingIsMissedWhileAWebhookIsRegistered registers webhooks while events are recorded and followed: each has all
// events after its own position.
func TestNothingIsMissedWhileAWebhookIsRegistered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	failures := make(chan error, 2)
	running.Go(func() {
		for ctx.Err() == nil {
			var behind int64
			recording := context.WithoutCancel(ctx)
			head, err := b.log.Head(recording)
			if err == nil {
				err = b.pool.QueryRow(recording, `SELECT $1 - position FROM webhooks.follower`, head.Position).Scan(&behind)
			}
			if err != nil {
				failures <- err
				return
			}
			if behind > 20 {
				continue // the follower is always at work, and never far behind
			}
			id := uuid.New()
			_, _, err = b.ledger.App.TopUp(recording, commands.Meta{CommandID: id, Actor: "operator:test", CorrelationID: id, CausationID: id},
				commands.TopUp{WalletID: b.wallet, Amount: money.MustParse("1"), Currency: money.USD, PSP: "operator", Reason: "test"})
			if err != nil {
				failures <- err
				return
			}
		}
	})
	running.Go(func() {
		for ctx.Err() == nil {
			if err := b.follower.Tick(ctx); err != nil && ctx.Err() == nil {
				failures <- err
				return
			}
		}
	})
	var all []webhook.Registered
	for range webhook.MaxPerWallet {
		all = append(all, b.register("https://receiver.example/hook"))
	}
	stop()
	running.Wait()
	require.Empty(t, failures)
	b.follow()
	for _, w := range all {
		var want []int64
		for p := w.FromPosition + 1; p <= b.head(); p++ {
			want = append(want, p)
		}
		require.Equal(t, want, b.all(w.ID))
	}
	_, err := b.registry.Register(t.Context(), request(), b.wallet, webhook.Settings{URL: "https://receiver.example"})
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err), "a wallet has a bounded number of them")
}

// TestAnUnknownEventStopsTheFanOut shows that what cannot be read is not skipped, and that operators see it.
func TestAnUnknownEventStopsTheFanOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	b.register("https://receiver.example/hook")
	b.topUp("1")
	registry, err := domain.NewRegistry() // an older program
	require.NoError(t, err)
	old := webhook.NewFollower(b.log, registry, b.pool, webhook.FollowerOptions{Now: b.clock.Now, Rest: tick})
	require.Error(t, old.Tick(t.Context()))
	s, err := webhook.ReadStatus(t.Context(), b.pool, b.log, b.clock.Now())
	require.NoError(t, err)
	require.Zero(t, s.Position)
	require.Equal(t, b.head(), s.Behind)
	require.Equal(t, b.clock.Now(), s.FailingSince)
	require.Contains(t, s.Error, "cannot be read")

	require.NoError(t, b.follower.Tick(t.Context()))
	s, err = webhook.ReadStatus(t.Context(), b.pool, b.log, b.clock.Now())
	require.NoError(t, err)
	require.Equal(t, webhook.Status{Position: b.head(), Backlog: 1, OldestDue: b.clock.Now()}, s)
}

// TestADeliveryOfAKilledWorkerIsSentAgain takes a worker's database away in the middle of an attempt, as a kill would:
// it records nothing and gives nothing back.
func TestADeliveryOfAKilledWorkerIsSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	held := make(chan struct{})
	server := receive(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			<-held
		}
		w.WriteHeader(http.StatusNoContent)
	})
	w := b.register(server.URL)
	server.knows(w.Secret)
	b.topUp("1")
	b.follow()

	own := pgtestConn(t, b)
	failed := make(chan error, 100)
	killed := webhook.NewWorker(own, webhook.WorkerOptions{
		Keys: b.keys, Policy: everywhere, Poll: tick, Timeout: patience, Now: b.clock.Now, OnError: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- killed.Run(ctx) }()
	until(t, func() bool { return len(server.got()) == 1 })
	own.Close()
	close(held)
	require.ErrorContains(t, <-failed, "closed pool")
	stop()
	require.NoError(t, <-ended)
	require.Equal(t, webhook.StatePending, b.deliveries(w.ID)[0].State)

	b.work()
	for range 3 { // nobody else takes it before the claim is over
		_, err := webhook.Prune(t.Context(), b.pool, b.clock.Now(), 0)
		require.NoError(t, err)
	}
	require.Len(t, server.got(), 1)
	b.clock.Step(patience + time.Minute)
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	require.Equal(t, map[string]int{b.deliveries(w.ID)[0].ID.String(): 2}, server.ids())
}

// TestAWorkerThatStopsGivesBack shows that an attempt which the end of a process broke off is made again at once.
func TestAWorkerThatStopsGivesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, func(_ http.ResponseWriter, r *http.Request, n int) {
		if n == 1 {
			<-r.Context().Done()
		}
	})
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	stop := b.work(func(o *webhook.WorkerOptions) { o.Grace = tick })
	until(t, func() bool { return len(server.got()) == 1 })
	stop()
	d := b.deliveries(w.ID)[0]
	require.Equal(t, webhook.StatePending, d.State)
	require.Equal(t, webhook.ErrorStopped, d.Error)
	require.Zero(t, b.webhook(w.ID).Health.Failures, "it says nothing of the receiver")
	b.work()
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
}

// TestManyWorkersShare has several workers send many deliveries: each comes once.
func TestManyWorkersShare(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, func(_ http.ResponseWriter, _ *http.Request, _ int) {
		if rand.IntN(10) == 0 { // some are sent again
			panic(http.ErrAbortHandler)
		}
	})
	server.Config.ErrorLog = nil
	w := b.register(server.URL)
	const events = 200
	for range events {
		b.topUp("1")
	}
	b.follow()
	for range 3 {
		b.work()
	}
	until(t, func() bool {
		b.clock.Step(time.Minute)
		return b.states(w.ID)["delivered"] == events
	})
	require.Len(t, server.ids(), events)
	for _, d := range b.deliveries(w.ID) {
		require.GreaterOrEqual(t, d.Attempts, server.ids()[d.ID.String()])
	}
}

// all are the positions of a webhook's deliveries, in order.
func (b *bundle) all(id uuid.UUID) []int64 {
	b.t.Helper()
	var all []int64
	rows, err := b.pool.Query(b.t.Context(), `SELECT position FROM webhooks.deliveries WHERE webhook_id = $1 ORDER BY position`, id)
	require.NoError(b.t, err)
	defer rows.Close()
	for rows.Next() {
		var p int64
		require.NoError(b.t, rows.Scan(&p))
		all = append(all, p)
	}
	require.NoError(b.t, rows.Err())
	return all
}
