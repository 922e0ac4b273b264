package inference_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/internal/redistest"
)

// limited is a way to the vendor whose rate limits are counted in a real Redis.
func limited(t *testing.T, rates apikey.RateLimits) (k chatKit, limits *limit.Limiter) {
	t.Helper()
	client, err := limit.Client(redistest.Start(t).URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	limits, err = limit.New(limit.Options{Redis: client, Budget: 30 * time.Second})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- limits.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	k = newChat(t, inference.CallOptions{}, func(o *gateway.Options) { o.Limits = limits })
	k.Wallet, k.Key, k.Secret = k.Customer("10", apikey.Limits{Rates: rates})
	return k, limits
}

func TestARequestAboveTheKeysLimitIsRefused(t *testing.T) {
	t.Parallel()
	k, _ := limited(t, apikey.RateLimits{RequestsPerMinute: 2})
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3"))
	for range 2 {
		r := k.post(t, body)
		require.Equal(t, http.StatusOK, r.status, r.body)
		require.Empty(t, r.header.Get("X-RateLimit-Limit"))
	}
	r := k.post(t, body)
	require.Equal(t, http.StatusTooManyRequests, r.status, r.body)
	require.Equal(t, "rate_limit_error", r.Error.Type)
	require.Equal(t, "rate_limited", r.Error.Metadata["error_type"])
	require.Equal(t, "requests_per_minute", r.Error.Metadata["limited_by"])
	require.Equal(t, []string{"2", "0", "true"}, []string{
		r.header.Get("X-RateLimit-Limit"), r.header.Get("X-RateLimit-Remaining"), r.header.Get("X-Should-Retry"),
	})
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, seconds)
	require.LessOrEqual(t, seconds, 30)
	require.Len(t, k.History().Placed, 2, "nothing was held for it")
}

func TestTokensThatWereNotUsedAreGivenBack(t *testing.T) {
	t.Parallel()
	k, _ := limited(t, apikey.RateLimits{TokensPerMinute: 5000})
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	for range 4 {
		// The answer is there a moment before the call has ended; without what it gives back, the next one had to wait for most of a minute.
		require.Eventually(t, func() bool {
			return k.post(t, gatewaytest.Body(model, `"max_tokens":4800`)).status == http.StatusOK
		}, 30*time.Second, 5*time.Millisecond)
	}
	r := k.post(t, gatewaytest.Body(model, `"max_tokens":5001`))
	require.Equal(t, http.StatusTooManyRequests, r.status, r.body)
	require.Equal(t, "tokens_per_minute", r.Error.Metadata["limited_by"])
	require.Equal(t, "false", r.header.Get("X-Should-Retry"), "it will never fit")
	require.Empty(t, r.header.Get("Retry-After"))
}

func TestCallsAtTheSameTime(t *testing.T) {
	t.Parallel()
	k, limits := limited(t, apikey.RateLimits{Parallel: 1})
	arrived, open := make(chan struct{}, 8), make(chan struct{})
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-open
		k.Sim.ServeHTTP(w, r)
	}))
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3"), `"stream":true`)
	type outcome struct {
		resp *http.Response
		err  error
	}
	first := make(chan outcome, 1)
	request := k.request(t, strings.NewReader(body))
	go func() {
		resp, err := k.server.Client().Do(request)
		first <- outcome{resp, err}
	}()
	<-arrived
	r := k.post(t, body)
	require.Equal(t, http.StatusTooManyRequests, r.status, r.body)
	require.Equal(t, "parallel", r.Error.Metadata["limited_by"])
	require.Equal(t, "1", r.header.Get("Retry-After"))
	close(open)
	done := <-first
	require.NoError(t, done.err)
	require.Equal(t, http.StatusOK, read(t, done.resp).status)
	require.Eventually(t, func() bool { return k.post(t, body).status == http.StatusOK }, time.Minute, 5*time.Millisecond)
	require.Eventually(t, func() bool { return limits.State().Leases == 0 }, time.Minute, time.Millisecond)
}

func TestACallThatIsNotAdmittedGivesEverythingBackButItsRequest(t *testing.T) {
	t.Parallel()
	k, limits := limited(t, apikey.RateLimits{})
	_, _, k.Secret = k.Customer("0.000000001", apikey.Limits{Rates: apikey.RateLimits{RequestsPerMinute: 3, TokensPerMinute: 5000, Parallel: 1}})
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3"), `"max_tokens":4000`)
	for range 3 {
		require.Eventually(t, func() bool { return k.post(t, body).status == http.StatusPaymentRequired }, time.Minute, 5*time.Millisecond)
		require.Eventually(t, func() bool { return limits.State().Leases == 0 }, time.Minute, time.Millisecond)
	}
	require.Eventually(t, func() bool { return k.post(t, body).Error.Metadata["limited_by"] == "requests_per_minute" }, time.Minute, 5*time.Millisecond)
}
