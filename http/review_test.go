package http_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/openapi"
)

// suspect charges an estimate and returns its generation id and position.
func (b *bundle) suspect(walletID, keyID uuid.UUID, finish string) (string, int64) {
	b.t.Helper()
	hold := b.hold(walletID, keyID)
	_, done, err := b.app.SettleHold(b.t.Context(), commands.Meta{CommandID: domain.DeriveID(hold, "settle"), Actor: "system:test"}, commands.SettleHold{
		HoldID: hold, WalletID: walletID, Endpoint: endpointID, Provenance: usage.Estimated, Usage: usage.Usage{usage.Input: 1000, usage.Output: 200, usage.Request: 1},
		Call: wallet.Call{FinishReason: finish, Attempts: 1, Suspect: true, SuspectReason: "usage_missing"},
	})
	require.NoError(b.t, err)
	return domain.GenerationID(hold), done.Position
}

// reviews lists suspect charges and decides on them.
func (b *bundle) reviews(walletID, keyID uuid.UUID) {
	b.t.Helper()
	id, position := b.suspect(walletID, keyID, "stop")
	b.get("/console/v1/charges/reviews?state=open&vendor=north&min_position=" + openapi.Count(position).String()).is(200)
	b.post("/console/v1/charges/"+id+"/review", map[string]any{"decision": "accept", "reason": "as invoiced"}, idempotent("review")).is(200)
}

func TestSuspectChargesAreReviewed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	k, secret := b.key(w, map[string]any{"name": "first"})
	walletID, keyID := idOf(t, w), idOf(t, k)
	accepted, _ := b.suspect(walletID, keyID, "stop")
	corrected, _ := b.suspect(walletID, keyID, "stop")
	empty, position := b.suspect(walletID, keyID, "")
	after := "min_position=" + openapi.Count(position).String()
	list := func(query string) answer { return b.get("/console/v1/charges/reviews?" + query).is(200) }
	all := list(after)
	require.Equal(t, []string{"3", "0"}, []string{all.text("open"), all.text("resolved")})
	require.Equal(t, empty, all.text("items", 0, "generation_id"))
	require.Equal(t, "usage_missing", all.text("items", 0, "reason"))
	require.Equal(t, "0.0046", all.text("items", 0, "charge"))
	require.Equal(t, 0, list(after+"&vendor=south").count("items"))

	b.get("/console/v1/generations/" + accepted + "?" + after).is(200) // the kit finds charges there
	review := func(id, key string, body map[string]any) answer {
		return b.post("/console/v1/charges/"+id+"/review", body, idempotent(key))
	}
	done := review(accepted, "a", map[string]any{"decision": "accept", "reason": "as invoiced"}).is(200)
	require.Equal(t, "accepted", done.text("decision"))
	require.Equal(t, "charge_reviewed", review(accepted, "b", map[string]any{"decision": "accept", "reason": "again"}).is(409).text("code"))

	correction := map[string]any{"decision": "correct", "reason": "the invoice says so", "evidence": "invoice 7", "usage": map[string]any{"input": "1000", "output": "300", "request": "1"}}
	done = review(corrected, "c", correction).is(200)
	require.Equal(t, "0.0008", done.text("correction", "difference"))
	require.Equal(t, "0.0054", done.text("correction", "charge"))
	again := review(corrected, "c", correction).is(200)
	require.Equal(t, done.text("position"), again.text("position"))
	require.Equal(t, "evidence_used", review(corrected, "d", correction).is(409).text("code"))
	nothing := review(empty, "e", map[string]any{"decision": "correct", "reason": "nothing came", "evidence": "log", "usage": map[string]any{"input": "1000", "request": "1"}}).is(200)
	require.Equal(t, "0", nothing.text("correction", "charge"))

	resolved := list("state=resolved&min_position=" + nothing.text("position"))
	require.Equal(t, 3, resolved.count("items"))
	require.Equal(t, []string{"0", "3"}, []string{resolved.text("open"), resolved.text("resolved")})
	require.Equal(t, "operator:token", resolved.text("items", 1, "decided_by"))
	require.Equal(t, "0.0054", resolved.text("items", 1, "corrected_charge"))
	g := b.get("/console/v1/generations/" + corrected + "?min_position=" + nothing.text("position")).is(200)
	require.Equal(t, "0.0054", g.text("generation", "charge"))
	require.Equal(t, "operator", g.text("generation", "provenance"))
	require.Equal(t, "0.0046", g.text("generation", "correction", "original", "charge"))
	require.Equal(t, "estimated", g.text("generation", "correction", "original", "provenance"))
	shown := b.get("/api/v1/generation?id="+corrected, bearer(secret)).is(200)
	require.Equal(t, "0.0054", string(shown.at("data", "total_cost")))
	statement := b.get(w + "/statement?kind=correction&min_position=" + nothing.text("position")).is(200)
	require.Equal(t, 2, statement.count("items"))
	require.Equal(t, []string{"0.0046", "-0.0008"}, []string{statement.text("items", 0, "amount"), statement.text("items", 1, "amount")})
}

func TestReviewsThatAreNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	k, _ := b.key(w, map[string]any{"name": "first"})
	walletID, keyID := idOf(t, w), idOf(t, k)
	id, position := b.suspect(walletID, keyID, "stop")
	told := b.hold(walletID, keyID)
	position = max(position, b.charge(walletID, told))
	b.get(w + "?min_position=" + openapi.Count(position).String()).is(200)
	b.get("/console/v1/generations/" + id + "?min_position=" + openapi.Count(position).String()).is(200)
	for name, row := range map[string]struct {
		id     string
		body   map[string]any
		status int
		code   string
	}{
		"no such call":          {domain.GenerationID(uuid.New()), map[string]any{"decision": "accept", "reason": "x"}, 404, "charge_not_found"},
		"nothing suspect":       {domain.GenerationID(told), map[string]any{"decision": "accept", "reason": "x"}, 409, "charge_final"},
		"another decision":      {id, map[string]any{"decision": "forget", "reason": "x"}, 400, "invalid_request"},
		"no reason":             {id, map[string]any{"decision": "accept", "reason": ""}, 400, "invalid_request"},
		"a correction to what?": {id, map[string]any{"decision": "correct", "reason": "x", "evidence": "y"}, 400, "invalid_request"},
		"no evidence":           {id, map[string]any{"decision": "correct", "reason": "x", "usage": map[string]any{"output": "1"}}, 400, "invalid_request"},
		"an unknown class":      {id, map[string]any{"decision": "correct", "reason": "x", "evidence": "y", "usage": map[string]any{"thoughts": "1"}}, 422, "usage_invalid"},
		"too much":              {id, map[string]any{"decision": "correct", "reason": "x", "evidence": "y", "usage": map[string]any{"output": "9223372036854775807"}}, 422, "usage_invalid"},
		"usage to accept":       {id, map[string]any{"decision": "accept", "reason": "x", "usage": map[string]any{"output": "1"}}, 400, "invalid_request"},
	} {
		require.Equal(t, row.code, b.post("/console/v1/charges/"+row.id+"/review", row.body, idempotent(strings.ReplaceAll(name, " ", "-"))).is(row.status).text("code"), name)
	}
	for _, query := range []string{"state=done", "cursor=x", "limit=0", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "color=red"} {
		require.Equal(t, "invalid_request", b.get("/console/v1/charges/reviews?"+query).is(400).text("code"), query)
	}
}
