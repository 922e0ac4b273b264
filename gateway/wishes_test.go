package gateway_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/routing"
)

// TestTermsOfAnEndpoint: what a vendor says of how it runs a model decides who serves a caller that insists on it. One endpoint is
// cheaper and says nothing, or the wrong thing: without wishes it would serve.
func TestTermsOfAnEndpoint(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		wishes      string
		good, other catalog.Terms
		reason      routing.Reason
	}{
		"quantization": {
			`"provider":{"quantizations":["fp8","bf16"]}`,
			catalog.Terms{Quantization: "bf16"},
			catalog.Terms{Quantization: "int4"},
			routing.Quantization,
		},
		"a quantization that nobody said": {
			`"provider":{"quantizations":["fp8"]}`,
			catalog.Terms{Quantization: "fp8"},
			catalog.Terms{},
			routing.Quantization,
		},
		"unknown quantization": {
			`"provider":{"quantizations":["unknown"]}`,
			catalog.Terms{},
			catalog.Terms{Quantization: "fp8"},
			routing.Quantization,
		},
		"training": {
			`"provider":{"data_collection":"deny"}`,
			catalog.Terms{DataPolicy: &catalog.DataPolicy{}},
			catalog.Terms{DataPolicy: &catalog.DataPolicy{Training: true}},
			routing.CollectsData,
		},
		"retention": {
			`"provider":{"data_collection":"deny"}`,
			catalog.Terms{DataPolicy: &catalog.DataPolicy{}},
			catalog.Terms{DataPolicy: &catalog.DataPolicy{RetainsPrompts: true, RetentionDays: 30}},
			routing.CollectsData,
		},
		"a policy that nobody said": {
			`"provider":{"data_collection":"deny"}`,
			catalog.Terms{DataPolicy: &catalog.DataPolicy{ZDR: true}},
			catalog.Terms{},
			routing.CollectsData,
		},
		"zero retention": {
			`"provider":{"zdr":true}`,
			catalog.Terms{DataPolicy: &catalog.DataPolicy{ZDR: true}},
			catalog.Terms{DataPolicy: &catalog.DataPolicy{}},
			routing.RetainsData,
		},
		"parameters": {
			`"provider":{"require_parameters":true},"seed":7,"stop":null`,
			catalog.Terms{SupportedParameters: []string{"seed", "max_tokens"}},
			catalog.Terms{SupportedParameters: []string{"max_tokens", "stop"}},
			routing.ParameterMissing,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			model := k.Model(gatewaytest.Canceller, "tokens=3")
			k.Offer(model, gatewaytest.Drainer, "tokens=3", k.Price())
			good, other := model+"@"+gatewaytest.Canceller, model+"@"+gatewaytest.Drainer
			k.Catalog.Change(func(p *gateway.Picture) {
				for id, terms := range map[string]catalog.Terms{good: row.good, other: row.other} {
					e := p.Endpoints[id]
					e.Terms = terms
					p.Endpoints[id] = e
				}
			})
			// Preferred, so that only the wish decides.
			wishes := insert(row.wishes, `,"order":["`+gatewaytest.Drainer+`"]}`)
			call := k.Call(gatewaytest.Body(model, `"max_tokens":5`, wishes))
			call.Explain = true
			c := gatewaytest.NewClient()
			require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
			require.Equal(t, good, k.Only().Endpoint)
			var told routing.Explanation
			require.NoError(t, json.Unmarshal([]byte(c.Routing()), &told))
			reasons := map[string]routing.Reason{}
			for _, one := range told.Considered {
				reasons[one.Endpoint] = one.Reason
			}
			require.Equal(t, row.reason, reasons[other])

			_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`, insert(row.wishes, `,"ignore":["`+gatewaytest.Canceller+`"]}`)))
			require.Equal(t, routing.CodeNoEndpoint, domain.CodeOf(err), "%v", err)
		})
	}
}

// insert puts more members into the first object of a text, before its end.
func insert(text, more string) string {
	for i := range text {
		if text[i] == '}' {
			return text[:i] + more + text[i+1:]
		}
	}
	return text
}

// TestDistillable: only models whose authors allow it.
func TestDistillable(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	body := gatewaytest.Body(model, `"max_tokens":5`, `"provider":{"enforce_distillable_text":true}`)
	_, err := k.Do(body)
	require.Equal(t, routing.CodeNoEndpoint, domain.CodeOf(err))
	k.Catalog.Change(func(p *gateway.Picture) {
		m := p.Models[model]
		m.Facts.Distillable = true
		p.Models[model] = m
	})
	_, err = k.Do(body)
	require.NoError(t, err)
}
