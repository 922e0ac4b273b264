package http_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/reactors/webhook"
)

type walletsOf struct {
	query *balance.Query
	log   eventstore.Reader
}

func (w walletsOf) Exists(ctx context.Context, id uuid.UUID) error {
	head, err := w.log.Head(ctx)
	if err != nil {
		return err
	}
	_, err = w.query.Wallet(ctx, id, head.Position)
	return err
}

// newHooks is the registry of the service's webhooks; nothing is sent.
func newHooks(t *testing.T, pool *pgxpool.Pool, log eventstore.Reader, wallets *balance.Query) *webhook.Registry {
	t.Helper()
	text, err := webhook.NewKey()
	require.NoError(t, err)
	keys, err := webhook.ParseKeyring(text)
	require.NoError(t, err)
	return webhook.NewRegistry(pool, log, walletsOf{wallets, log}, webhook.RegistryOptions{
		Keys: keys, Policy: webhook.Policy{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	})
}

func hookSpec() map[string]any {
	return map[string]any{
		"name": "books", "url": "https://receiver.example/hook?token=abc", "event_types": []string{"charge.created", "balance.low"}, "balance_threshold": "2.5",
	}
}

// hooks walks a webhook through its life.
func (b *bundle) hooks(wallet string) {
	t := b.t
	t.Helper()
	made := b.post(wallet+"/webhooks", hookSpec(), idempotent("hook")).is(201)
	require.True(t, strings.HasPrefix(made.text("secret"), "whsec_"))
	require.Equal(t, count(b.position()), made.text("from_position"))
	again := b.post(wallet+"/webhooks", hookSpec(), idempotent("hook")).refused(409, domain.CodeIdempotencyConflict)
	require.Equal(t, made.text("webhook_id"), again.text("details", "webhook_id"))
	require.NotContains(t, string(again.body), "whsec_")
	path := "/console/v1/webhooks/" + made.text("webhook_id")

	shown := b.get(path).is(200)
	require.Equal(t, "https://receiver.example/hook?token=abc", shown.text("webhook", "url"))
	require.Equal(t, "2.5", shown.text("webhook", "balance_threshold"))
	require.Equal(t, auth.OperatorID, shown.text("webhook", "created_by"))
	require.NotContains(t, string(shown.body), "whsec_")
	require.Equal(t, 1, b.get(wallet+"/webhooks").is(200).count("items"))

	changed := with(hookSpec(), "name", "the books")
	require.Equal(t, "false", string(b.send("PUT", path, changed, idempotent("change")).is(200).at("replayed")))
	require.Equal(t, "true", string(b.send("PUT", path, changed, idempotent("change")).is(200).at("replayed")))
	b.send("PUT", path, hookSpec(), idempotent("change")).refused(409, domain.CodeIdempotencyConflict)

	rotated := b.post(path+"/rotate", map[string]any{}).is(200)
	require.NotEqual(t, made.text("secret"), rotated.text("secret"))
	until, err := time.Parse(time.RFC3339, rotated.text("old_secret_until"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(webhook.DefaultGrace), until, time.Minute)

	ping := b.post(path+"/ping", nil, idempotent("ping")).is(202)
	require.Equal(t, ping.text("delivery_id"), b.post(path+"/ping", nil, idempotent("ping")).is(202).text("delivery_id"))
	delivery := path + "/deliveries/" + ping.text("delivery_id")
	d := b.get(delivery).is(200)
	require.Equal(t, "pending", d.text("delivery", "state"))
	require.Contains(t, d.text("body"), `"type":"webhook.ping"`)
	b.post(delivery+"/replay", nil).is(202)
	b.post(path+"/ping", nil).is(202)

	page := b.get(path + "/deliveries?limit=1&state=pending&type=webhook.ping&from=2020-01-01T00:00:00Z").is(200)
	require.Equal(t, 1, page.count("items"))
	last := b.get(path + "/deliveries?limit=1&cursor=" + page.text("next_cursor")).is(200)
	require.Equal(t, ping.text("delivery_id"), last.text("items", 0, "id"))
	require.Equal(t, "null", string(last.at("next_cursor")))
	require.Zero(t, b.get(path+"/deliveries?state=failed").is(200).count("items"))

	b.post(path+"/replays", map[string]any{"since_position": "0"}).is(202)
	b.post(path+"/replays", map[string]any{"since_position": "0"}).refused(409, domain.CodeConflict)
	require.Equal(t, count(b.position()), b.get(path).is(200).text("webhook", "replay", "until_position"))

	b.send("DELETE", path, nil, idempotent("delete")).is(200)
	require.Equal(t, "true", string(b.send("DELETE", path, nil, idempotent("delete")).is(200).at("replayed")))
	b.get(path).refused(404, domain.CodeNotFound)
	require.Zero(t, b.get(wallet+"/webhooks").is(200).count("items"))
}

func TestRefusedWebhooksNameTheMember(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("1")
	before := b.position()
	made := b.post(wallet+"/webhooks", hookSpec()).is(201)
	path := "/console/v1/webhooks/" + made.text("webhook_id")
	for member, rows := range map[string][]map[string]any{
		"/url": {
			with(hookSpec(), "url", "http://receiver.example"), with(hookSpec(), "url", "https://10.1.2.3/"), with(hookSpec(), "url", "https://169.254.169.254"),
			with(hookSpec(), "url", "https://[::1]/"), with(hookSpec(), "url", "https://user:pw@receiver.example"), with(hookSpec(), "url", ""),
			with(hookSpec(), "url", "https://receiver.example/"+strings.Repeat("x", 2000)), with(hookSpec(), "url", nil),
		},
		"/name":              {with(hookSpec(), "name", strings.Repeat("n", 101))},
		"/event_types":       {with(hookSpec(), "event_types", []string{"charge.made"}), with(hookSpec(), "event_types", []string{"webhook.ping"})},
		"/balance_threshold": {with(hookSpec(), "balance_threshold", nil), with(hookSpec(), "balance_threshold", "-1")},
		"/colour":            {with(hookSpec(), "colour", "red")},
	} {
		for _, body := range rows {
			for _, answer := range []answer{b.post(wallet+"/webhooks", body), b.send("PUT", path, body)} {
				answer.refused(400, domain.CodeInvalid)
				require.Equal(t, member, answer.text("details", "member"), "%v", body)
				require.NotContains(t, string(answer.body), "user:pw")
			}
		}
	}
	b.post(path+"/rotate", map[string]any{"grace_seconds": 604801}).refused(400, domain.CodeInvalid)
	b.post(path+"/rotate", map[string]any{"grace_seconds": -1}).refused(400, domain.CodeInvalid)
	for member, body := range map[string]map[string]any{
		"/since_time":     {},
		"/since_position": {"since_position": count(before + 1)},
	} {
		require.Equal(t, member, b.post(path+"/replays", body).refused(400, domain.CodeInvalid).text("details", "member"))
	}
	for parameter, query := range map[string]string{
		"state": "?state=lost", "type": "?type=x", "cursor": "?cursor=x", "limit": "?limit=0", "from": "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "colour": "?colour=red",
	} {
		require.Equal(t, parameter, b.get(path+"/deliveries"+query).refused(400, domain.CodeInvalid).text("details", "parameter"))
	}
	b.post("/console/v1/wallets/"+unknownID+"/webhooks", hookSpec()).refused(404, domain.CodeWalletNotFound)
	b.get("/console/v1/wallets/"+unknownID+"/webhooks").refused(404, domain.CodeWalletNotFound)
	for _, op := range auth.Operations() {
		if op.Permission == auth.WebhooksRead && strings.Contains(op.Pattern, "{webhook_id}") {
			b.send(op.Method, filled(op.Pattern), nil).refused(404, domain.CodeNotFound)
		}
	}
	require.Equal(t, before, b.position(), "webhooks are not in the ledger")
	b.close()
	require.NotContains(t, b.log.String(), "receiver.example", "addresses are in no log")
	require.NotContains(t, b.log.String(), "whsec_")
}

// TestTheDocumentKnowsEveryType compares the lists of the document with the types that there are.
func TestTheDocumentKnowsEveryType(t *testing.T) {
	t.Parallel()
	var types []any
	for _, d := range webhook.Types() {
		types = append(types, string(d.Type))
	}
	schemas := loadDocument(t, openapi.Document()).Components.Schemas
	require.Equal(t, types, schemas["WebhookEventType"].Value.Enum)
	require.Equal(t, append(types, string(webhook.TypePing)), schemas["WebhookMessageType"].Value.Enum)
}

func TestAServiceWithoutAKeyHasNoWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.noHooks = true })
	wallet := b.wallet("1")
	b.post(wallet+"/webhooks", hookSpec()).refused(501, problem.CodeNotConfigured)
	b.get(wallet+"/webhooks").refused(501, problem.CodeNotConfigured)
}
