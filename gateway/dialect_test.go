package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

func dialects() []chat.Dialect {
	return []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini}
}

// vendors are the dialects of vendors: all of callers, and one more.
func vendors() []chat.Dialect { return append(dialects(), chat.Bedrock) }

// heard is the text that a caller got, its usage's cost, and whether the answer is at its proper end.
func heard(t *testing.T, d chat.Dialect, c *gatewaytest.Client) (text, cost string, ended bool) {
	t.Helper()
	var events []map[string]any
	if !c.Opened() {
		events = append(events, decode(t, c.Body()))
	}
	for part := range strings.SplitSeq(c.Body(), "\n") {
		if data, ok := strings.CutPrefix(part, "data: "); ok && c.Opened() {
			if data == "[DONE]" {
				ended = true
				continue
			}
			events = append(events, decode(t, data))
		}
	}
	for _, e := range events {
		switch d {
		case chat.Anthropic:
			for _, block := range list(e["content"]) {
				text += word(block["text"])
			}
			text += word(object(e["delta"])["text"])
			cost += number(object(e["usage"])["cost"])
			ended = ended || e["type"] == "message_stop" || !c.Opened()
		case chat.Gemini:
			for _, candidate := range list(e["candidates"]) {
				for _, part := range list(object(candidate["content"])["parts"]) {
					text += word(part["text"])
				}
				ended = ended || candidate["finishReason"] != nil
			}
			cost += number(object(e["usageMetadata"])["cost"])
		case chat.Responses:
			if c.Opened() && e["type"] == "response.output_text.delta" {
				text += word(e["delta"])
			}
			response := object(e["response"])
			if !c.Opened() {
				response = e
				for _, item := range list(e["output"]) {
					for _, part := range list(item["content"]) {
						text += word(part["text"])
					}
				}
			}
			cost += number(object(response["usage"])["cost"])
			ended = ended || e["type"] == "response.completed" || !c.Opened()
		case chat.OpenAI:
			for _, choice := range list(e["choices"]) {
				text += word(object(choice["message"])["content"]) + word(object(choice["delta"])["content"])
			}
			cost += number(object(e["usage"])["cost"])
			ended = ended || !c.Opened()
		case chat.Bedrock: // of vendors only
		}
	}
	return text, cost, ended
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value map[string]any
	require.NoError(t, d.Decode(&value), "%s", text)
	return value
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func word(v any) string           { s, _ := v.(string); return s }
func number(v any) string         { n, _ := v.(json.Number); return n.String() }
func list(v any) (all []map[string]any) {
	items, _ := v.([]any)
	for _, item := range items {
		all = append(all, object(item))
	}
	return all
}

// TestEveryDialectPair: whatever the caller and the vendor speak, the caller gets the text that the vendor produced and the cost that
// the ledger charged, and the ledger's usage is the simulator's own.
func TestEveryDialectPair(t *testing.T) {
	t.Parallel()
	for _, in := range dialects() {
		for _, out := range vendors() {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s stream %t", in, out, stream), func(t *testing.T) {
					t.Parallel()
					k := gatewaytest.New(t, hasty)
					model := k.Model(gatewaytest.Vendor(out), "tokens=9&cached=2&cache_write=3&reasoning=4")
					call := k.Call("")
					call.Incoming = gatewaytest.Ask(in, model, stream, 20)
					c := gatewaytest.NewClient()
					require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
					charged := k.Only()
					text, cost, ended := heard(t, in, c)
					require.True(t, ended, "%s", c.Body())
					require.Len(t, strings.Fields(text), 9, "%s", c.Body())
					require.Equal(t, charged.Charge.String(), cost, "%s", c.Body())
					require.Equal(t, usage.Reported, charged.Provenance)
					require.False(t, charged.Call.Suspect)
					require.Equal(t, "stop", charged.Call.FinishReason)
					totals := k.Sim.Totals().Reported
					require.Equal(t, totals.Prompt, charged.Usage.Prompt())
					require.Equal(t, totals.Completion, charged.Usage.Completion())
					require.Equal(t, int64(2), charged.Usage[usage.CacheRead])
					reasoning := int64(4)
					if out == chat.Bedrock {
						reasoning = 0 // it does not tell it
					}
					require.Equal(t, reasoning, charged.Usage[usage.Reasoning])
					require.Contains(t, c.Body(), c.Generation())
					require.Contains(t, c.Body(), model)
					require.NotContains(t, c.Body(), "sim-large")
				})
			}
		}
	}
}

// TestFaultsInEveryDialectPair: a fault comes to the same outcome, charge and record in all of them.
func TestFaultsInEveryDialectPair(t *testing.T) {
	t.Parallel()
	for _, in := range dialects() {
		for _, out := range vendors() {
			for fault, want := range map[string]domain.Code{
				"400": gateway.CodeVendorRefused, "401": gateway.CodeVendorUnavailable, "429&retry_after=60": gateway.CodeVendorOverloaded, "429&variant=insufficient_quota": gateway.CodeVendorUnavailable, "403": gateway.CodeVendorError, "500": gateway.CodeVendorError,
				"503&retry_after=60": gateway.CodeVendorOverloaded, "529": gateway.CodeVendorOverloaded, "malformed&variant=html": gateway.CodeVendorError,
			} {
				for _, stream := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s to %s fault %s stream %t", in, out, fault, stream), func(t *testing.T) {
						t.Parallel()
						k := gatewaytest.New(t, hasty)
						call := k.Call("")
						call.Incoming = gatewaytest.Ask(in, k.Model(gatewaytest.Vendor(out), "fault="+fault), stream, 20)
						err := k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
						require.Equal(t, want, domain.CodeOf(err), "%v", err)
						require.Equal(t, string(want), k.OnlyReleased().Reason)
					})
				}
			}
		}
	}
}

// TestBrokenStreamsInEveryDialectPair: what came out before the break is charged, and the stream says that it broke.
func TestBrokenStreamsInEveryDialectPair(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)  // one for all: each gateway loads the tokenizer when it first estimates
	for _, in := range dialects() { //nolint:paralleltest // they share a kit, which is not safe for that
		for _, out := range vendors() {
			for _, fault := range []string{"cut", "error_in_stream", "malformed&variant=json"} {
				t.Run(fmt.Sprintf("%s to %s %s", in, out, fault), func(t *testing.T) {
					call := k.Call("")
					call.WalletID, call.KeyID, call.Secret = k.Customer("1")
					call.Incoming = gatewaytest.Ask(in, k.Model(gatewaytest.Vendor(out), "tokens=9&after=5&fault="+fault), true, 20)
					c := gatewaytest.NewClient()
					require.NoError(t, k.Gateway.Complete(context.WithoutCancel(t.Context()), call, c))
					history := k.HistoryOf(call.WalletID)
					require.Len(t, history.Charged, 1)
					charged := history.Charged[0]
					require.Equal(t, usage.Estimated, charged.Provenance)
					require.True(t, charged.Call.Suspect)
					require.Equal(t, int64(5), charged.Usage.Completion())
					text, _, _ := heard(t, in, c)
					require.Len(t, strings.Fields(text), 5)
					require.Contains(t, c.Body(), `"error_type":"vendor_error"`)
				})
			}
		}
	}
}

// TestTheAddressIsAPartOfTheCall: the same token and body, but another model or another dialect, is another call.
func TestTheAddressIsAPartOfTheCall(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, hasty)
	model, other := k.Model(gatewaytest.Canceller, "tokens=3"), k.Model(gatewaytest.Canceller, "tokens=4")
	ask := func(model string, stream bool) (*gatewaytest.Client, error) {
		call, c := k.Call(""), gatewaytest.NewClient()
		call.Token, call.Incoming = "once", gatewaytest.Ask(chat.Gemini, model, stream, 20)
		return c, k.Gateway.Complete(t.Context(), call, c)
	}
	_, err := ask(model, false)
	require.NoError(t, err)
	again, err := ask(model, false)
	require.NoError(t, err)
	require.True(t, again.Replayed())
	for _, stream := range []bool{false, true} {
		_, err = ask(other, stream)
		require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	}
	_, err = ask(model, true)
	require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	require.Len(t, k.History().Charged, 1)
}
