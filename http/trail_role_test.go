package http_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/identity/organisation"
)

// TestEntriesSayInWhichRole: whoever acts with one, and also as what somebody was refused.
func TestEntriesSayInWhichRole(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	b.publish()
	mine := b.tenant()
	for _, row := range []struct {
		as          header
		role, actor string
		allowed     bool
	}{
		{as: header{"Authorization", "Bearer " + operatorToken}, role: "operator", allowed: true, actor: "operator:token"},
		{as: mine.as(organisation.Admin), role: "admin", allowed: true, actor: trail.Of("user", testUser)},
		{as: mine.as(organisation.Viewer), role: "viewer", actor: trail.Of("user", testUser)},
		{as: header{"X-On", "support"}, role: "platform:support", actor: trail.Of("user", testUser)},
	} {
		result := "refused"
		a := b.post(mine.wallet+"/keys", map[string]any{"name": "x"}, row.as)
		if row.allowed {
			a.is(201)
			result = "done"
		} else {
			a.refused(403, domain.CodeForbidden)
		}
		got := b.last("IssueKey")
		require.Equal(t, []string{row.role, row.actor, result, mine.ids["wallet_id"]}, []string{got.Role, got.Actor, got.Result, got.WalletID}, row.role)
	}
	for _, e := range b.entries("wallet_id="+mine.ids["wallet_id"]+"&result=refused", mine.as(organisation.Owner)) {
		require.Equal(t, e.Role == "viewer", e.Personal != nil, "where the platform's people are is not shown to customers, also when they are refused")
	}
	b.get("/console/v1/me").refused(403, domain.CodeForbidden)
	require.Equal(t, "operator", b.last("GetMe").Role)
}

// TestEntriesOfKeysThatManage: what they do and what they are refused, and that of other keys which try; strangers' requests leave nothing.
func TestEntriesOfKeysThatManage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	wallet := b.wallet("10")
	path, secret := b.key(wallet, map[string]any{"name": "manager", "scope": "management"})
	manager, actor := bearer(secret), trail.Of("key", idOf(t, path))
	plainPath, plain := b.key(wallet, map[string]any{"name": "plain"})
	hash := apikey.HashSecret(plain).String()
	check := func(action, actor, role, result, code string) {
		t.Helper()
		got := b.last(action)
		require.Equal(t, []string{actor, role, result, code, idOf(t, wallet).String()}, []string{got.Actor, got.Role, got.Result, got.Code, got.WalletID})
		require.Equal(t, "127.0.0.1", got.Personal.Address)
		require.NotEmpty(t, got.RequestID)
	}
	once := idempotent("once")
	b.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": "made"}, manager, once).is(201)
	check("issue_key", actor, "management", "done", "")
	b.post("/api/v1/keys", map[string]any{"name": "made"}, manager, once).is(409)
	check("issue_key", actor, "management", "refused", "idempotency_conflict")
	b.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": ""}, manager).is(400)
	check("issue_key", actor, "management", "refused", "invalid_request")
	b.sendAsOpenRouter("PATCH", "/api/v1/keys/"+hash, map[string]any{"name": "renamed"}, manager).is(200)
	check("change_key", actor, "management", "done", "")
	require.Equal(t, trail.Of("key", idOf(t, plainPath)), b.last("change_key").Target)
	b.send("DELETE", "/api/v1/keys/"+apikey.HashSecret("x").String(), nil, manager).is(404)
	check("revoke_key", actor, "management", "refused", "not_found")
	b.asOpenRouter("/api/v1/generation/content?id=gen-"+unknownID, manager).is(404)
	b.sendAsOpenRouter("POST", "/api/v1/auth/keys/code", map[string]any{"callback_url": "https://app.example/back"}, manager).is(200)
	check("make_app_code", actor, "management", "done", "")

	other := trail.Of("key", idOf(t, plainPath))
	b.send("DELETE", "/api/v1/keys/"+hash, nil, bearer(plain)).is(401)
	check("revoke_key", other, "", "refused", "unauthenticated")
	b.asOpenRouter("/api/v1/keys", bearer(plain)).is(401)
	check("list_keys", other, "", "refused", "unauthenticated")
	far, farSecret := b.key(wallet, map[string]any{"name": "far", "scope": "management", "networks": []string{"203.0.113.0/24"}})
	b.send("DELETE", "/api/v1/keys/"+hash, nil, bearer(farSecret)).is(403)
	check("revoke_key", trail.Of("key", idOf(t, far)), "management", "refused", "forbidden")

	before := b.count()
	b.asOpenRouter("/api/v1/keys", manager).is(200)
	b.get("/api/v1/credits", bearer(farSecret)).is(403)
	b.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": "x"}).is(401)
	b.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{"name": "x"}, bearer("sk-or-v1-nobody")).is(401)
	require.Equal(t, before, b.count(), "none of these leaves an entry")
}

// TestRefusalsOfKeysAreBounded: beyond a key's rate no request leaves an entry, whatever it would be refused for.
func TestRefusalsOfKeysAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	limiter, err := limit.New(limit.Options{})
	require.NoError(t, err)
	b.api.Inference.Limiter, b.api.Inference.PerKey = limiter, 3
	_, secret := b.key(b.wallet("10"), map[string]any{"name": "far", "scope": "management", "networks": []string{"203.0.113.0/24"}})
	before, statuses := b.count(), map[int]int{}
	for range 20 {
		statuses[b.send("DELETE", "/api/v1/keys/x", nil, bearer(secret)).status]++
	}
	require.Equal(t, 20, statuses[http.StatusForbidden]+statuses[http.StatusTooManyRequests], "%v", statuses)
	require.Positive(t, statuses[http.StatusTooManyRequests])
	require.Equal(t, before+statuses[http.StatusForbidden], b.count())
}
