package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// continuing is a call for the continuation of a text.
func continuing(model string, members ...string) exchange.Incoming {
	body := fmt.Sprintf(`{"model":%q,"prompt":"Once upon a time"`, model)
	for _, m := range members {
		body += "," + m
	}
	return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Completion, Body: []byte(body + "}")}
}

// continuation is the text of each choice, the cost, and whether the answer is at its proper end.
func continuation(t *testing.T, c *gatewaytest.Client) (texts [4]string, cost string, ended bool) {
	t.Helper()
	parts := []string{c.Body()}
	if c.Opened() {
		parts = c.Data()
	}
	for _, part := range parts {
		if part == "[DONE]" {
			ended = true
			continue
		}
		e := decode(t, part)
		require.Equal(t, "text_completion", e["object"], part)
		for _, choice := range list(e["choices"]) {
			var i int
			_, err := fmt.Sscan(number(choice["index"]), &i)
			require.NoError(t, err)
			texts[i] += word(choice["text"])
		}
		cost += number(object(e["usage"])["cost"])
	}
	return texts, cost, ended || !c.Opened()
}

// TestCompletionsByEveryVendor: the caller gets the text and the cost that is charged, whatever the vendor speaks.
func TestCompletionsByEveryVendor(t *testing.T) {
	t.Parallel()
	for _, d := range vendors() {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s stream %t", d, stream), func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty)
				model := k.Model(gatewaytest.Vendor(d), "tokens=9")
				c, err := doEmbed(t, k, continuing(model, `"max_tokens":20`, fmt.Sprintf(`"stream":%t`, stream)))
				require.NoError(t, err)
				texts, cost, ended := continuation(t, c)
				require.True(t, ended, "%s", c.Body())
				require.Len(t, strings.Fields(texts[0]), 9, "%s", c.Body())
				charged := k.Only()
				require.Equal(t, charged.Charge.String(), cost, "%s", c.Body())
				require.Equal(t, usage.Reported, charged.Provenance)
				require.False(t, charged.Call.Suspect)
				require.Equal(t, "stop", charged.Call.FinishReason)
				totals := k.Sim.Totals()
				require.Equal(t, totals.Reported.Prompt, charged.Usage.Prompt())
				require.Equal(t, totals.Reported.Completion, charged.Usage.Completion())
				require.Equal(t, d == chat.OpenAI, totals.Dialects["completions"].Calls == 1)
				require.Contains(t, c.Body(), c.Generation())
				require.NotContains(t, c.Body(), "sim-large")
			})
		}
	}
}

// TestCompletionsOfManyPrompts: the hold is for all that the vendor makes, also for what best_of hides.
func TestCompletionsOfManyPrompts(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	in := continuing(k.Model(gatewaytest.Canceller, "tokens=9"), `"n":2`, `"best_of":3`, `"max_tokens":5`)
	in.Body = []byte(strings.Replace(string(in.Body), `"Once upon a time"`, `["Once","Twice"]`, 1))
	c, err := doEmbed(t, k, in)
	require.NoError(t, err)
	texts, _, _ := continuation(t, c)
	for _, text := range texts {
		require.Len(t, strings.Fields(text), 5)
	}
	require.EqualValues(t, 2*3*5, k.Only().Usage.Completion())
	require.EqualValues(t, 2*3*5, k.History().Placed[0].CompletionTokens)
}

// TestCompletionsThatNobodyCanSay are refused by name by vendors of other dialects, unless the caller lets them go; another vendor may
// be able to say them.
func TestCompletionsThatNobodyCanSay(t *testing.T) {
	t.Parallel()
	for member, drops := range map[string]bool{`"echo":true`: true, `"suffix":"x"`: true, `"best_of":2`: true, `"logprobs":1`: true, `"prompt":["a","b"]`: false, `"prompt":[1,2]`: false} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			model := k.Model(gatewaytest.Vendor(chat.Anthropic), "tokens=3")
			in := continuing(model, member)
			if strings.HasPrefix(member, `"prompt"`) {
				in.Body = fmt.Appendf(nil, `{"model":%q,%s}`, model, member)
			}
			_, err := doEmbed(t, k, in)
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Equal(t, strings.Split(member, `"`)[1], e.Details["param"])
			require.Zero(t, k.Sim.Totals().Calls)

			call := k.Call("")
			call.Incoming, call.DropUnsupported = in, true
			require.Equal(t, drops, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()) == nil)

			k.Offer(model, gatewaytest.Canceller, "tokens=3", k.Price())
			in.Body = []byte(strings.TrimSuffix(string(in.Body), "}") + `,"provider":{"order":["acme-anthropic"]}}`)
			_, err = doEmbed(t, k, in)
			require.NoError(t, err, "the next vendor can")
			require.EqualValues(t, 1, k.Sim.Totals().Dialects["completions"].Calls)
		})
	}
}

// TestCompletionFaults: before anything came out the caller gets a status; what came out of a stream that broke is charged.
func TestCompletionFaults(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		for fault, want := range map[string]domain.Code{
			"400": gateway.CodeVendorRefused, "500": gateway.CodeVendorError, "529": gateway.CodeVendorOverloaded, "malformed&variant=html": gateway.CodeVendorError,
			"timeout_before": gateway.CodeVendorTimeout,
		} {
			t.Run(fmt.Sprintf("%s stream %t", fault, stream), func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty, patience(fault))
				_, err := doEmbed(t, k, continuing(k.Model(gatewaytest.Canceller, "fault="+fault), fmt.Sprintf(`"stream":%t`, stream)))
				require.Equal(t, want, domain.CodeOf(err), "%v", err)
				require.Equal(t, string(want), k.OnlyReleased().Reason)
			})
		}
	}
	for _, fault := range []string{"cut", "error_in_stream", "malformed&variant=json"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			c, err := doEmbed(t, k, continuing(k.Model(gatewaytest.Canceller, "tokens=9&after=5&fault="+fault), `"stream":true`, `"echo":true`))
			require.NoError(t, err)
			charged := k.Only()
			require.Equal(t, usage.Estimated, charged.Provenance)
			require.EqualValues(t, 5, charged.Usage.Completion(), "without the echo")
			require.Contains(t, c.Body(), `"error_type":"vendor_error"`)
			require.Contains(t, c.Body(), `"finish_reason":"error"`)
		})
	}
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("no usage, stream %t", stream), func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			c, err := doEmbed(t, k, continuing(k.Model(gatewaytest.Canceller, "tokens=9&fault=no_usage"), fmt.Sprintf(`"stream":%t`, stream)))
			require.NoError(t, err)
			charged := k.Only()
			require.Equal(t, usage.Estimated, charged.Provenance)
			require.True(t, charged.Call.Suspect)
			require.EqualValues(t, 9, charged.Usage.Completion())
			_, cost, ended := continuation(t, c)
			require.True(t, ended)
			require.Equal(t, charged.Charge.String(), cost)
		})
	}
}

// TestACallerWhoLeavesACompletion pays for what was produced until then.
func TestACallerWhoLeavesACompletion(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	ctx, leave := context.WithCancel(t.Context())
	c := gatewaytest.NewClient()
	pieces := 0
	c.OnWrite = func(string) error {
		if pieces++; pieces == 3 {
			leave()
			return gatewaytest.ErrHungUp
		}
		return nil
	}
	call := k.Call("")
	call.Incoming = continuing(k.Model(gatewaytest.Canceller, "tokens=5000&between=1ms"), `"stream":true`, `"max_tokens":6000`)
	_ = k.Gateway.Complete(ctx, call, c)
	charged := k.Only()
	require.Equal(t, usage.Estimated, charged.Provenance)
	require.True(t, charged.Call.Cancelled)
	require.Positive(t, charged.Usage.Completion())
	require.Less(t, charged.Usage.Completion(), int64(5000))
}
