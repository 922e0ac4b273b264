package webhook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/reactors/webhook"
)

// tarpit is a receiver that never answers, until the test ends.
func tarpit(t *testing.T) *receiver {
	t.Helper()
	open := make(chan struct{})
	r := receive(t, func(_ http.ResponseWriter, r *http.Request, _ int) {
		select {
		case <-open:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(open) })
	return r
}

// TestReceiversThatHangHoldUpNobody fills a worker with receivers that never answer, and shows that others are served
// all the same, also those of the same wallet.
func TestReceiversThatHangHoldUpNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	stop := b.work(func(o *webhook.WorkerOptions) { o.Webhooks, o.PerHost, o.Timeout = 8, 100, 100*time.Millisecond })
	var hanging []uuid.UUID
	for range 8 {
		hanging = append(hanging, b.register(tarpit(t).URL).ID)
	}
	b.topUp("1")
	b.follow()
	for _, id := range hanging { // each is known to hang by now
		until(t, func() bool { return b.webhook(id).Health.Failures > 0 })
	}
	stop()
	b.work(func(o *webhook.WorkerOptions) { o.Webhooks, o.PerHost, o.Timeout, o.Grace = 8, 100, patience, tick })
	good := receive(t, nil)
	w := b.register(good.URL)
	const events = 30
	for n := range events {
		b.clock.Step(10 * time.Minute) // what hangs is due again, and takes all the room that it may have
		b.topUp("1")
		b.follow()
		until(t, func() bool { return len(good.ids()) == n+1 })
	}
	until(t, func() bool { return b.states(w.ID)["delivered"] == events })
	busy := 0
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(DISTINCT webhook_id) FROM webhooks.deliveries d WHERE webhook_id <> $1
		AND attempts > (SELECT count(*) FROM webhooks.attempts a WHERE a.delivery_id = d.id)`, w.ID).Scan(&busy))
	require.Equal(t, 4, busy, "half of the room is taken by them, and no more")
}

// TestOneHostTakesABoundedPart registers many webhooks of one host that hangs.
func TestOneHostTakesABoundedPart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := tarpit(t)
	for n := range 10 {
		b.register(server.URL + "/" + strings.Repeat("x", n))
	}
	good := receive(t, nil)
	b.register(good.URL)
	b.topUp("1")
	b.follow()
	b.work(func(o *webhook.WorkerOptions) { o.Webhooks, o.PerHost, o.Grace = 10, 3, tick })
	until(t, func() bool { return len(good.got()) == 1 && len(server.got()) == 3 })
	b.topUp("1")
	b.follow()
	until(t, func() bool { return len(good.got()) == 2 })
	require.Len(t, server.got(), 3)
}

// TestAReceiverThatFailsIsGivenARest shows that a backlog is not sent at a receiver that fails: it is tried once at a time.
func TestAReceiverThatFailsIsGivenARest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	failing := true
	server := receive(t, nil)
	server.answer = func(w http.ResponseWriter, _ *http.Request, _ int) {
		server.mu.Lock()
		defer server.mu.Unlock()
		if failing {
			w.WriteHeader(http.StatusBadGateway)
		}
	}
	w := b.register(server.URL)
	const events = 100
	for range events {
		b.topUp("1")
	}
	b.follow()
	b.work()
	b.settled()
	first := len(server.got())
	require.Less(t, first, 20, "the rest begins before everything was tried")
	for range 10 {
		b.clock.Step(11 * time.Minute)
		b.settled()
	}
	require.Len(t, server.got(), first+10, "one attempt after each rest")
	require.Equal(t, map[string]int{"pending": events}, b.states(w.ID))
	server.mu.Lock()
	failing = false
	server.mu.Unlock()
	b.clock.Step(11 * time.Minute)
	until(t, func() bool {
		b.clock.Step(time.Minute)
		return b.states(w.ID)["delivered"] == events
	})
}
