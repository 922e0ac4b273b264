package webhook_test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/reactors/webhook"
)

func TestAnEventIsDeliveredOnceAndSigned(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, nil)
	w := b.register(server.URL+"/hook?token=x", only(webhook.TypeCreditCreated))
	server.knows(w.Secret)
	require.Equal(t, b.head(), w.FromPosition)
	b.topUp("2.5")
	b.follow()
	b.work()
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	all := server.got()
	require.Len(t, all, 1, "what happened before it was registered is not told")
	d := b.deliveries(w.ID)[0]
	require.Equal(t, d.ID.String(), all[0].id)
	require.Equal(t, webhook.DeliveryID(w.ID, 0, b.head(), webhook.TypeCreditCreated, b.clock.Now()), d.ID)
	require.Equal(t, "application/json", all[0].header.Get("Content-Type"))
	require.Equal(t, strconv.FormatInt(b.clock.Now().Unix(), 10), all[0].header.Get("webhook-timestamp"))
	require.Equal(t, "credit.created", all[0].message(t).Type)
	shown, err := b.registry.Delivery(t.Context(), w.ID, d.ID)
	require.NoError(t, err)
	require.Equal(t, all[0].body, shown.Body)
	require.Len(t, shown.Tried, 1)
	require.Equal(t, http.StatusNoContent, shown.Tried[0].Status)
	require.Equal(t, b.clock.Now(), b.webhook(w.ID).Health.LastSuccessAt)
}

func TestTheOfficialLibraryAcceptsTheTimestampToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	var refusal atomic.Value
	server := receive(t, nil)
	w := b.register(server.URL)
	verifier, err := official.NewWebhook(w.Secret)
	require.NoError(t, err)
	_, _, err = b.registry.Ping(t.Context(), request(), w.ID)
	require.NoError(t, err)
	b.clock.Step(time.Since(b.clock.Now())) // the library looks at the machine's clock
	b.work()
	until(t, func() bool { return len(server.got()) == 1 })
	require.Nil(t, refusal.Load())
	g := server.got()[0]
	require.NoError(t, verifier.Verify(g.body, g.header))
	require.Error(t, verifier.Verify(append(g.body, ' '), g.header))
	g.header.Set("webhook-id", uuid.NewString())
	require.Error(t, verifier.Verify(g.body, g.header))
}

func TestAFailureIsTriedAgainWithTheSameID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n < 4 {
			http.Error(w, "no", http.StatusInternalServerError)
		}
	})
	w := b.register(server.URL)
	server.knows(w.Secret)
	b.topUp("1")
	b.follow()
	b.work()
	for n := 1; n < 4; n++ {
		until(t, func() bool {
			return b.deliveries(w.ID)[0].Attempts == n && b.deliveries(w.ID)[0].Error == webhook.ErrorStatus && len(server.got()) == n
		})
		until(t, func() bool { return b.webhook(w.ID).Health.Failures == n })
		d := b.deliveries(w.ID)[0]
		require.Equal(t, webhook.StatePending, d.State)
		require.Equal(t, http.StatusInternalServerError, d.Status)
		longest := 10 * time.Second << (n - 1)
		require.WithinRange(t, d.NextAt, b.clock.Now(), b.clock.Now().Add(longest))
		b.clock.Step(longest)
	}
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	require.Len(t, server.ids(), 1)
	require.Len(t, server.got(), 4)
	health := b.webhook(w.ID).Health
	require.Zero(t, health.Failures)
	require.Zero(t, health.FailingSince)
	require.Equal(t, b.clock.Now(), health.LastSuccessAt)
	d, err := b.registry.Delivery(t.Context(), w.ID, b.deliveries(w.ID)[0].ID)
	require.NoError(t, err)
	require.Len(t, d.Tried, 4)
	for i, a := range d.Tried {
		require.Equal(t, i+1, a.Number)
		require.Equal(t, i < 3, a.Error == webhook.ErrorStatus)
	}
}

func TestThreeDaysOfFailuresEndTheDeliveryAndTheWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, status(http.StatusServiceUnavailable))
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	began := b.clock.Now()
	b.work()
	for b.states(w.ID)["failed"] == 0 {
		b.settled()
		require.WithinRange(t, b.clock.Now(), began, began.Add(webhook.GiveUpAfter+time.Hour), "it was to be given up by now")
		b.clock.Step(10 * time.Minute)
	}
	d := b.deliveries(w.ID)[0]
	require.Equal(t, webhook.ErrorStatus, d.Error)
	require.Equal(t, http.StatusServiceUnavailable, d.Status)
	require.WithinRange(t, d.FinishedAt, began.Add(webhook.GiveUpAfter), began.Add(webhook.GiveUpAfter+time.Hour))
	require.Greater(t, d.Attempts, 10)
	after := b.webhook(w.ID)
	require.Equal(t, webhook.DisabledFailing, after.DisabledReason)
	require.Equal(t, d.FinishedAt, after.DisabledAt)

	b.topUp("1")
	b.follow()
	require.Len(t, b.deliveries(w.ID), 1, "a disabled webhook gets nothing new")
}

func TestOneThatWorksIsNotDisabledForOneEventThatDoesNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	var poison atomic.Value
	server := receive(t, nil)
	server.answer = func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Header.Get("webhook-id") == poison.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
	}
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	poison.Store(b.deliveries(w.ID)[0].ID.String())
	b.work()
	until(t, func() bool { return b.deliveries(w.ID)[0].Status == http.StatusBadRequest })
	b.topUp("1")
	b.follow()
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	b.clock.Step(webhook.GiveUpAfter + time.Minute)
	until(t, func() bool { return b.states(w.ID)["failed"] == 1 })
	require.False(t, b.webhook(w.ID).Disabled)
}

func TestGoneEndsTheWebhookAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, status(http.StatusGone))
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	b.work()
	until(t, func() bool { return b.states(w.ID)["failed"] == 1 })
	require.Equal(t, webhook.DisabledGone, b.webhook(w.ID).DisabledReason)
	require.Len(t, server.got(), 1)
}

func TestRetryAfterIsRespectedWithinBounds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		header      string
		least, most time.Duration
	}{
		"seconds":   {"3600", time.Hour, time.Hour},
		"too long":  {"9999999", 6 * time.Hour, 6 * time.Hour},
		"too large": {"99999999999999999999", 0, 10 * time.Second},
		"negative":  {"-5", 0, 10 * time.Second},
		"a date":    {"Wed, 04 Mar 2026 14:00:00 GMT", 2 * time.Hour, 2 * time.Hour},
		"nonsense":  {"soon", 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.open()
			server := receive(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Retry-After", row.header)
				w.WriteHeader(http.StatusTooManyRequests)
			})
			w := b.register(server.URL)
			b.topUp("1")
			b.follow()
			stop := b.work()
			until(t, func() bool { return b.deliveries(w.ID)[0].Status != 0 })
			stop()
			d := b.deliveries(w.ID)[0]
			if row.least > 0 {
				require.Equal(t, row.most, d.NextAt.Sub(b.clock.Now()))
			}
			require.WithinRange(t, d.NextAt, b.clock.Now().Add(row.least), b.clock.Now().Add(row.most))
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	secret := receive(t, nil)
	server := receive(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, secret.URL, http.StatusPermanentRedirect)
	})
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	b.work()
	until(t, func() bool { return b.deliveries(w.ID)[0].Error == webhook.ErrorRedirect })
	require.Equal(t, http.StatusPermanentRedirect, b.deliveries(w.ID)[0].Status)
	require.Empty(t, secret.got())
}

func TestWhatAReceiverAnswersIsNeverKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	const content = "the receiver's own words"
	server := receive(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		w.WriteHeader(http.StatusTeapot)
		for r.Context().Err() == nil { // without end: it is read to a bound only
			if _, err := w.Write([]byte(content)); err != nil {
				return
			}
		}
	})
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	b.work()
	until(t, func() bool { return b.deliveries(w.ID)[0].Status == http.StatusTeapot })
	var kept bool
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM webhooks.deliveries d WHERE d::text LIKE '%own words%')
		OR EXISTS (SELECT FROM webhooks.attempts a WHERE a::text LIKE '%own words%')`).Scan(&kept))
	require.False(t, kept)
}
