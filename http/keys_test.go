package http_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// manager issues a management key and returns its secret.
func (b *bundle) manager(wallet string) string {
	b.t.Helper()
	_, secret := b.key(wallet, map[string]any{"name": "manager", "scope": "management"})
	return secret
}

// TestKeysAreManaged: a management key walks a key through its life, and every answer has OpenRouter's shape.
func TestKeysAreManaged(t *testing.T) {
	t.Parallel()
	b := setup(t, steady)
	b.publish()
	wallet := b.wallet("10")
	manager := bearer(b.manager(wallet))
	require.Equal(t, "true", string(b.asOpenRouter("/api/v1/key", manager).is(200).at("data", "is_management_key")))
	require.Zero(t, b.asOpenRouter("/api/v1/keys", manager).is(200).count("data"), "it does not manage itself")

	expires := time.Now().UTC().Add(time.Hour).Truncate(time.Second).Format(time.RFC3339)
	made := b.sendAsOpenRouter("POST", "/api/v1/keys", map[string]any{
		"name": "made", "limit": 0.5, "limit_reset": "weekly", "expires_at": expires, "include_byok_in_limit": false, "workspace_id": idOf(t, wallet).String(),
	}, manager).is(201)
	secret, hash := made.text("key"), made.text("data", "hash")
	require.Equal(t, apikey.HashSecret(secret).String(), hash)
	for name, want := range map[string]string{
		"name": `"made"`, "limit": `0.5`, "limit_remaining": `0.5`, "limit_reset": `"weekly"`, "disabled": `false`, "usage": `0`,
		"updated_at": `null`, "expires_at": `"` + expires + `"`, "workspace_id": `"` + idOf(t, wallet).String() + `"`,
	} {
		require.JSONEq(t, want, string(made.at("data", name)), name)
	}
	require.JSONEq(t, string(made.at("data")), string(b.asOpenRouter("/api/v1/keys/"+hash, manager).is(200).at("data")))
	// The key calls models at once; what it spent is seen.
	call := map[string]any{"model": "acme/large", "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
	done := b.post("/v1/chat/completions", call, bearer(secret)).is(200)
	after := b.asOpenRouter("/api/v1/keys/"+hash, manager).is(200)
	require.JSONEq(t, string(done.at("usage", "cost")), string(after.at("data", "usage_weekly")))
	require.NotContains(t, string(after.body), secret)
	require.NotContains(t, string(b.get("/console/v1/events?limit=1000").is(200).body), secret)

	patch := func(body any) answer { return b.sendAsOpenRouter("PATCH", "/api/v1/keys/"+hash, body, manager) }
	require.Equal(t, "renamed", patch(map[string]any{"name": "renamed"}).is(200).text("data", "name"))
	seen := patch(map[string]any{"limit": 2}).is(200)
	require.Equal(t, `2 "weekly" "renamed"`, strings.Join([]string{string(seen.at("data", "limit")), string(seen.at("data", "limit_reset")), string(seen.at("data", "name"))}, " "))
	require.Equal(t, "daily", patch(map[string]any{"limit_reset": "daily"}).is(200).text("data", "limit_reset"))
	require.JSONEq(t, `null`, string(patch(map[string]any{"limit_reset": nil}).is(200).at("data", "limit_reset")))
	require.JSONEq(t, `null`, string(patch(map[string]any{"limit": nil}).is(200).at("data", "limit")))
	before := b.position()
	require.Equal(t, "true", string(patch(map[string]any{"disabled": true}).is(200).at("data", "disabled")))
	require.Equal(t, before+1, b.position())
	patch(map[string]any{"disabled": true, "name": "renamed"}).is(200)
	patch(map[string]any{}).is(200)
	require.Equal(t, before+1, b.position(), "what is so already is not recorded")
	b.post("/v1/chat/completions", call, bearer(secret)).is(403)
	require.Zero(t, b.asOpenRouter("/api/v1/keys", manager).is(200).count("data"))
	require.Zero(t, b.asOpenRouter("/api/v1/keys?include_disabled=false", manager).is(200).count("data"))
	require.Equal(t, 1, b.asOpenRouter("/api/v1/keys?include_disabled=true", manager).is(200).count("data"))
	patch(map[string]any{"disabled": false}).is(200)
	b.post("/v1/chat/completions", call, bearer(secret)).is(200)

	require.JSONEq(t, `{"deleted":true}`, string(b.sendAsOpenRouter("DELETE", "/api/v1/keys/"+hash, nil, manager).is(200).body))
	b.post("/v1/chat/completions", call, bearer(secret)).is(401)
	b.sendAsOpenRouter("DELETE", "/api/v1/keys/"+hash, nil, manager).is(404)
	b.asOpenRouter("/api/v1/keys/"+hash, manager).is(404)
	patch(map[string]any{"name": "x"}).is(404)
	require.Zero(t, b.asOpenRouter("/api/v1/keys?include_disabled=true", manager).is(200).count("data"))
}

// TestPagesOfManagedKeys: a hundred on a page, the newest first, by offset.
func TestPagesOfManagedKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("0")
	manager := bearer(b.manager(wallet))
	const all = 103
	for i := range all {
		b.post(wallet+"/keys", map[string]any{"name": fmt.Sprint(i)}).is(201)
	}
	first := b.asOpenRouter("/api/v1/keys", manager).is(200)
	require.Equal(t, 100, first.count("data"))
	require.Equal(t, "102", first.text("data", 0, "name"))
	rest := b.asOpenRouter("/api/v1/keys?offset=100", manager).is(200)
	require.Equal(t, 3, rest.count("data"))
	require.Equal(t, "0", rest.text("data", 2, "name"))
	require.Zero(t, b.asOpenRouter("/api/v1/keys?offset=103", manager).is(200).count("data"))
}

// TestWhoManagesKeys: management keys only, those of their own wallet only, and they call nothing.
func TestWhoManagesKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	wallet, other := b.wallet("10"), b.wallet("10")
	path, plain := b.key(wallet, map[string]any{"name": "plain"})
	manager, stranger := b.manager(wallet), b.manager(other)
	hash := apikey.HashSecret(plain).String()
	for _, ask := range []struct{ method, path string }{
		{"GET", "/api/v1/keys"}, {"POST", "/api/v1/keys"}, {"GET", "/api/v1/keys/" + hash}, {"PATCH", "/api/v1/keys/" + hash}, {"DELETE", "/api/v1/keys/" + hash},
	} {
		var body any
		if ask.method == "POST" || ask.method == "PATCH" {
			body = map[string]any{"name": "x"}
		}
		b.sendAsOpenRouter(ask.method, ask.path, body).is(401)
		b.sendAsOpenRouter(ask.method, ask.path, body, bearer(plain)).is(401)
		b.sendAsOpenRouter(ask.method, ask.path, body, bearer(operatorToken)).is(401)
		if strings.Contains(ask.path, hash) {
			b.sendAsOpenRouter(ask.method, ask.path, body, bearer(stranger)).is(404)
		}
	}
	require.Zero(t, b.asOpenRouter("/api/v1/keys", bearer(stranger)).is(200).count("data"))
	require.Equal(t, "active", b.get(path).is(200).text("key", "state"))
	require.Equal(t, "plain", b.get(path).is(200).text("key", "name"))
	for _, bad := range []string{
		apikey.HashSecret(manager).String(), apikey.HashSecret("x").String(), "x", strings.Repeat("g", 64), strings.Repeat("0", 65), "%00", "..%2Fcredits",
	} {
		b.get("/api/v1/keys/"+bad, bearer(manager)).is(404)
		b.send("DELETE", "/api/v1/keys/"+bad, nil, bearer(manager)).is(404)
	}

	message := map[string]any{"model": "acme/large", "max_tokens": 9, "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
	before := b.position()
	for path, body := range map[string]any{
		"/v1/chat/completions": message, "/api/v1/messages": message, "/v1/messages/count_tokens": message,
		"/v1/responses": map[string]any{"model": "acme/large", "input": "Hello"},
		"/v1beta/models/acme/large:generateContent": map[string]any{"contents": []map[string]any{{"parts": []map[string]string{{"text": "Hello"}}}}},
	} {
		b.post(path, body, bearer(manager)).is(403)
	}
	require.Equal(t, before, b.position())
	b.asOpenRouter("/api/v1/credits", bearer(manager)).is(200)
	b.asOpenRouter("/api/v1/activity", bearer(manager)).is(200)
	for _, limits := range []map[string]any{
		{"name": "m", "scope": "management", "caps": map[string]string{"day": "1"}}, {"name": "m", "scope": "admin"}, {"name": "m", "scope": "management", "models": []string{"acme/large"}},
	} {
		b.post(wallet+"/keys", limits).refused(400, domain.CodeInvalid)
	}
}

// TestBodiesOfManagedKeys: what is malformed changes nothing.
func TestBodiesOfManagedKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("0")
	manager := bearer(b.manager(wallet))
	path, secret := b.key(wallet, map[string]any{"name": "several", "caps": map[string]string{"day": "1", "total": "5"}})
	hash := apikey.HashSecret(secret).String()
	before := b.position()
	for body, param := range map[string]string{
		``: "", `[]`: "", `{`: "", `null`: "", `{"name":"a","name":"b"}`: "", `{"name":"a"} x`: "", "{\"name\":\"\xff\"}": "",
		`{"limit":1}`: "name", `{"name":null}`: "name", `{"name":""}`: "name", `{"name":7}`: "name", `{"name":"` + strings.Repeat("n", 101) + `"}`: "",
		`{"name":"a\u0000b"}`: "", `{"name":"x","limit":"1"}`: "limit", `{"name":"x","limit":-1}`: "limit", `{"name":"x","limit":1e400}`: "limit",
		`{"name":"x","limit":1e3}`: "limit", `{"name":"x","limit":true}`: "limit", `{"name":"x","limit":0.0000000000001}`: "limit",
		`{"name":"x","limit":9999999999999999999999999}`: "", `{"name":"x","limit":1,"limit_reset":"hourly"}`: "limit_reset",
		`{"name":"x","limit_reset":"daily"}`: "limit_reset", `{"name":"x","limit":null,"limit_reset":"daily"}`: "limit_reset", `{"name":"x","limit":1,"limit_reset":1}`: "limit_reset",
		`{"name":"x","include_byok_in_limit":true}`: "include_byok_in_limit", `{"name":"x","creator_user_id":"user_1"}`: "creator_user_id",
		`{"name":"x","workspace_id":"` + unknownID + `"}`: "workspace_id", `{"name":"x","workspace_id":7}`: "workspace_id", `{"name":"x","disabled":true}`: "disabled",
		`{"name":"x","expires_at":"2020-01-01T00:00:00Z"}`: "", `{"name":"x","expires_at":"2030-01-01T00:00:00+02:00"}`: "expires_at",
		`{"name":"x","expires_at":"tomorrow"}`: "expires_at", `{"name":"x","expires_at":1}`: "expires_at", `{"name":"x","scope":"management"}`: "scope",
	} {
		refused := b.sendAsOpenRouter("POST", "/api/v1/keys", body, manager).is(400)
		if param != "" {
			require.Equal(t, param, refused.text("error", "param"), body)
		}
	}
	for body, status := range map[string]int{
		`{"disabled":null}`: 400, `{"disabled":"true"}`: 400, `{"name":null}`: 400, `{"limit":-0.1}`: 400, `{"limit":null,"limit_reset":"daily"}`: 400, `{"hash":"x"}`: 400,
		`{"expires_at":"2030-01-01T00:00:00Z"}`: 400, `{"workspace_id":null}`: 400, `{"limit":7}`: 409, `{"limit_reset":"weekly"}`: 409, ``: 400,
	} {
		b.send("PATCH", "/api/v1/keys/"+hash, body, manager).is(status)
	}
	b.post("/api/v1/keys", `{"name":"`+strings.Repeat("x", 70_000)+`"}`, manager).is(413)
	for _, query := range []string{"?offset=-1", "?offset=x", "?include_disabled=1", "?workspace_id=" + unknownID, "?limit=5", "?offset=1&offset=2"} {
		b.asOpenRouter("/api/v1/keys"+query, manager).is(400)
	}
	b.get("/api/v1/keys/"+hash+"?x=1", manager).is(400)
	b.send("PUT", "/api/v1/keys/"+hash, `{}`, manager).is(405)
	require.Equal(t, before, b.position())
	require.Equal(t, "several", b.get(path).is(200).text("key", "name"))
	both := b.sendAsOpenRouter("PATCH", "/api/v1/keys/"+hash, `{"limit":7,"limit_reset":"monthly"}`, manager).is(200)
	require.Equal(t, "7", string(both.at("data", "limit")))
	require.JSONEq(t, `{"month":"7"}`, string(b.get(path+"?min_position="+count(b.position())).is(200).at("key", "caps")))
}

// TestRepeatedKeyRequests: without an Idempotency-Key a repeated POST makes another key, as OpenRouter's does; with one it does not.
func TestRepeatedKeyRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("0")
	manager := bearer(b.manager(wallet))
	body := map[string]any{"name": "twice"}
	first, second := b.post("/api/v1/keys", body, manager).is(201), b.post("/api/v1/keys", body, manager).is(201)
	require.NotEqual(t, first.text("key"), second.text("key"))
	b.post("/api/v1/keys", body, manager, idempotent("once")).is(201)
	before := b.position()
	repeated := b.post("/api/v1/keys", body, manager, idempotent("once")).is(409)
	require.Equal(t, string(domain.CodeIdempotencyConflict), repeated.text("error", "metadata", "error_type"))
	require.Equal(t, before, b.position())
	b.post("/api/v1/keys", body, manager, idempotent(strings.Repeat("k", 201))).is(400)
	b.post("/api/v1/keys", body, manager, idempotent("two words")).is(400)
	path := "/api/v1/keys/" + first.text("data", "hash")
	b.send("PATCH", path, map[string]any{"name": "n1"}, manager, idempotent("p")).is(200)
	b.send("PATCH", path, map[string]any{"name": "n1"}, manager, idempotent("p")).is(200)
	require.Equal(t, before+1, b.position())
	b.send("PATCH", path, map[string]any{"name": "n2"}, manager, idempotent("p")).is(409)
}

// TestChangesAtTheSameTime: none of them undoes another.
func TestChangesAtTheSameTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wallet := b.wallet("0")
	manager := bearer(b.manager(wallet))
	made := b.post("/api/v1/keys", map[string]any{"name": "shared"}, manager).is(201)
	path := "/api/v1/keys/" + made.text("data", "hash")
	var all sync.WaitGroup
	for _, body := range []map[string]any{{"name": "renamed"}, {"limit": 3, "limit_reset": "daily"}, {"disabled": true}} {
		all.Go(func() {
			got, err := b.try("PATCH", path, body, manager)
			if err != nil || got.status != 200 {
				t.Errorf("%v: %d %v", body, got.status, err)
			}
		})
	}
	all.Wait()
	seen := b.asOpenRouter(path, manager).is(200)
	var data struct {
		Name     string      `json:"name"`
		Limit    json.Number `json:"limit"`
		Reset    string      `json:"limit_reset"`
		Disabled bool        `json:"disabled"`
	}
	require.NoError(t, json.Unmarshal(seen.at("data"), &data))
	require.Equal(t, "renamed 3 daily true", fmt.Sprint(data.Name, " ", data.Limit, " ", data.Reset, " ", data.Disabled))
}
