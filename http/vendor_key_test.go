package http_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/http/problem"
)

func newKeyset(t *testing.T) *envelope.Keyring {
	t.Helper()
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keys, err := envelope.Open(text, nil)
	require.NoError(t, err)
	return keys
}

// vendorKeys walks a customer's key at a vendor through its life. What opens it is in no answer.
func (b *bundle) vendorKeys(wallet string) {
	b.t.Helper()
	const secret = "sk-own-key-of-a-customer-7788" //nolint:gosec // opens nothing
	spec := map[string]any{"vendor": "north", "secret": secret, "label": "Ours", "order": "only", "models": []string{"acme/nobody-calls-it"}}
	path := wallet + "/vendor-keys"
	made := b.post(path, spec, idempotent("vendor-key")).is(201)
	again := b.post(path, spec, idempotent("vendor-key")).is(201)
	require.Equal(b.t, made.text("vendor_key_id"), again.text("vendor_key_id"))
	require.Equal(b.t, "true", string(again.at("replayed")))
	spec["label"] = "Theirs"
	b.post(path, spec, idempotent("vendor-key")).refused(409, domain.CodeIdempotencyConflict)
	for member, wrong := range map[string]any{"vendor": "nobody-here", "secret": "sk with spaces in it", "label": "", "order": "last", "models": make([]string, 101)} { //nolint:gosec // they open nothing
		bad := map[string]any{"vendor": "north", "secret": secret, "label": "Ours"}
		bad[member] = wrong
		refused := b.post(path, bad)
		require.Contains(b.t, []int{400, 404}, refused.status)
		require.NotContains(b.t, string(refused.body), "sk with")
	}
	elsewhere := "/console/v1/wallets/" + uuid.NewString() + "/vendor-keys"
	b.post(elsewhere, spec).refused(404, domain.CodeWalletNotFound)

	one := path + "/" + made.text("vendor_key_id")
	shown := b.get(one).is(200)
	require.Equal(b.t, "7788", shown.text("vendor_key", "last_four"))
	require.Equal(b.t, "only", shown.text("vendor_key", "order"))
	require.Equal(b.t, "Ours", b.get(path).is(200).text("items", 0, "label"))
	foreign := elsewhere + "/" + made.text("vendor_key_id")
	settings := map[string]any{"label": "Renamed", "disabled": true}
	b.get(foreign).refused(404, ownkey.CodeNotFound)
	b.send("PUT", foreign, settings).refused(404, ownkey.CodeNotFound)
	b.send("DELETE", foreign, nil).refused(404, ownkey.CodeNotFound)
	require.Equal(b.t, "Ours", b.get(one).is(200).text("vendor_key", "label"))

	b.send("PUT", one, settings).is(200)
	require.Equal(b.t, "first", b.get(one).is(200).text("vendor_key", "order"))
	b.send("PUT", one, map[string]any{"label": "Renamed", "secret": "sk-another-key-9911"}).is(200) //nolint:gosec // opens nothing
	require.Equal(b.t, "9911", b.get(one).is(200).text("vendor_key", "last_four"))
	b.send("PUT", one, map[string]any{"label": "Renamed", "secret": ""}).refused(400, domain.CodeInvalid)
	b.send("DELETE", one, nil, idempotent("vendor-key-gone")).is(200)
	require.Equal(b.t, "true", string(b.send("DELETE", one, nil, idempotent("vendor-key-gone")).is(200).at("replayed")))
	b.get(one).refused(404, ownkey.CodeNotFound)
}

// TestAnOwnKeyFromTheConsoleToTheBill: what a customer stores is used by the next call, whose fee, and what the vendor bills, all places tell alike.
func TestAnOwnKeyFromTheConsoleToTheBill(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	_, secret := b.key(w, map[string]any{"name": "first"})
	const refused = "sk-a-key-that-is-refused-0001"
	path := w + "/vendor-keys"
	made := b.post(path, map[string]any{"vendor": "north", "secret": refused, "label": "Ours", "order": "only"}).is(201)
	require.NoError(t, b.own.Look(t.Context()))
	question := map[string]any{"model": "acme/large", "max_tokens": 9, "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
	for range 2 {
		told := b.post("/v1/chat/completions", question, bearer(secret)).is(403)
		require.Contains(t, string(told.body), string(gateway.CodeOwnKeyRefused))
		require.NotContains(t, string(told.body), "sk-a-key")
	}
	b.send("PUT", path+"/"+made.text("vendor_key_id"), map[string]any{"label": "Ours", "secret": vendorKey, "order": "only"}).is(200)
	require.NoError(t, b.own.Look(t.Context()))
	answer := b.post("/v1/chat/completions", question, bearer(secret)).is(200)
	require.Equal(t, "true", string(answer.at("usage", "is_byok")))
	fee, upstream := string(answer.at("usage", "cost")), string(answer.at("usage", "cost_details", "upstream_inference_cost"))
	require.NotEqual(t, fee, upstream)
	id := answer.text("id")

	after := b.post(w+"/grants", credit("0.5"), idempotent("later")).is(200).after()
	generation := b.asOpenRouter("/api/v1/generation?id="+id, bearer(secret)).is(200)
	for name, want := range map[string]string{"is_byok": "true", "total_cost": fee, "usage": fee, "upstream_inference_cost": upstream} {
		require.JSONEq(t, want, string(generation.at("data", name)), name)
	}
	require.Equal(t, "true", string(generation.at("data", "provider_responses", 0, "is_byok")))
	key := b.asOpenRouter("/api/v1/key", bearer(secret)).is(200)
	for _, window := range []string{"", "_daily", "_weekly", "_monthly"} {
		require.Equal(t, fee, string(key.at("data", "usage"+window)))
		require.Equal(t, upstream, string(key.at("data", "byok_usage"+window)))
	}
	shown := b.get("/console/v1/generations/" + id).is(200)
	require.Equal(t, made.text("vendor_key_id"), shown.text("generation", "call", "own_key", "id"))
	require.Equal(t, "0.05", shown.text("generation", "call", "own_key", "rate"))
	require.Equal(t, upstream, shown.text("generation", "call", "own_key", "upstream_cost"))
	require.Equal(t, "0", shown.text("generation", "vendor_cost"))
	usage := b.get("/console/v1/usage/aggregate?metric=charge&metric=upstream_cost&metric=vendor_cost&wallet_id=" + idOf(t, w).String() + "&" + after[1:]).is(200)
	for i, want := range []string{fee, upstream, "0"} {
		require.Equal(t, want, usage.text("total", "values", i, "value"))
	}

	var kept string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT (SELECT string_agg(k::text, '') FROM gateway.vendor_keys k) || coalesce((SELECT string_agg(r::text, '') FROM once.requests r), '')
		|| coalesce((SELECT string_agg(e::text, '') FROM audit.entries e), '')`).Scan(&kept))
	require.NotContains(t, kept, refused)
	b.close()
	require.NotContains(t, b.log.String(), refused)
}

func TestAServiceWithoutAKeysetStoresNoVendorKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.noHooks = true })
	w := b.wallet("10")
	b.get(w+"/vendor-keys").refused(501, problem.CodeNotConfigured)
	b.post(w+"/vendor-keys", map[string]any{"vendor": "north", "secret": "sk-12345678", "label": "Ours"}).refused(501, problem.CodeNotConfigured)
}
