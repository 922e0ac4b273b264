package http_test

import (
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
)

// filled is a path with an id, or a name, in each of its places.
func filled(pattern string) string {
	return strings.NewReplacer(
		"{wallet_id}", unknownID, "{key_id}", unknownID, "{hold_id}", unknownID, "{generation_id}", "gen-"+unknownID,
		"{author}", "acme", "{slug}", "large", "{vendor}", "north", "{account}", "revenue:usage", "{month}", "2026-03",
		"{webhook_id}", unknownID, "{delivery_id}", unknownID,
	).Replace(pattern)
}

func TestConsoleWantsAToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.position()
	for _, op := range auth.Operations() {
		if op.Permission == auth.Anybody {
			continue
		}
		refusal := b.send(op.Method, filled(op.Pattern), nil, header{"Authorization", ""}).refused(401, domain.CodeUnauthenticated)
		require.Equal(t, "Bearer", refusal.header.Get("WWW-Authenticate"), op.ID)
	}
	for what, value := range map[string]string{
		"wrong token": "Bearer " + operatorToken + "x", "shorter": "Bearer " + operatorToken[1:], "no scheme": operatorToken,
		"other scheme": "Basic " + operatorToken, "scheme only": "Bearer", "empty": "Bearer ", "twice": "Bearer Bearer " + operatorToken,
	} {
		got := b.get("/console/v1/wallets", header{"Authorization", value})
		require.Equal(t, 401, got.status, what)
	}
	b.get("/console/v1/wallets", header{"Authorization", "bearer " + operatorToken}).is(200)
	require.Equal(t, before, b.position())
}

func TestOperatorTokenIsLongAndPlain(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "short", strings.Repeat("x", 23), strings.Repeat("x", 30) + " y", strings.Repeat("ü", 30), strings.Repeat("x", 30) + "\n"} {
		_, err := auth.NewOperatorToken(token)
		require.Error(t, err, "%q", token)
		if len(token) > 5 {
			require.NotContains(t, err.Error(), token)
		}
	}
}

// limited is an authenticator whose actors have the permissions that they ask for.
type limited struct{}

func (limited) Authenticate(r *nethttp.Request) (auth.Actor, error) {
	return auth.Actor{ID: "user:limited", Platform: auth.NewSet(auth.Permission(r.Header.Get("X-Permission")))}, nil
}

func TestEachOperationNeedsItsPermissionAndNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.api.Authenticator = limited{} })
	for _, op := range auth.Operations() {
		if op.Permission == auth.Anybody || op.Permission == auth.Oneself {
			continue
		}
		for _, p := range auth.All() {
			got := b.send(op.Method, filled(op.Pattern), nil, header{"X-Permission", string(p)})
			if p == op.Permission {
				require.NotContains(t, []int{401, 403}, got.status, "%s with %s", op.ID, p)
				continue
			}
			got.refused(403, domain.CodeForbidden)
			require.Equal(t, string(op.Permission), got.text("details", "permission"), op.ID)
		}
	}
}

func TestActorIsInTheEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *parts) { p.api.Authenticator = limited{} })
	opened := b.post("/console/v1/wallets", map[string]any{"owner": "o", "currency": "USD"},
		header{"X-Permission", "wallets.write"}, header{"X-Request-Id", unknownID}).is(200)
	require.Equal(t, unknownID, opened.header.Get("X-Request-Id"))
	page := b.get("/console/v1/events", header{"X-Permission", "ledger.read"}).is(200)
	require.Equal(t, "user:limited", page.text("items", 0, "actor"))
	require.Equal(t, unknownID, page.text("items", 0, "correlation_id"))
}

func TestKeysOpenOnlyTheirOwnAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	mine, other := b.wallet("10"), b.wallet("10")
	myKey, secret := b.key(mine, map[string]any{"name": "mine"})
	_, foreign := b.key(other, map[string]any{"name": "other"})
	hold := b.hold(idOf(t, mine), idOf(t, myKey))
	b.charge(idOf(t, mine), hold)

	generation := "/api/v1/generation?id=" + domain.GenerationID(hold)
	b.get(generation, bearer(secret)).is(200)
	b.get(generation, bearer(foreign)).is(404)
	b.get("/api/v1/generation?id=gen-nothing", bearer(secret)).is(404)
	b.get("/api/v1/generation", bearer(secret)).is(400)
	running := b.hold(idOf(t, mine), idOf(t, myKey))
	b.get("/api/v1/generation?id="+domain.GenerationID(running), bearer(secret)).is(404)

	for _, path := range []string{"/api/v1/credits", "/api/v1/key", generation} {
		b.get(path).is(401)
		b.get(path, bearer(secret+"0")).is(401)
		b.get(path, bearer(operatorToken)).is(401)
	}
	for _, path := range []string{"/v1/models", "/v1/models/acme/large", "/api/v1/models", "/api/v1/models/acme/large/endpoints"} {
		b.get(path).is(200)
		b.get(path, bearer(secret)).is(200)
		b.get(path, bearer("sk-mr-v1-wrong")).is(401)
		b.get(path, header{"Authorization", "Basic x"}).is(401)
	}
	b.get("/console/v1/wallets", bearer(secret)).refused(401, domain.CodeUnauthenticated)
}
