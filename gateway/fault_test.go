package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// hasty retries at once.
func hasty(o *gateway.Options) { o.Backoff = time.Millisecond }

// impatient does not wait long for a vendor.
func impatient(o *gateway.Options) {
	o.RequestTimeout = 150 * time.Millisecond
	o.FirstByteTimeout = 150 * time.Millisecond
	o.IdleTimeout = 150 * time.Millisecond
}

// patience is impatient for the faults that wait to be timed out.
func patience(controls string) gatewaytest.Option {
	if strings.Contains(controls, "timeout") {
		return impatient
	}
	return func(*gateway.Options) {}
}

// TestFaultsBeforeAnythingWasProduced: the caller gets a status, the hold is released.
func TestFaultsBeforeAnythingWasProduced(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		controls string
		code     domain.Code
		attempts int
		whole    bool // a stream is another matter
	}{
		"400":                 {"fault=400", gateway.CodeVendorRefused, 1, false},
		"401":                 {"fault=401", gateway.CodeVendorUnavailable, 1, false},
		"403":                 {"fault=403", gateway.CodeVendorError, 1, false},
		"404":                 {"fault=404", gateway.CodeVendorError, 1, false},
		"408":                 {"fault=408", gateway.CodeVendorTimeout, 1, false},
		"409":                 {"fault=409", gateway.CodeVendorError, 1, false},
		"429":                 {"fault=429&retry_after=1ms", gateway.CodeVendorOverloaded, 3, false},
		"429, slow down":      {"fault=429&variant=slow_down&retry_after=0", gateway.CodeVendorOverloaded, 3, false},
		"429, long wait":      {"fault=429&retry_after=60", gateway.CodeVendorOverloaded, 1, false},
		"429, quota":          {"fault=429&variant=insufficient_quota", gateway.CodeVendorUnavailable, 1, false},
		"500":                 {"fault=500", gateway.CodeVendorError, 3, false},
		"502":                 {"fault=502", gateway.CodeVendorError, 1, false},
		"503":                 {"fault=503&retry_after=0", gateway.CodeVendorOverloaded, 3, false},
		"504":                 {"fault=504", gateway.CodeVendorTimeout, 1, false},
		"529":                 {"fault=529", gateway.CodeVendorOverloaded, 3, false},
		"no answer":           {"fault=timeout_before", gateway.CodeVendorTimeout, 1, false},
		"half an answer":      {"fault=timeout_after", gateway.CodeVendorTimeout, 1, true},
		"reset in the middle": {"fault=cut", gateway.CodeVendorError, 1, true},
		"closed in between":   {"fault=cut&variant=close", gateway.CodeVendorError, 1, true},
		"cut at once":         {"fault=cut&after=0", gateway.CodeVendorError, 1, true},
		"broken JSON":         {"fault=malformed", gateway.CodeVendorError, 1, true},
		"a page":              {"fault=malformed&variant=html", gateway.CodeVendorError, 1, false},
		"error with 200":      {"fault=error_in_stream", gateway.CodeVendorError, 1, true},
	} {
		for _, stream := range []bool{false, true} {
			if stream && row.whole {
				continue
			}
			t.Run(name+map[bool]string{true: ", streamed"}[stream], func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty, patience(row.controls))
				body := gatewaytest.Body(k.Model(gatewaytest.Canceller, row.controls), `"max_tokens":20`)
				if stream {
					body = streamed(body)
				}
				c, err := k.Do(body)
				require.Equal(t, row.code, domain.CodeOf(err))
				require.False(t, c.Opened(), "the error has a status of its own")
				require.Empty(t, c.Body())
				require.NotEmpty(t, c.Generation())
				e := k.OnlyReleased()
				require.Equal(t, string(row.code), e.Reason)
				require.Equal(t, row.attempts, e.Call.Attempts)
				require.Equal(t, string(row.code), e.Call.Error)
				require.Equal(t, stream, e.Call.Streamed)
				requireNoSecrets(t, k, err.Error())
			})
		}
	}
}

func streamed(body string) string { return strings.TrimSuffix(body, "}") + `,"stream":true}` }

// requireNoSecrets looks for keys in the log and in a text.
func requireNoSecrets(t *testing.T, k *gatewaytest.Kit, text string) {
	t.Helper()
	for _, secret := range []string{gatewaytest.VendorSecret, k.Secret} {
		require.NotContains(t, k.Log.String(), secret)
		require.NotContains(t, text, secret)
	}
}

func TestWhatAVendorSaysIsMasked(t *testing.T) {
	t.Parallel()
	for controls, want := range map[string]string{
		"fault=401":                "the vendor of this model does not serve us now",
		"fault=404":                "the vendor of this model failed",
		"fault=500":                "the vendor of this model failed",
		"fault=400":                "The simulated vendor was told to refuse this request.",
		"fault=503&retry_after=60": "the vendor of this model has no capacity now",
	} {
		k := gatewaytest.New(t, hasty)
		_, err := k.Do(gatewaytest.Body(k.Model(gatewaytest.Canceller, controls), `"max_tokens":5`))
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, want, e.Message, controls)
	}
}

func TestTheVendorsRetryAfterIsHandedOn(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	_, err := k.Do(gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=503&retry_after=42")))
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "42", e.Details["retry_after"])
}

func TestARetryThatHelps(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"429&retry_after=1ms", "503&retry_after=0", "500", "529"} {
		for _, stream := range []bool{false, true} {
			k := gatewaytest.New(t, hasty)
			body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "times=2&fault="+fault), `"max_tokens":20`)
			if stream {
				body = streamed(body)
			}
			_, err := k.Do(body)
			require.NoError(t, err, fault)
			e := k.Only()
			require.Equal(t, 3, e.Call.Attempts)
			require.Equal(t, k.Sim.Totals().Reported.Completion, e.Usage.Completion())
		}
	}
}

// TestAVendorThatHangsUpIsNotAskedAgain: it may have done the work, and would bill it twice.
func TestAVendorThatHangsUpIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t, hasty)
		k.Proxy(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, ""), `"max_tokens":5`)
		if stream {
			body = streamed(body)
		}
		_, err := k.Do(body)
		require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err))
		require.Equal(t, 1, k.OnlyReleased().Call.Attempts)
	}
}

func TestAVendorThatCannotBeReachedIsTriedAgain(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "")
	k.Vendor.Close()
	_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
	require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err))
	require.Equal(t, 3, k.OnlyReleased().Call.Attempts)
}

// TestFaultsInTheMiddleOfAStream: what was produced is charged, and the stream says that it broke.
func TestFaultsInTheMiddleOfAStream(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		controls string
		code     domain.Code
		tokens   int64
	}{
		"silence":          {"fault=timeout_after&after=5&tokens=16", gateway.CodeVendorTimeout, 5},
		"cut by a reset":   {"fault=cut&after=5&tokens=16&flush=1", gateway.CodeVendorError, -1},
		"cut by a close":   {"fault=cut&variant=close&after=5&tokens=16", gateway.CodeVendorError, 5},
		"broken chunk":     {"fault=malformed&after=5&tokens=16", gateway.CodeVendorError, 5},
		"skipped chunk":    {"fault=malformed&variant=skip&after=5&tokens=16", gateway.CodeVendorError, 5},
		"half a chunk":     {"fault=malformed&variant=half&after=5&tokens=16", gateway.CodeVendorError, 5},
		"error in between": {"fault=error_in_stream&after=5&tokens=16", gateway.CodeVendorError, 5},
		"at the very end":  {"fault=cut&variant=close&after=16&tokens=16", gateway.CodeVendorError, 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty, patience(row.controls))
			c, err := k.Do(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, row.controls), `"max_tokens":20`)))
			if row.tokens < 0 && err != nil { // a reset may overtake everything that was sent before it
				require.Equal(t, row.code, domain.CodeOf(err))
				k.OnlyReleased()
				return
			}
			require.NoError(t, err, "the stream has begun: the error is in it")
			e := k.Only()
			require.Equal(t, usage.Estimated, e.Provenance)
			require.True(t, e.Call.Suspect)
			require.Equal(t, string(row.code), e.Call.Error)
			if row.tokens >= 0 {
				require.Equal(t, row.tokens, e.Usage[usage.Output], "counted as the vendor counts")
			}
			data := c.Data()
			last := parse(t, data[len(data)-1])
			require.Equal(t, string(row.code), last.Error.Metadata.Type)
			require.Equal(t, "error", last.Choices[0].Finish)
			require.Equal(t, e.Charge.String(), last.Usage.Cost.String())
			require.Equal(t, e.Usage.Completion(), last.Usage.Completion)
			require.NotContains(t, c.Body(), "[DONE]")
			requireNoSecrets(t, k, c.Body())
		})
	}
}

// TestUsageThatCannotBe: what cannot be believed is counted, never above what was held.
func TestUsageThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, variant := range strings.Fields("negative huge overflow cached reasoning total fraction string zero") {
		for _, stream := range []bool{false, true} {
			t.Run(variant+map[bool]string{true: ", streamed"}[stream], func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t)
				body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=9&fault=absurd_usage&variant="+variant), `"max_tokens":20`)
				if stream {
					body = streamed(body)
				}
				c, err := k.Do(body)
				require.NoError(t, err)
				requireEstimated(t, k, c, 9)
			})
		}
	}
}

func TestUsageThatIsMissing(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t)
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=9&fault=no_usage"), `"max_tokens":20`)
		if stream {
			body = streamed(body)
		}
		c, err := k.Do(body)
		require.NoError(t, err)
		requireEstimated(t, k, c, 9)
	}
}

// requireEstimated: the call was charged by what could be counted, and told so.
func requireEstimated(t *testing.T, k *gatewaytest.Kit, c *gatewaytest.Client, tokens int64) {
	t.Helper()
	e := k.Only()
	require.Equal(t, usage.Estimated, e.Provenance)
	require.True(t, e.Call.Suspect)
	require.Equal(t, tokens, e.Usage[usage.Output])
	require.Equal(t, int64(3+4), e.Usage[usage.Input], "the text and the message around it")
	require.False(t, e.HeldBefore.LessThan(e.Charge))
	body := c.Body()
	if e.Call.Streamed {
		data := c.Data()
		require.Equal(t, "[DONE]", data[len(data)-1])
		body = data[len(data)-2]
	}
	a := parse(t, body)
	require.Equal(t, e.Charge.String(), a.Usage.Cost.String())
	require.Equal(t, tokens, a.Usage.Completion)
}

func TestMoreThanTheCapIsNotCharged(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t)
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3000&fault=long"), `"max_tokens":20`)
		if stream {
			body = streamed(body)
		}
		_, err := k.Do(body)
		require.NoError(t, err)
		e := k.Only()
		require.Equal(t, int64(20), e.Usage.Completion())
		require.True(t, e.Call.Suspect)
	}
}

func TestAnEmptyCompletionIsFree(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t)
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "fault=empty"))
		if stream {
			body = streamed(body)
		}
		c, err := k.Do(body)
		require.NoError(t, err)
		require.Equal(t, "empty_completion", k.OnlyReleased().Reason)
		require.Contains(t, c.Body(), `"cost":0,`)
		require.Equal(t, stream, strings.HasSuffix(c.Body(), "data: [DONE]\n\n"))
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	tight := func(o *gateway.Options) { o.MaxAnswer, o.MaxEvent = 1000, 300 }
	k := gatewaytest.New(t, tight)
	_, err := k.Do(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5000"), `"max_tokens":9000`))
	require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err))
	require.Equal(t, string(gateway.CodeVendorError), k.OnlyReleased().Reason)

	k = gatewaytest.New(t, tight)
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`data: {"choices":[{"delta":{"content":"hello"}}]}` + "\n\ndata: " + strings.Repeat("x", 2000)))
	}))
	c, err := k.Do(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, ""), `"max_tokens":9`)))
	require.NoError(t, err)
	require.Contains(t, c.Body(), `"error_type":"vendor_error"`)
	require.Equal(t, int64(1), k.Only().Usage[usage.Output])
}

func TestASlowDripIsPutTogether(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t)
		body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=6&fault=slow_drip&piece=7&between=100us"), `"max_tokens":20`)
		if stream {
			body = streamed(body)
		}
		_, err := k.Do(body)
		require.NoError(t, err)
		require.Equal(t, int64(6), k.Only().Usage[usage.Output])
	}
}
