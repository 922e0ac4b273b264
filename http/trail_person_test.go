package http_test

import (
	nethttp "net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/identity/access"
)

// TestWhatIsTypedIntoPathsIsNotKept: targets are never erased, so that nothing but an id, or a name of something, comes into one.
func TestWhatIsTypedIntoPathsIsNotKept(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	for path, want := range map[string]string{
		mePath + "/sessions/bob@example.com":                    "session",
		mePath + "/sessions/bob%40example.com":                  "session",
		mePath + "/sessions/" + unknownID:                       trail.Of("session", uuid.MustParse(unknownID)),
		mePath + "/sessions/urn:uuid:" + unknownID:              "session",
		mePath + "/passkeys/Bob%20Smith,%20born%201970":         "passkey",
		"/console/v1/webhooks/bob@example.com":                  "webhook",
		"/console/v1/generations/gen-" + unknownID + "/content": "generation:gen-" + unknownID,
		"/console/v1/generations/gen-bob/content":               "generation",
	} {
		a := b.send("DELETE", path, nil, ann.header)
		require.Contains(t, []int{400, 404}, a.status, path)
		var target string
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(body ->> 'target', '') FROM audit.entries WHERE body ->> 'request_id' = $1`, a.header.Get("X-Request-Id")).Scan(&target))
		require.Equal(t, want, target, path)
	}
	for path, want := range map[string]string{"vendors/Bob@example.com": "vendor", "vendors/some-vendor": "vendor:some-vendor", "models/a/gpt-4.1:free": "slug:gpt-4.1:free", "models/a/Bob%20Smith": "slug"} {
		a := b.send("PUT", "/console/v1/"+path, map[string]any{})
		require.Equal(t, 400, a.status, path)
		var target string
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT body ->> 'target' FROM audit.entries WHERE body ->> 'request_id' = $1`, a.header.Get("X-Request-Id")).Scan(&target))
		require.Equal(t, want, target, path)
	}
	var kept int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit.entries e WHERE e.body::text ~* 'bob'`).Scan(&kept))
	require.Zero(t, kept)
}

// TestEntriesOfTheErasedSayNothingOfWhereTheyWere: also those of the own wallet and organisation, which are made for somebody who is not signed in yet.
func TestEntriesOfTheErasedSayNothingOfWhereTheyWere(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	b.get(mePath, ann.header).is(200)
	mine := func() (own, left int) {
		t.Helper()
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE personal IS NOT NULL) FROM audit.entries
			WHERE body ->> 'action' = ANY ($1)`, []string{"VerifyEmail", "SignIn", "GetMe", "EraseMe"}).Scan(&own, &left))
		return own, left
	}
	var targets []string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT array_agg(split_part(body ->> 'target', ':', 1) ORDER BY 1) FROM audit.entries
		WHERE body ->> 'action' = 'VerifyEmail' AND body ->> 'actor' = $1 AND body ->> 'person' = $2`, trail.Of("user", ann.id), ann.id.String()).Scan(&targets))
	require.Subset(t, targets, []string{"organisation", "user", "wallet"}, "of who proves the mailbox")
	_, left := mine()
	require.Positive(t, left)
	b.send("DELETE", mePath, map[string]any{"email": annEmail}, ann.header).is(200)
	own, left := mine()
	require.Greater(t, own, 4)
	require.Zero(t, left)
	b.get(mePath, ann.header).is(401)
	b.send("PATCH", mePath, map[string]any{"name": "Ann"}, ann.header).is(401)
	b.get(mePath, ann.header).is(401)
	var again int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.members WHERE user_id = $1`, ann.id).Scan(&again))
	require.Zero(t, again)
}

// TestARoleCountsOnceItIsGiven: nobody is refused, and told of as refused, for what he was a moment ago.
func TestARoleCountsOnceItIsGiven(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann, bob := b.signedIn(who, annEmail), b.signedIn(who, "bob@portal.example")
	made := b.post("/console/v1/organisations", map[string]any{"name": "Acme"}, ann.header).is(201)
	path := "/console/v1/organisations/" + made.text("id")
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'viewer', now())`, made.text("id"), bob.id)
	require.NoError(t, err)
	for range 5 { // one of them is within the moment for which rights are believed
		b.get(path, bob.header).is(200)
		_, err = b.pool.Exec(t.Context(), `UPDATE identity.members SET role = 'admin' WHERE user_id = $1 AND organisation_id = $2`, bob.id, made.text("id"))
		require.NoError(t, err)
		b.send("PATCH", path, map[string]any{"name": "Acme"}, bob.header).is(200)
		_, err = b.pool.Exec(t.Context(), `UPDATE identity.members SET role = 'viewer' WHERE user_id = $1 AND organisation_id = $2`, bob.id, made.text("id"))
		require.NoError(t, err)
		_, err = b.pool.Exec(t.Context(), `SELECT pg_sleep(0.8)`) // his rights are asked for again
		require.NoError(t, err)
	}
	b.send("PATCH", path, map[string]any{"name": "Other"}, bob.header).refused(403, domain.CodeForbidden)
	var refused int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit.entries WHERE body ->> 'action' = 'RenameOrganisation' AND body ->> 'result' = 'refused'`).Scan(&refused))
	require.Equal(t, 1, refused)
}

// TestAskingIsNotDoing: an entry says that an operation was done when it was.
func TestAskingIsNotDoing(t *testing.T) {
	t.Parallel()
	b := withPeople(t)
	w := b.wallet("0")
	one, two := b.staff("one", access.PlatformFinance), b.staff("two", access.PlatformFinance)
	asked := b.post(w+"/top-ups", credit("1000"), one.header, idempotent("large")).is(202)
	require.Empty(t, b.entries("action=TopUpWallet&result=done"))
	got := b.last("approval.asked")
	require.Equal(t, []string{"done", "approval:" + asked.text("id"), trail.Of("user", one.id)}, []string{got.Result, got.Target, got.Actor})
	b.post(w+"/top-ups", credit("2000"), one.header, idempotent("large")).refused(409, domain.CodeIdempotencyConflict)
	require.Equal(t, "refused", b.last("TopUpWallet").Result)
	b.post("/console/v1/approvals/"+asked.text("id")+"/approve", nil, two.header).is(200)
	done := b.entries("action=TopUpWallet&result=done")
	require.Len(t, done, 1)
	require.Equal(t, trail.Of("user", one.id), done[0].Actor)
	require.Equal(t, []string{"wallet.topped_up.v1"}, done[0].Events)
}

// TestFloodsAreSeenByRoute: what is refused before it is routed is counted where it would have gone.
func TestFloodsAreSeenByRoute(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	metrics, err := middleware.NewMetrics(registry)
	require.NoError(t, err)
	limiter, err := limit.New(limit.Options{})
	require.NoError(t, err)
	b, _ := setup(t, func(p *parts) { p.api.Metrics = metrics }).withAccounts()
	api := b.api
	api.Protection = http.Protection{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Limiter: limiter, Limits: http.RequestLimits{SignIn: 1}}
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	b.url = server.URL
	last := 0
	for range 5 {
		last = b.post(authPath+"sign-in", map[string]any{"email": annEmail, "password": annWord, "delivery": "body"}, header{"Authorization", ""}, fromAbroad("203.0.113.7")).status
	}
	require.Equal(t, nethttp.StatusTooManyRequests, last)
	b.post(authPath+"made-up", map[string]any{}, header{"Authorization", ""}, fromAbroad("203.0.113.8"))
	families, err := registry.Gather()
	require.NoError(t, err)
	routes := map[string]string{}
	for _, family := range families {
		if family.GetName() != "massrouter_http_requests_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			routes[labels["route"]] += labels["status"] + labels["code"] + " "
		}
	}
	require.Contains(t, routes[authPath+"sign-in"], "4", "%v", routes)
	require.Contains(t, routes[authPath+"sign-in"], "429", "%v", routes)
}
