package http_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

// without is an answer's object without some of its members.
func (a answer) without(names ...string) string {
	a.t.Helper()
	var members map[string]any
	require.NoError(a.t, json.Unmarshal(a.body, &members))
	for _, name := range names {
		delete(members, name)
	}
	out, err := json.Marshal(members)
	require.NoError(a.t, err)
	return string(out)
}

func TestBalanceStatementAndPricesAsOfThePast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	k, _ := b.key(w, map[string]any{"name": "k"})
	hold := b.hold(idOf(t, w), idOf(t, k))
	then := count(b.position())
	paths := []string{w, w + "/statement", modelPath, "/console/v1/models", "/console/v1/vendors"}
	live := map[string]answer{}
	for _, path := range paths {
		live[path] = b.get(path + "?min_position=" + then).is(200)
	}
	at := time.Now().UTC().Format(time.RFC3339Nano)

	b.charge(idOf(t, w), hold)
	b.post(w+"/top-ups", credit("5"), idempotent("more")).is(200)
	b.send("PUT", modelPath, with(modelSpec(), "name", "Another name")).is(200)
	price := with(priceSpec(), "price", map[string]any{"base": map[string]any{"input": "0.1", "output": "0.2"}})
	done := b.post(endpointPath+"/prices", price).is(201)
	for _, path := range paths {
		b.get(path + done.after()).is(200)
		for _, moment := range []string{then, url.QueryEscape(at)} {
			got := b.get(path + "?as_of=" + moment).is(200)
			require.Equal(t, then, got.text("position"), path)
			if path != w {
				require.JSONEq(t, live[path].without(), got.without(), path)
				continue
			}
			require.JSONEq(t, `null`, string(got.at("wallet", "open_holds")))
			for _, name := range []string{"posted", "held", "available", "credited_total", "charged_total", "owner", "opened_at"} {
				require.Equal(t, live[path].text("wallet", name), got.text("wallet", name), name)
			}
		}
	}
	require.NotEqual(t, "0", live[w].text("wallet", "held"))
	require.Equal(t, "0.1", b.get(modelPath).text("model", "endpoints", 0, "price_in_force", "price", "base", "input"))
	require.Equal(t, "0.000002", live[modelPath].text("model", "endpoints", 0, "price_in_force", "price", "base", "input"))

	for _, path := range paths {
		for _, moment := range []string{"0", "-1", "999999", "2999-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "now", "", "1e3", "2026-01-01", "%00"} {
			refusal := b.get(path+"?as_of="+moment).refused(400, domain.CodeInvalid)
			require.Equal(t, "as_of", refusal.text("details", "parameter"), moment)
		}
		b.get(path+"?as_of=1&min_position=999999").refused(503, domain.CodeUnavailable)
	}
	b.get(w+"?as_of=1").refused(404, domain.CodeWalletNotFound)
	b.get(w+"/statement?as_of=1").refused(404, domain.CodeWalletNotFound)
	b.get(modelPath+"?as_of=1").refused(404, domain.CodeModelNotFound)
}

// TestAPriceIsInForceAsOfATime: a scheduled price was known before it was in force.
func TestAPriceIsInForceAsOfATime(t *testing.T) {
	t.Parallel()
	// A machine that is too slow to schedule it in time has more time in a new ledger.
	for lead := 100 * time.Millisecond; !scheduledIn(t, lead); lead *= 4 {
		require.Less(t, lead, time.Minute)
	}
}

// scheduledIn schedules a price so long before it is in force. It says whether that was done in time.
func scheduledIn(t *testing.T, lead time.Duration) bool {
	t.Helper()
	b := setup(t)
	b.publish()
	start := time.Now().Add(lead).UTC()
	scheduled := with(priceSpec(), "price", map[string]any{"base": map[string]any{"input": "0.1", "output": "0.2"}})
	scheduled["effective_from"] = start.Format(time.RFC3339Nano)
	done := b.post(endpointPath+"/prices", scheduled)
	if !time.Now().Before(start) {
		return false
	}
	done.is(201)
	input := func(moment string) string {
		got := b.get(modelPath + "?as_of=" + url.QueryEscape(moment)).is(200)
		require.Equal(t, 2, got.count("model", "endpoints", 0, "prices"))
		return got.text("model", "endpoints", 0, "price_in_force", "price", "base", "input")
	}
	require.Equal(t, "0.000002", input(done.text("position")))
	require.Eventually(t, func() bool { return time.Now().After(start) }, time.Minute, time.Millisecond)
	require.Equal(t, "0.1", input(start.Format(time.RFC3339Nano)))
	require.Equal(t, "0.000002", input(start.Add(-time.Microsecond).Format(time.RFC3339Nano)))
	return true
}

func TestProjectionsSayHowFarTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wallet("1")
	b.get(w + "?min_position=" + count(b.position())).is(200)
	got := b.get("/console/v1/projections").is(200)
	require.Equal(t, count(b.position()), got.text("position"))
	for i := range got.count("items") {
		require.Equal(t, "live", got.text("items", i, "state"))
		if got.text("items", i, "name") == "balance" {
			require.Equal(t, "0", got.text("items", i, "lag"))
			require.Equal(t, "1", got.text("items", i, "rows"))
			return
		}
	}
	require.Fail(t, "balance is not listed")
}
