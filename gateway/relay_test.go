package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

func TestAStreamIsRelayedAndChargedExactly(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "tokens=12&cached=3&cache_write=2&reasoning=5")
	c := gatewaytest.NewClient()
	c.OnWrite = func(p string) error {
		if strings.Contains(p, "[DONE]") && len(k.History().Charged) != 1 {
			return fmt.Errorf("the last chunk left before the charge was recorded")
		}
		return nil
	}
	call := k.Call(streamed(gatewaytest.Body(model, `"max_tokens":100`, `"n":2`)))
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))

	e, used := k.Only(), k.Sim.Totals().Reported
	require.Equal(t, usage.Usage{
		usage.Input: used.Prompt - 5, usage.CacheRead: 3, usage.CacheWrite: 2, usage.Output: 24, usage.Reasoning: 10, usage.Request: 1,
	}, e.Usage)
	require.Equal(t, usage.Reported, e.Provenance)
	require.True(t, e.Charge.Equal(gatewaytest.Cost(e.Usage)))
	require.Equal(t, wallet.Call{
		Streamed: true, FinishReason: "stop", NativeFinishReason: "stop", UpstreamID: e.Call.UpstreamID, Credential: "acme/only", Attempts: 1,
		StartedAt: e.Call.StartedAt, FirstTokenMS: e.Call.FirstTokenMS, DurationMS: e.Call.DurationMS,
	}, e.Call)
	require.Positive(t, e.Call.FirstTokenMS)

	data := c.Data()
	require.Equal(t, "[DONE]", data[len(data)-1])
	texts := map[int]string{}
	for i, d := range data[:len(data)-1] {
		a := parse(t, d)
		require.Equal(t, c.Generation(), a.ID)
		require.Equal(t, model, a.Model)
		require.Equal(t, "Vendor acme", a.Provider)
		if last := i == len(data)-2; last {
			require.Empty(t, a.Choices)
			require.Equal(t, e.Charge.String(), a.Usage.Cost.String())
			require.Equal(t, used.Prompt+used.Completion, a.Usage.Total)
			continue
		}
		require.Nil(t, a.Usage, "usage is told once")
		for _, choice := range a.Choices {
			texts[choice.Index] += choice.Delta.Content
		}
	}
	require.Len(t, texts, 2)
	direct, err := k.Do(gatewaytest.Body(model, `"max_tokens":100`, `"n":2`))
	require.NoError(t, err)
	for _, choice := range parse(t, direct.Body()).Choices {
		require.Equal(t, choice.Message.Content, texts[choice.Index], "nothing is lost or doubled")
	}
}

func TestStreamsOfOtherHabits(t *testing.T) {
	t.Parallel()
	const chunk = `{"id":"u","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":%s}]%s}`
	usageOf := func(completion int) string {
		return fmt.Sprintf(`"usage":{"prompt_tokens":9,"completion_tokens":%d,"total_tokens":%d}`, completion, 9+completion)
	}
	for name, row := range map[string]struct {
		stream string
		want   usage.Provenance
	}{
		"usage beside the last choice":  {"data: " + fmt.Sprintf(chunk, `"stop"`, ","+usageOf(1)) + "\n\ndata: [DONE]\n\n", usage.Reported},
		"usage in every chunk":          {"data: " + fmt.Sprintf(chunk, "null", ","+usageOf(0)) + "\n\ndata: " + fmt.Sprintf(chunk, `"stop"`, ","+usageOf(1)) + "\n\ndata: [DONE]\n\n", usage.Reported},
		"no mark of the end":            {"data: " + fmt.Sprintf(chunk, `"stop"`, "") + "\n\ndata: {\"choices\":[]," + usageOf(1) + "}\n\n", usage.Reported},
		"no mark, no usage":             {"data: " + fmt.Sprintf(chunk, `"stop"`, "") + "\n\n", usage.Estimated},
		"comments and names":            {": processing\n\nevent: message\ndata: " + fmt.Sprintf(chunk, `"stop"`, ","+usageOf(1)) + "\n\n: x\n\ndata: [DONE]\n\n", usage.Reported},
		"carriage returns":              {"data: " + fmt.Sprintf(chunk, `"stop"`, ","+usageOf(1)) + "\r\n\r\ndata: [DONE]\r\n\r\n", usage.Reported},
		"usage twice, the last counts":  {"data: " + fmt.Sprintf(chunk, `"stop"`, "") + "\n\ndata: {\"choices\":[]," + usageOf(5) + "}\n\ndata: {\"choices\":[]," + usageOf(1) + "}\n\ndata: [DONE]\n\n", usage.Reported},
		"cut after everything was said": {"data: " + fmt.Sprintf(chunk, `"stop"`, "") + "\n\ndata: {\"choices\":[]," + usageOf(1) + "}\n\ncut", usage.Reported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t)
			k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				stream, cut := strings.CutSuffix(row.stream, "cut")
				_, _ = w.Write([]byte(stream))
				if cut {
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
			}))
			c, err := k.Do(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, ""), `"max_tokens":9`)))
			require.NoError(t, err)
			e := k.Only()
			require.Equal(t, row.want, e.Provenance)
			require.Equal(t, row.want == usage.Estimated, e.Call.Suspect)
			require.Positive(t, e.Usage[usage.Output])
			if row.want == usage.Reported && !strings.Contains(name, "every") {
				require.Equal(t, usage.Usage{usage.Input: 9, usage.Output: 1, usage.Request: 1}, e.Usage)
			}
			data := c.Data()
			require.Equal(t, "[DONE]", data[len(data)-1])
			require.Equal(t, e.Charge.String(), parse(t, data[len(data)-2]).Usage.Cost.String())
			require.Equal(t, 1, strings.Count(c.Body(), `"cost"`))
		})
	}
}

func TestAStreamIsKeptAliveWhileTheVendorThinks(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, func(o *gateway.Options) { o.KeepAlive = 5 * time.Millisecond })
	release := make(chan struct{})
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		k.Sim.ServeHTTP(w, r)
	}))
	c := gatewaytest.NewClient()
	beats := 0
	c.OnWrite = func(p string) error {
		if p == ": keep-alive\n\n" {
			if beats++; beats == 3 {
				close(release)
			}
		}
		return nil
	}
	call := k.Call(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3"))))
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	require.GreaterOrEqual(t, c.Comments(), 3)
	require.True(t, strings.HasPrefix(c.Body(), ": keep-alive\n\n"), "before the first token")
	require.Equal(t, int64(3), k.Only().Usage[usage.Output])
}

func TestAVendorThatFailsAfterTheStreamHasBegun(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, func(o *gateway.Options) { o.KeepAlive = 5 * time.Millisecond })
	release := make(chan struct{})
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		k.Sim.ServeHTTP(w, r)
	}))
	c := gatewaytest.NewClient()
	c.OnWrite = func(p string) error {
		if p == ": keep-alive\n\n" && c.Comments() == 0 {
			close(release)
		}
		return nil
	}
	call := k.Call(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=502"))))
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c), "there is no status left to tell it with")
	data := c.Data()
	require.Len(t, data, 1)
	a := parse(t, data[0])
	require.Equal(t, "vendor_error", a.Error.Metadata.Type)
	require.Nil(t, a.Usage, "nothing was charged")
	k.OnlyReleased()
}

func TestALongStreamRenewsItsHold(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, func(o *gateway.Options) { o.RequestTimeout = 20 * time.Millisecond })
	c := gatewaytest.NewClient()
	c.OnWrite = func(string) error {
		if c.Body() == "" { // the caller reads slowly
			require.Eventually(t, func() bool { return len(k.History().Extended) >= 2 }, time.Minute, time.Millisecond)
		}
		return nil
	}
	call := k.Call(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=30"), `"max_tokens":40`)))
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	h := k.Settled()
	for _, e := range h.Extended {
		require.Equal(t, h.Placed[0].HoldID, e.HoldID)
	}
	require.False(t, h.Charged[0].Late)
}

func TestAVeryLongStreamStaysSmall(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, func(o *gateway.Options) { o.KeepText = 1000 })
	c := gatewaytest.NewClient()
	longest := 0
	c.OnWrite = func(p string) error {
		longest = max(longest, len(p))
		return nil
	}
	call := k.Call(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=15000"), `"max_tokens":20000`)))
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	require.Equal(t, int64(15000), k.Only().Usage[usage.Output])
	require.Less(t, longest, 64<<10)
}
