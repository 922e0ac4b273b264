package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// sorter is a model that sorts documents.
func sorter(k *gatewaytest.Kit, vendor, controls string) string {
	return k.Does(k.Model(vendor, controls), "rerank")
}

func sorting(model string, documents int, members ...string) exchange.Incoming {
	body := fmt.Sprintf(`{"model":%q,"query":"what is it","documents":[%s]`, model, strings.TrimSuffix(strings.Repeat(`"a document",`, documents), ","))
	for _, m := range members {
		body += "," + m
	}
	return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Rerank, Body: []byte(body + "}")}
}

// TestRerankIsChargedByTokensOrBySearches, as the model's price says.
func TestRerankIsChargedByTokensOrBySearches(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	c, err := doEmbed(t, k, sorting(sorter(k, gatewaytest.Canceller, ""), 250, `"top_n":2`, `"return_documents":true`))
	require.NoError(t, err)
	charged := k.Only()
	require.Equal(t, usage.Usage{usage.Input: k.Sim.Totals().Reported.Prompt, usage.Search: 3, usage.Request: 1}, charged.Usage)
	require.Equal(t, usage.Reported, charged.Provenance)
	require.False(t, charged.Call.Suspect)
	require.Equal(t, gatewaytest.Cost(charged.Usage), charged.Charge, "searches have no price here")
	answer := decode(t, c.Body())
	require.Len(t, list(answer["results"]), 2)
	require.Equal(t, charged.Charge.String(), number(object(answer["usage"])["cost"]))
	require.Equal(t, "3", number(object(answer["usage"])["search_units"]))
	require.Equal(t, c.Generation(), answer["id"])
	require.NotContains(t, c.Body(), "sim-large")

	k = gatewaytest.New(t, hasty)
	price := k.Price()
	price.Price.Base = map[usage.Class]money.Price{usage.Input: money.MustPrice("0"), usage.Output: money.MustPrice("0"), usage.Search: money.MustPrice("0.002")}
	model := k.Does(k.ModelAt(gatewaytest.Canceller, "", price), "rerank")
	_, err = doEmbed(t, k, sorting(model, 250))
	require.NoError(t, err)
	require.Equal(t, "0.006", k.Only().Charge.String())
	require.False(t, k.Only().Call.Suspect)
	require.Equal(t, "0.02", k.History().Placed[0].Amount.String(), "what is held is for ten")
}

// TestRerankFaults: a status for the caller, and a hold that is released.
func TestRerankFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]domain.Code{
		"400": gateway.CodeVendorRefused, "500": gateway.CodeVendorError, "503&retry_after=60": gateway.CodeVendorOverloaded, "malformed": gateway.CodeVendorError,
		"malformed&variant=html": gateway.CodeVendorError, "empty": gateway.CodeVendorError, "cut": gateway.CodeVendorError, "error_in_stream": gateway.CodeVendorError,
		"timeout_before": gateway.CodeVendorTimeout,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty, patience(fault))
			_, err := doEmbed(t, k, sorting(sorter(k, gatewaytest.Canceller, "fault="+fault), 3))
			require.Equal(t, want, domain.CodeOf(err), "%v", err)
			require.Equal(t, string(want), k.OnlyReleased().Reason)
		})
	}
}

// TestRerankWithoutATrueUsage is estimated, as one search, and looked at.
func TestRerankWithoutATrueUsage(t *testing.T) {
	t.Parallel()
	for _, controls := range []string{"fault=no_usage", "fault=absurd_usage&variant=negative", "fault=absurd_usage&variant=huge", "fault=absurd_usage&variant=fraction"} {
		t.Run(controls, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			_, err := doEmbed(t, k, sorting(sorter(k, gatewaytest.Canceller, controls), 3))
			require.NoError(t, err)
			charged := k.Only()
			require.Equal(t, usage.Estimated, charged.Provenance)
			require.True(t, charged.Call.Suspect)
			require.EqualValues(t, 1, charged.Usage[usage.Search])
			require.Positive(t, charged.Usage.Prompt())
			require.Zero(t, charged.Usage.Completion())
		})
	}
}

// TestRerankGoesToWhoeverCan: another vendor when the first one fails; nobody when no vendor of the model has this form.
func TestRerankGoesToWhoeverCan(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := sorter(k, gatewaytest.Canceller, "fault=503&retry_after=60")
	k.Offer(model, gatewaytest.Drainer, "", k.Price())
	_, err := doEmbed(t, k, sorting(model, 3, `"provider":{"order":["acme"]}`))
	require.NoError(t, err)
	h := k.Settled()
	require.Len(t, h.Released, 1)
	require.Equal(t, model+"@"+gatewaytest.Drainer, h.Charged[0].Endpoint)

	k = gatewaytest.New(t, hasty)
	for _, in := range []exchange.Incoming{
		sorting(sorter(k, gatewaytest.Vendor(chat.Gemini), ""), 3), sorting(k.Model(gatewaytest.Canceller, ""), 3), sorting(embedder(k, gatewaytest.Canceller, ""), 3),
		embed(float, sorter(k, gatewaytest.Canceller, "")), gatewaytest.Ask(chat.Anthropic, sorter(k, gatewaytest.Canceller, ""), false, 20),
	} {
		_, err := doEmbed(t, k, in)
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, domain.CodeInvalid, e.Code, "%v", err)
		require.Equal(t, "model", e.Details["param"])
	}
	require.Empty(t, k.History().Placed)
}
