package http_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
)

// TestPerformanceOfEndpoints: uptime counts what the vendor failed and nothing else, and how fast an endpoint is is for those with a key.
func TestPerformanceOfEndpoints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	wallet := b.wallet("1000")
	key, secret := b.key(wallet, map[string]any{"name": "k"})
	for range 120 {
		b.charge(idOf(t, wallet), b.hold(idOf(t, wallet), idOf(t, key)))
	}
	for reason, n := range map[domain.Code]int{gateway.CodeVendorError: 20, gateway.CodeVendorTimeout: 10, gateway.CodeVendorRefused: 40, gateway.CodeClientGone: 7} {
		for range n {
			hold := b.hold(idOf(t, wallet), idOf(t, key))
			_, _, err := b.app.ReleaseHold(t.Context(), commands.Meta{CommandID: domain.DeriveID(hold, "release"), Actor: "system:test"},
				commands.ReleaseHold{HoldID: hold, WalletID: idOf(t, wallet), Reason: string(reason)})
			require.NoError(t, err)
		}
	}
	b.get("/console/v1/usage/aggregate?metric=calls&min_position=" + count(b.position())).is(200)

	open := b.asOpenRouter("/api/v1/models/acme/large/endpoints").is(200)
	seen := b.asOpenRouter("/api/v1/models/acme/large/endpoints", bearer(secret)).is(200)
	for _, a := range []answer{open, seen} {
		require.Equal(t, "80", string(a.at("data", "endpoints", 0, "uptime_last_30m")), "120 of 150")
		require.Equal(t, "80", string(a.at("data", "endpoints", 0, "uptime_last_1d")))
		require.JSONEq(t, `null`, string(a.at("data", "endpoints", 0, "uptime_last_5m")), "the gateway has called nobody")
	}
	require.JSONEq(t, `null`, string(open.at("data", "endpoints", 0, "latency_last_30m")))
	var latency struct{ P50, P75, P90, P99 float64 }
	require.NoError(t, json.Unmarshal(seen.at("data", "endpoints", 0, "latency_last_30m"), &latency))
	require.InDelta(t, 120, latency.P50, 6)
	require.GreaterOrEqual(t, latency.P99, latency.P50)
	require.JSONEq(t, `null`, string(seen.at("data", "endpoints", 0, "throughput_last_30m")))
}

// TestModelsByWhatWasMeasured: the ones that were called stand before those of which nothing is known.
func TestModelsByWhatWasMeasured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	b.send("PUT", "/console/v1/vendors/slow", with(vendorSpec(), "base_url", b.sim)).is(200)
	b.offers("acme/first", nil, map[string]map[string]any{"north": nil})
	done := b.offers("zeta/called", nil, map[string]map[string]any{"slow": nil})
	b.send("PUT", "/console/v1/models/zeta/called/endpoints/slow", with(endpointSpec(), "upstream_model", "sim-large?tokens=40")).is(200)
	b.get("/console/v1/models?min_position=" + count(b.position())).is(200)
	b.get("/console/v1/models" + done.after()).is(200)
	order := func(sort string) string { return b.asOpenRouter("/api/v1/models?sort=" + sort).is(200).ids() }
	published, called := "acme/large acme/first zeta/called", "zeta/called acme/large acme/first"
	require.Equal(t, published, order("throughput-high-to-low"))
	require.Equal(t, published, order("latency-low-to-high"))

	_, secret := b.key(b.wallet("10"), map[string]any{"name": "k"})
	call := map[string]any{"model": "zeta/called", "stream": true, "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
	b.post("/v1/chat/completions", call, bearer(secret)).is(200)
	// Sums of measurements serve for a second.
	require.Eventually(t, func() bool {
		return order("throughput-high-to-low") == called && order("latency-low-to-high") == called
	}, 30*time.Second, 50*time.Millisecond)
	endpoint := b.asOpenRouter("/api/v1/models/zeta/called/endpoints", bearer(secret)).is(200)
	require.NotEqual(t, "null", string(endpoint.at("data", "endpoints", 0, "throughput_last_30m")))
	require.JSONEq(t, `null`, string(b.asOpenRouter("/api/v1/models/zeta/called/endpoints").is(200).at("data", "endpoints", 0, "throughput_last_30m")))

	b.get("/console/v1/usage/aggregate?metric=calls&min_position=" + count(b.position())).is(200)
	require.Equal(t, called, order("top-weekly"))
	require.Equal(t, called, order("most-popular"))
}
