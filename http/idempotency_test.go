package http_test

import (
	nethttp "net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func TestSameKeyAndBodyGiveTheSameAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	wallet := b.wallet("10")
	key, _ := b.key(wallet, map[string]any{"name": "k"})
	for _, row := range []struct {
		method, path string
		body, other  any
	}{
		{"POST", "/console/v1/wallets", map[string]any{"owner": "o", "currency": "USD"}, map[string]any{"owner": "p", "currency": "USD"}},
		{"POST", wallet + "/top-ups", credit("1"), credit("2")},
		{"POST", wallet + "/grants", credit("1"), credit("2")},
		{"POST", wallet + "/adjustments", credit("-1"), credit("1")},
		{"PATCH", key, map[string]any{"name": "a", "caps": nil, "models": nil, "expires_at": nil, "rate_limits": nil, "networks": nil}, map[string]any{"name": "b", "caps": nil, "models": nil, "expires_at": nil, "rate_limits": nil, "networks": nil}},
		{"POST", key + "/disable", map[string]any{"reason": "a"}, map[string]any{"reason": "b"}},
		{"PUT", "/console/v1/vendors/north", vendorSpec(), with(vendorSpec(), "name", "South")},
		{"PUT", modelPath, modelSpec(), with(modelSpec(), "name", "Small")},
		{"PUT", endpointPath, endpointSpec(), with(endpointSpec(), "status", "disabled")},
		{"POST", endpointPath + "/prices", priceSpec(), with(priceSpec(), "currency", "EUR")},
	} {
		first := b.send(row.method, row.path, row.body, idempotent("same"))
		require.Less(t, first.status, 300, "%s %s: %s", row.method, row.path, first.body)
		require.Equal(t, "false", string(first.at("replayed")))
		before := b.position()
		again := b.send(row.method, row.path, row.body, idempotent("same")).is(first.status)
		require.Equal(t, "true", string(again.at("replayed")))
		require.JSONEq(t, replaced(first), string(again.body))
		b.send(row.method, row.path, row.other, idempotent("same")).refused(409, domain.CodeIdempotencyConflict)
		require.Equal(t, before, b.position(), "%s %s", row.method, row.path)
	}
}

// replaced is the answer with replayed set.
func replaced(a answer) string {
	a.t.Helper()
	const first, again = `"replayed":false`, `"replayed":true`
	body := string(a.body)
	require.Contains(a.t, body, first)
	return replaceOnce(body, first, again)
}

func TestRefusalsAreRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("1")
	take := func(key string) answer { return b.post(wallet+"/adjustments", credit("-5"), idempotent(key)) }
	take("k").refused(402, domain.CodeInsufficientCredits)
	b.post(wallet+"/top-ups", credit("10"), idempotent("more")).is(200)
	refusal := take("k").refused(402, domain.CodeInsufficientCredits)
	require.Equal(t, "1", refusal.text("details", "available"))
	take("l").is(200)
}

func TestIdempotencyKeysAreScopedByOperation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet, other := b.wallet("10"), b.wallet("10")
	b.post(wallet+"/grants", credit("1"), idempotent("k")).is(200)
	b.post(wallet+"/top-ups", credit("1"), idempotent("k")).is(200)
	b.post(other+"/grants", credit("1"), idempotent("k")).refused(409, domain.CodeIdempotencyConflict)
}

func TestSecretsAreShownOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("0")
	issue := func(name string) answer {
		return b.post(wallet+"/keys", map[string]any{"name": name}, idempotent("k"))
	}
	first := issue("a").is(201)
	id, secret := first.text("key_id"), first.text("secret")
	b.get("/console/v1/keys/" + id + first.after()).is(200)
	before := b.position()
	for _, name := range []string{"a", "b"} {
		refusal := issue(name).refused(409, domain.CodeIdempotencyConflict)
		require.Equal(t, id, refusal.text("details", "key_id"))
		require.NotContains(t, string(refusal.body), "sk-mr-v1-")
	}
	require.Equal(t, before, b.position())
	b.get("/api/v1/key", bearer(secret)).is(200)

	rotate := func() answer {
		return b.post("/console/v1/keys/"+id+"/rotate", map[string]any{"grace_seconds": 0}, idempotent("r"))
	}
	rotated := rotate().is(200)
	rotate().refused(409, domain.CodeIdempotencyConflict)
	b.get("/console/v1/keys/" + id + rotated.after()).is(200)
	b.get("/api/v1/key", bearer(secret)).is(401)
	b.get("/api/v1/key", bearer(rotated.text("secret"))).is(200)
}

func TestConcurrentRequestsWithOneKeyMoveMoneyOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("0")
	var all sync.WaitGroup
	answers, failures := make([]answer, 20), make([]error, 20)
	for i := range answers {
		all.Go(func() {
			answers[i], failures[i] = b.try(nethttp.MethodPost, wallet+"/top-ups", credit("1"), idempotent("race"))
		})
	}
	all.Wait()
	for i, a := range answers {
		require.NoError(t, failures[i])
		a.is(200)
	}
	head := b.get("/console/v1/ledger/head")
	require.Equal(t, "1", b.get(wallet+head.after()).text("wallet", "posted"))
}
