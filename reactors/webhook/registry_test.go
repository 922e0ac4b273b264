package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/reactors/webhook"
)

func amount(text string) *money.Amount {
	a := money.MustParse(text)
	return &a
}

func TestSettingsThatAreRefusedNameTheField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.register("https://receiver.example")
	for want, rows := range map[string][]webhook.Settings{
		"name": {{Name: strings.Repeat("n", 101), URL: "https://a.example"}, {Name: "a\x00", URL: "https://a.example"}},
		"url":  {{URL: ""}, {URL: "ftp://a.example"}, {URL: "http://10.0.0.1"}, {URL: "https://a:b@a.example"}}, //nolint:gosec // opens nothing
		"event_types": {
			{URL: "https://a.example", EventTypes: []webhook.Type{"charge.made"}},
			{URL: "https://a.example", EventTypes: []webhook.Type{webhook.TypePing}},
			{URL: "https://a.example", EventTypes: []webhook.Type{"key.issued", "key.issued"}},
		},
		"balance_threshold": {
			{URL: "https://a.example", EventTypes: []webhook.Type{webhook.TypeBalanceLow}},
			{URL: "https://a.example", EventTypes: []webhook.Type{webhook.TypeKeyIssued}, BalanceThreshold: amount("1")},
			{URL: "https://a.example", BalanceThreshold: amount("-1")},
		},
	} {
		for _, s := range rows {
			_, err := b.registry.Register(t.Context(), request(), b.wallet, s)
			require.Equal(t, want, field(t, err))
			_, _, err = b.registry.Update(t.Context(), request(), w.ID, s)
			require.Equal(t, want, field(t, err))
		}
	}
	_, err := b.registry.Register(t.Context(), request(), uuid.Nil, webhook.Settings{URL: "https://a.example"})
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	_, err = b.registry.Rotate(t.Context(), request(), w.ID, -time.Second)
	require.Equal(t, "grace_seconds", field(t, err))
	_, err = b.registry.Rotate(t.Context(), request(), w.ID, webhook.MaxGrace+1)
	require.Equal(t, "grace_seconds", field(t, err))
	for _, q := range []webhook.DeliveriesRequest{{State: "lost"}, {Type: "x"}} {
		_, err = b.registry.Deliveries(t.Context(), w.ID, q)
		field(t, err)
	}
}

func TestUnknownWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.register("https://receiver.example")
	no := uuid.New()
	for what, err := range map[string]error{
		"show":       second(b.registry.Webhook(t.Context(), no)),
		"rotate":     second(b.registry.Rotate(t.Context(), request(), no, 0)),
		"deliveries": second(b.registry.Deliveries(t.Context(), no, webhook.DeliveriesRequest{})),
		"delivery":   second(b.registry.Delivery(t.Context(), w.ID, no)),
		"delete":     second(b.registry.Delete(t.Context(), request(), no)),
		"update":     third(b.registry.Update(t.Context(), request(), no, webhook.Settings{URL: "https://a.example"})),
		"ping":       third(b.registry.Ping(t.Context(), request(), no)),
		"redeliver":  third(b.registry.Redeliver(t.Context(), request(), w.ID, no)),
		"replay":     third(b.registry.ReplayRange(t.Context(), request(), no, webhook.RangeRequest{SincePosition: new(int64)})),
	} {
		require.Equal(t, domain.CodeNotFound, domain.CodeOf(err), what)
	}
	all, err := b.registry.Webhooks(t.Context(), uuid.New())
	require.NoError(t, err)
	require.Empty(t, all)
}

func second[T any](_ T, err error) error { return err }

func third[T any](_ T, _ bool, err error) error { return err }

func TestRequestsHaveTheirEffectOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	q := request()
	s := webhook.Settings{URL: "https://a.example"}
	first, err := b.registry.Register(t.Context(), q, b.wallet, s)
	require.NoError(t, err)
	for _, url := range []string{s.URL, "https://b.example"} {
		_, err = b.registry.Register(t.Context(), q, b.wallet, webhook.Settings{URL: url})
		require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err), "the secret is shown once")
	}
	all, err := b.registry.Webhooks(t.Context(), b.wallet)
	require.NoError(t, err)
	require.Len(t, all, 1)

	q = request()
	one, replayed, err := b.registry.Ping(t.Context(), q, first.ID)
	require.NoError(t, err)
	require.False(t, replayed)
	again, replayed, err := b.registry.Ping(t.Context(), q, first.ID)
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, one.ID, again.ID)
	require.Len(t, b.deliveries(first.ID), 1)
	_, _, err = b.registry.Update(t.Context(), q, first.ID, s)
	require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err), "the id is taken")

	q = request()
	s.Name = "first"
	w, replayed, err := b.registry.Update(t.Context(), q, first.ID, s)
	require.NoError(t, err)
	require.False(t, replayed)
	require.Equal(t, "first", w.Name)
	b.registryUpdate(first.ID, webhook.Settings{Name: "second", URL: s.URL})
	w, replayed, err = b.registry.Update(t.Context(), q, first.ID, s)
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, "second", w.Name, "it was done then, and is not done again")

	q = request()
	replayed, err = b.registry.Delete(t.Context(), q, first.ID)
	require.NoError(t, err)
	require.False(t, replayed)
	replayed, err = b.registry.Delete(t.Context(), q, first.ID)
	require.NoError(t, err)
	require.True(t, replayed)
}

// TestARepetitionIsAnsweredWhateverBecameOfTheWebhook: disabled since, or gone.
func TestARepetitionIsAnsweredWhateverBecameOfTheWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	s := webhook.Settings{URL: "https://a.example"}
	w, err := b.registry.Register(t.Context(), request(), b.wallet, s)
	require.NoError(t, err)
	ping, update := request(), request()
	first, _, err := b.registry.Ping(t.Context(), ping, w.ID)
	require.NoError(t, err)
	_, _, err = b.registry.Update(t.Context(), update, w.ID, webhook.Settings{URL: s.URL, Disabled: true})
	require.NoError(t, err)
	repeat := func() {
		d, replayed, err := b.registry.Ping(t.Context(), ping, w.ID)
		require.NoError(t, err)
		require.True(t, replayed)
		require.Equal(t, first.ID, d.ID)
		again, replayed, err := b.registry.Update(t.Context(), update, w.ID, webhook.Settings{URL: s.URL, Disabled: true})
		require.NoError(t, err)
		require.True(t, replayed)
		require.Equal(t, w.ID, again.ID)
	}
	repeat()
	_, _, err = b.registry.Ping(t.Context(), request(), w.ID)
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err), "a new one is refused")
	_, err = b.registry.Delete(t.Context(), request(), w.ID)
	require.NoError(t, err)
	repeat()
	_, _, err = b.registry.Ping(t.Context(), request(), w.ID)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
}

func (b *bundle) registryUpdate(id uuid.UUID, s webhook.Settings) webhook.Webhook {
	b.t.Helper()
	w, _, err := b.registry.Update(b.t.Context(), request(), id, s)
	require.NoError(b.t, err)
	return w
}

func TestSecretsRotateWithAnOverlap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, nil)
	w := b.register(server.URL)
	verifies := func(secret string, g got) bool {
		verifier, err := official.NewWebhook(secret)
		require.NoError(t, err)
		return verifier.VerifyIgnoringTimestamp(g.body, g.header) == nil
	}
	b.work()
	next := func() got {
		n := len(server.got())
		_, _, err := b.registry.Ping(t.Context(), request(), w.ID)
		require.NoError(t, err)
		until(t, func() bool { return len(server.got()) == n+1 })
		return server.got()[n]
	}
	require.Len(t, strings.Fields(next().header.Get("webhook-signature")), 1)

	q := request()
	rotated, err := b.registry.Rotate(t.Context(), q, w.ID, time.Hour)
	require.NoError(t, err)
	require.NotEqual(t, w.Secret, rotated.Secret)
	require.Equal(t, b.clock.Now().Add(time.Hour), rotated.OldSecretUntil)
	_, err = b.registry.Rotate(t.Context(), q, w.ID, time.Hour)
	require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	g := next()
	require.Len(t, strings.Fields(g.header.Get("webhook-signature")), 2)
	require.True(t, verifies(w.Secret, g))
	require.True(t, verifies(rotated.Secret, g))

	b.clock.Step(time.Hour)
	g = next()
	require.Len(t, strings.Fields(g.header.Get("webhook-signature")), 1)
	require.False(t, verifies(w.Secret, g))
	require.True(t, verifies(rotated.Secret, g))
	require.Zero(t, b.webhook(w.ID).OldSecretUntil)

	for range 8 {
		rotated, err = b.registry.Rotate(t.Context(), request(), w.ID, time.Hour)
		require.NoError(t, err)
	}
	g = next()
	require.Len(t, strings.Fields(g.header.Get("webhook-signature")), 5, "signatures are bounded")
	require.True(t, verifies(rotated.Secret, g))
	rotated, err = b.registry.Rotate(t.Context(), request(), w.ID, 0)
	require.NoError(t, err)
	g = next()
	require.Len(t, strings.Fields(g.header.Get("webhook-signature")), 1, "without a grace the old ones end at once")
	require.True(t, verifies(rotated.Secret, g))
}

func TestSecretsAreSealedWhereTheyAreStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.register("https://receiver.example")
	var salt, sealed []byte
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT salt, sealed FROM webhooks.secrets`).Scan(&salt, &sealed))
	var dump string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(t, '') FROM (SELECT s::text t FROM webhooks.secrets s UNION ALL SELECT r::text FROM once.requests r
		UNION ALL SELECT w::text FROM webhooks.webhooks w) x`).Scan(&dump))
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(w.Secret, "whsec_"))
	require.NoError(t, err)
	require.NotContains(t, dump, strings.TrimPrefix(w.Secret, "whsec_"))
	require.NotContains(t, dump, hex.EncodeToString(key))
	require.False(t, bytes.Contains(sealed, key))
	require.Len(t, salt, 32)
}

// TestKeysOfTheConfigurationRotate puts a new key in front: what the old one sealed still opens. Without the old one
// nothing is sent, nothing is lost, and the receiver is not blamed.
func TestKeysOfTheConfigurationRotate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, nil)
	w := b.register(server.URL)
	server.knows(w.Secret)
	text, err := webhook.NewKey()
	require.NoError(t, err)
	other, err := webhook.ParseKeyring(text)
	require.NoError(t, err)
	b.topUp("1")
	b.follow()
	reported := make(chan error, 1000)
	stop := b.work(func(o *webhook.WorkerOptions) {
		o.Keys = other
		o.OnError = func(err error) { reported <- err }
	})
	require.ErrorContains(t, <-reported, "not configured")
	until(t, func() bool { return b.deliveries(w.ID)[0].Error == webhook.ErrorInternal })
	stop()
	require.Empty(t, server.got())
	require.Zero(t, b.webhook(w.ID).Health.Failures)
	b.clock.Step(time.Hour)
	b.work()
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })

	for _, text := range []string{"", "x", "AAAA", strings.Repeat("A", 44), text + ",", text + ",x"} {
		_, err := webhook.ParseKeyring(text)
		require.Error(t, err, text)
		if len(text) > 10 {
			require.NotContains(t, err.Error(), text)
		}
	}
	both, err := webhook.ParseKeyring(text + ", " + text)
	require.NoError(t, err)
	require.NotNil(t, both)
}

// TestTheKeysetTakesOver: what webhooks' own keys have sealed still signs when there is a keyset, which seals from then on; sealed anew, it
// needs them no more.
func TestTheKeysetTakesOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server, other := receive(t, nil), receive(t, nil)
	old := b.register(server.URL)
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keyset, err := envelope.Open(text, nil)
	require.NoError(t, err)
	b.keys = webhook.NewKeyring(keyset, b.keys)
	b.registry = webhook.NewRegistry(b.pool, b.log, anyWallet{}, webhook.RegistryOptions{Keys: b.keys, Policy: everywhere, Now: b.clock.Now})
	fresh := b.register(other.URL)
	server.knows(old.Secret)
	other.knows(fresh.Secret)
	b.topUp("1")
	b.follow()
	b.work()
	until(t, func() bool { return b.states(old.ID)["delivered"] == 1 && b.states(fresh.ID)["delivered"] == 1 })

	rows, err := b.pool.Query(t.Context(), `SELECT webhook_id, id, salt, sealed FROM webhooks.secrets`)
	require.NoError(t, err)
	var owner, id uuid.UUID
	var salt, sealed []byte
	n, alone := 0, webhook.NewKeyring(keyset, nil)
	_, err = pgx.ForEachRow(rows, []any{&owner, &id, &salt, &sealed}, func() error {
		n++
		_, err := alone.Reseal(salt, sealed, owner, id)
		require.Equal(t, owner == fresh.ID, err == nil, "what a webhook's key has sealed needs that key")
		anew, err := b.keys.Reseal(salt, sealed, owner, id)
		require.NoError(t, err)
		_, err = alone.Reseal(nil, anew, owner, id)
		require.NoError(t, err)
		_, err = alone.Reseal(nil, anew, id, owner)
		require.ErrorContains(t, err, "not configured", "it opens in its own row only")
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, rows.Err())
	require.Equal(t, 2, n)
}

func TestDisabledWebhooksPauseAndGoOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, nil)
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	off := b.registryUpdate(w.ID, webhook.Settings{URL: server.URL, Disabled: true})
	require.Equal(t, webhook.DisabledByRequest, off.DisabledReason)
	require.Equal(t, b.clock.Now(), off.DisabledAt)
	b.topUp("2")
	b.follow()
	require.Equal(t, map[string]int{"pending": 1}, b.states(w.ID), "nothing is kept for it meanwhile")
	b.work()
	b.settled()
	require.Empty(t, server.got())
	_, _, err := b.registry.Ping(t.Context(), request(), w.ID)
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err))
	_, _, err = b.registry.Redeliver(t.Context(), request(), w.ID, b.deliveries(w.ID)[0].ID)
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err))
	_, _, err = b.registry.ReplayRange(t.Context(), request(), w.ID, webhook.RangeRequest{SincePosition: &w.FromPosition})
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err))

	require.False(t, b.registryUpdate(w.ID, webhook.Settings{URL: server.URL}).Disabled)
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	_, _, err = b.registry.ReplayRange(t.Context(), request(), w.ID, webhook.RangeRequest{SincePosition: &w.FromPosition})
	require.NoError(t, err)
	require.NoError(t, b.follower.Tick(t.Context()))
	until(t, func() bool { return b.states(w.ID)["delivered"] == 2 })
	require.Len(t, server.got(), 2, "what was missed comes by a replay, what was delivered does not come again")
}

// TestStop: whoever was the last to change a webhook is all that counts, and not whether its settings would be taken today.
func TestStop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, nil)
	w := b.register(server.URL, only(webhook.TypeCreditCreated))
	strict := webhook.NewRegistry(b.pool, b.log, anyWallet{}, webhook.RegistryOptions{Keys: b.keys, Now: b.clock.Now})
	_, _, err := strict.Update(t.Context(), request(), w.ID, b.webhook(w.ID).Settings)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "a policy that would refuse it")
	by := webhook.Request{Actor: "system:test"}

	require.NoError(t, strict.Stop(t.Context(), by, w.ID, "user:somebody-else"))
	require.NoError(t, strict.Stop(t.Context(), by, uuid.New(), w.UpdatedBy))
	require.False(t, b.webhook(w.ID).Disabled)

	b.clock.Step(time.Minute)
	require.NoError(t, strict.Stop(t.Context(), by, w.ID, w.UpdatedBy))
	off := b.webhook(w.ID)
	want := w.Settings
	want.Disabled = true
	require.Equal(t, want, off.Settings)
	require.Equal(t, []any{webhook.DisabledByRequest, b.clock.Now(), "system:test"}, []any{off.DisabledReason, off.DisabledAt, off.UpdatedBy})
	require.NoError(t, strict.Stop(t.Context(), by, w.ID, "system:test"))
	require.Equal(t, off, b.webhook(w.ID))
	b.topUp("1")
	b.follow()
	require.Empty(t, b.states(w.ID))
	var actions []string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT array_agg(action ORDER BY entry_id) FROM audit.entries WHERE actor = 'system:test'`).Scan(&actions))
	require.Equal(t, []string{"webhook.stop"}, actions)
}

func TestDeletionStopsDeliveriesAndErases(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, status(http.StatusInternalServerError))
	w := b.register(server.URL + "/?token=very-secret")
	kept := b.register("https://receiver.example")
	b.topUp("1")
	b.follow()
	b.work()
	until(t, func() bool { return len(server.got()) == 1 })
	_, err := b.registry.Delete(t.Context(), request(), w.ID)
	require.NoError(t, err)
	for range 20 {
		b.clock.Step(time.Hour)
		b.topUp("1")
		b.follow()
	}
	b.settledOf(w.ID)
	require.Len(t, server.got(), 1)
	_, err = b.registry.Webhook(t.Context(), w.ID)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
	_, err = b.registry.Deliveries(t.Context(), w.ID, webhook.DeliveriesRequest{})
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))

	_, err = webhook.Prune(t.Context(), b.pool, b.clock.Now(), 0)
	require.NoError(t, err)
	var left int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM webhooks.webhooks WHERE id = $1) + (SELECT count(*) FROM webhooks.secrets WHERE webhook_id = $1)
		+ (SELECT count(*) FROM webhooks.deliveries WHERE webhook_id = $1) + (SELECT count(*) FROM webhooks.queues WHERE webhook_id = $1)`, w.ID).Scan(&left))
	require.Zero(t, left)
	require.NotEmpty(t, b.deliveries(kept.ID))
	b.clock.Step(2 * time.Hour)
	_, err = webhook.Prune(t.Context(), b.pool, b.clock.Now(), 0)
	require.NoError(t, err)
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM webhooks.removed`).Scan(&left))
	require.Zero(t, left)
}

// settledOf waits until a webhook that was deleted has no claim that a worker is still at.
func (b *bundle) settledOf(id uuid.UUID) {
	b.t.Helper()
	until(b.t, func() bool {
		var waiting bool
		require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT EXISTS (SELECT FROM webhooks.queues WHERE webhook_id = $1)`, id).Scan(&waiting))
		return !waiting
	})
}

func TestOldDeliveriesAreErased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.open()
	server := receive(t, nil)
	w := b.register(server.URL)
	b.topUp("1")
	b.follow()
	stop := b.work()
	until(t, func() bool { return b.states(w.ID)["delivered"] == 1 })
	stop()
	b.topUp("1")
	b.follow()
	prune := func() webhook.Pruned {
		p, err := webhook.Prune(t.Context(), b.pool, b.clock.Now(), 30*24*time.Hour)
		require.NoError(t, err)
		return p
	}
	b.clock.Step(webhook.GiveUpAfter)
	require.Zero(t, prune())
	b.clock.Step(time.Hour)
	require.Equal(t, webhook.Pruned{GaveUp: 1}, prune(), "nobody sent it in its days")
	require.Equal(t, webhook.ErrorExpired, b.deliveries(w.ID)[1].Error)
	b.clock.Step(26 * 24 * time.Hour)
	require.Zero(t, prune())
	b.clock.Step(24 * time.Hour)
	require.Equal(t, webhook.Pruned{Deleted: 1}, prune())
	b.clock.Step(24 * 5 * time.Hour)
	require.Equal(t, webhook.Pruned{Deleted: 1}, prune())
	require.Empty(t, b.deliveries(w.ID))
	var attempts int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM webhooks.attempts`).Scan(&attempts))
	require.Zero(t, attempts)
}
