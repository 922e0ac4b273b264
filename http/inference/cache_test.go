package inference_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/internal/redistest"
)

// TestCachedAnswersSaySo: by our headers and by OpenRouter's, which also ask for them.
func TestCachedAnswersSaySo(t *testing.T) {
	t.Parallel()
	client, err := cache.Client(redistest.Start(t).URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	const patience = time.Minute
	stored := make(chan struct{}, 10)
	store := cache.New(cache.Options{Redis: client, Budget: patience, OnUse: func(u cache.Use) {
		if u == cache.Stored {
			stored <- struct{}{}
		}
	}})
	k := newChat(t, inference.CallOptions{}, func(o *gateway.Options) { o.Cache = store })
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"))

	r := k.post(t, body)
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.Empty(t, r.header.Get(inference.CacheStatusHeader), "nobody asked for it")
	r = k.post(t, body, "X-OpenRouter-Cache", "true", "X-OpenRouter-Cache-TTL", "86400")
	require.Equal(t, "MISS", r.header.Get("X-OpenRouter-Cache-Status"))
	require.Equal(t, "86400", r.header.Get("X-OpenRouter-Cache-TTL"))
	require.Empty(t, r.header.Get("X-OpenRouter-Cache-Age"))
	select {
	case <-stored:
	case <-time.After(patience):
		t.Fatal("the answer was not kept")
	}
	first := r
	r = k.post(t, body, "X-Massrouter-Cache", "true")
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.Equal(t, []string{"HIT", "HIT", "300"}, []string{
		r.header.Get(inference.CacheStatusHeader), r.header.Get("X-OpenRouter-Cache-Status"), r.header.Get(inference.CacheTTLHeader),
	})
	require.NotEmpty(t, r.header.Get(inference.CacheAgeHeader))
	require.NotEqual(t, first.header.Get("X-Generation-Id"), r.header.Get("X-Generation-Id"), "an answer of its own")
	require.Contains(t, r.body, `"cost":0`)
	require.Contains(t, r.body, `"total_tokens":0`)
	r = k.post(t, body, "X-Massrouter-Cache", "true", "X-Massrouter-Cache-Clear", "true")
	require.Equal(t, "MISS", r.header.Get(inference.CacheStatusHeader))
	require.Equal(t, int64(3), k.Sim.Totals().Calls)
}

func TestCacheHeadersThatAreNone(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"))
	for _, headers := range [][]string{
		{"X-Massrouter-Cache", "yes"},
		{"X-OpenRouter-Cache", "1"},
		{"X-Massrouter-Cache", "true", "X-Massrouter-Cache-TTL", "0"},
		{"X-Massrouter-Cache", "true", "X-Massrouter-Cache-TTL", "86401"},
		{"X-Massrouter-Cache", "true", "X-Massrouter-Cache-TTL", "-1"},
		{"X-Massrouter-Cache", "true", "X-Massrouter-Cache-TTL", "5m"},
		{"X-Massrouter-Cache", "true", "X-Massrouter-Cache-TTL", "9223372036854775807"},
	} {
		r := k.post(t, body, headers...)
		require.Equal(t, http.StatusBadRequest, r.status, "%v: %s", headers, r.body)
		require.NotNil(t, r.Error.Param, r.body)
	}
	r := k.post(t, body, "X-Massrouter-Cache", "false", "X-Massrouter-Cache-TTL", "0")
	require.Equal(t, http.StatusOK, r.status, r.body)
	r = k.post(t, body, "X-Massrouter-Cache", "true")
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.Equal(t, "BYPASS", r.header.Get(inference.CacheStatusHeader), "there is no Redis here")
	require.Empty(t, r.header.Get(inference.CacheTTLHeader))
}
