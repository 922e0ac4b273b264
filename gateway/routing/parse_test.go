package routing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/routing"
)

func limit(amount string) routing.Limit {
	return routing.Limit{Set: true, Amount: money.MustParse(amount)}
}

func TestPreferencesAreRead(t *testing.T) {
	t.Parallel()
	type p = routing.Preferences
	for raw, want := range map[string]p{
		``:     {},
		`null`: {},
		`{}`:   {},
		`{"order":["OpenAI","Google AI Studio","deepinfra/turbo","openai"]}`:     {Order: []string{"openai", "google-ai-studio", "deepinfra/turbo"}},
		`{"only":["a"],"ignore":["b"]}`:                                          {Only: []string{"a"}, Ignore: []string{"b"}},
		`{"order":null,"only":null,"ignore":[],"quantizations":null}`:            {},
		`{"allow_fallbacks":false}`:                                              {NoFallbacks: true},
		`{"allow_fallbacks":true,"require_parameters":false,"zdr":null}`:         {},
		`{"allow_fallbacks":null}`:                                               {},
		`{"require_parameters":true,"zdr":true,"enforce_distillable_text":true}`: {RequireParameters: true, ZDR: true, Distillable: true},
		`{"data_collection":"deny"}`:                                             {DenyCollection: true},
		`{"data_collection":"allow"}`:                                            {},
		`{"data_collection":null}`:                                               {},
		`{"quantizations":["fp8","unknown"]}`:                                    {Quantizations: []string{"fp8", "unknown"}},
		`{"sort":"price"}`:                                                       {Sort: routing.ByPrice},
		`{"sort":null}`:                                                          {},
		`{"sort":{"by":"throughput"}}`:                                           {Sort: routing.ByThroughput},
		`{"sort":{"by":"latency","partition":"none"}}`:                           {Sort: routing.ByLatency, Partition: routing.AcrossModels},
		`{"sort":{"by":null,"partition":"model"}}`:                               {},
		`{"preferred_min_throughput":100}`:                                       {MinThroughput: routing.Cutoffs{100}},
		`{"preferred_max_latency":{"p50":1.5,"p75":2,"p90":3e0,"p99":null}}`:     {MaxLatency: routing.Cutoffs{1.5, 2, 3}},
		`{"preferred_min_throughput":null,"preferred_max_latency":null}`:         {},
		`{"max_price":{"prompt":1,"completion":"2.50"}}`:                         {MaxPrice: routing.MaxPrice{Prompt: limit("1"), Completion: limit("2.5")}},
		`{"max_price":{"request":0,"image":1.5e-2,"audio":"0.000000000001"}}`:    {MaxPrice: routing.MaxPrice{Request: limit("0"), Image: limit("0.015"), Audio: limit("0.000000000001")}},
		`{"max_price":{"prompt":0.1}}`:                                           {MaxPrice: routing.MaxPrice{Prompt: limit("0.1")}},
		`{"max_price":{"prompt":12E2,"completion":null}}`:                        {MaxPrice: routing.MaxPrice{Prompt: limit("1200")}},
		`{"max_price":null}`:                                                     {},
		`  {"zdr" : true , "order" : [ "a\u0062" ] } `:                           {ZDR: true, Order: []string{"ab"}},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			got, err := routing.ParsePreferences(jsontext.Value(raw))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestPreferencesAreRefused(t *testing.T) {
	t.Parallel()
	many := `["a` + strings.Repeat(`","a`, 100) + `"]`
	for raw, param := range map[string]string{
		`[]`:                       "provider",
		`"openai"`:                 "provider",
		`{`:                        "provider",
		`{"zdr":true} {}`:          "provider",
		`{"zdr":true,"zdr":false}`: "provider",
		`{"zdr":1}`:                "provider.zdr",
		`{"ZDR":true}`:             "provider.ZDR",
		`{"provider":{}}`:          "provider.provider",
		`{"order":"openai"}`:       "provider.order",
		`{"order":[1]}`:            "provider.order",
		`{"order":[["a"]]}`:        "provider.order",
		`{"order":[""]}`:           "provider.order",
		`{"only":` + many + `}`:    "provider.only",
		`{"ignore":["` + strings.Repeat("a", 101) + `"]}`: "provider.ignore",
		`{"allow_fallbacks":"no"}`:                        "provider.allow_fallbacks",
		`{"data_collection":"maybe"}`:                     "provider.data_collection",
		`{"data_collection":true}`:                        "provider.data_collection",
		`{"quantizations":["fp9"]}`:                       "provider.quantizations",
		`{"sort":"exacto"}`:                               "provider.sort",
		`{"sort":["price"]}`:                              "provider.sort",
		`{"sort":""}`:                                     "provider.sort",
		`{"sort":{"by":"cheap"}}`:                         "provider.sort.by",
		`{"sort":{"partition":"all"}}`:                    "provider.sort.partition",
		`{"sort":{"order":"asc"}}`:                        "provider.sort.order",
		`{"preferred_min_throughput":0}`:                  "provider.preferred_min_throughput",
		`{"preferred_min_throughput":"100"}`:              "provider.preferred_min_throughput",
		`{"preferred_max_latency":-1}`:                    "provider.preferred_max_latency",
		`{"preferred_max_latency":1e400}`:                 "provider.preferred_max_latency",
		`{"preferred_max_latency":{"p95":1}}`:             "provider.preferred_max_latency.p95",
		`{"preferred_max_latency":{"p90":""}}`:            "provider.preferred_max_latency.p90",
		`{"max_price":1}`:                                 "provider.max_price",
		`{"max_price":{"prompt":-1}}`:                     "provider.max_price.prompt",
		`{"max_price":{"prompt":"1e-3"}}`:                 "provider.max_price.prompt",
		`{"max_price":{"prompt":1e999999999}}`:            "provider.max_price.prompt",
		`{"max_price":{"prompt":1e-13}}`:                  "provider.max_price.prompt",
		`{"max_price":{"prompt":1e18}}`:                   "provider.max_price.prompt",
		`{"max_price":{"image":" 1"}}`:                    "provider.max_price.image",
		`{"max_price":{"tokens":1}}`:                      "provider.max_price.tokens",
	} {
		t.Run(param+" "+raw[:min(40, len(raw))], func(t *testing.T) {
			t.Parallel()
			_, err := routing.ParsePreferences(jsontext.Value(raw))
			requireRefused(t, err, param)
		})
	}
}

func requireRefused(t require.TestingT, err error, param string) {
	var refusal *domain.Error
	if !errors.As(err, &refusal) {
		require.Fail(t, "not refused", "%v", err)
	}
	require.Equal(t, domain.CodeInvalid, refusal.Code)
	require.Equal(t, param, refusal.Details["param"])
}

func TestModelsAreRead(t *testing.T) {
	t.Parallel()
	got, err := routing.ParseModels(jsontext.Value(`["a/b","c/d:free"]`))
	require.NoError(t, err)
	require.Equal(t, []string{"a/b", "c/d:free"}, got)
	got, err = routing.ParseModels(jsontext.Value(`null`))
	require.NoError(t, err)
	require.Empty(t, got)
	for _, raw := range []string{`"a/b"`, `[1]`, `[""]`, `["a"`, `["a/b"]]`, `["a` + strings.Repeat(`","a`, 20) + `"]`} {
		_, err := routing.ParseModels(jsontext.Value(raw))
		requireRefused(t, err, "models")
	}
}

func TestRouteIsRead(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]routing.Partition{
		"": routing.WithinModel, "null": routing.WithinModel, `"fallback"`: routing.WithinModel, `"sort"`: routing.AcrossModels,
	} {
		got, err := routing.ParseRoute(jsontext.Value(raw))
		require.NoError(t, err)
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{`"none"`, `1`, `{}`, `"sort" 1`, `"sor`} {
		_, err := routing.ParseRoute(jsontext.Value(raw))
		requireRefused(t, err, "route")
	}
}

func TestNamesOfModels(t *testing.T) {
	t.Parallel()
	known := func(id string) bool { return id == "a/b" || id == "a/c:8b" || id == "a/d:free" }
	for name, want := range map[string]routing.Model{
		"a/b":           {ID: "a/b"},
		"a/b:free":      {ID: "a/b", Variant: routing.Free},
		"a/b:nitro":     {ID: "a/b", Variant: routing.Nitro},
		"a/b:floor":     {ID: "a/b", Variant: routing.Floor},
		"a/c:8b":        {ID: "a/c:8b"},
		"a/c:8b:floor":  {ID: "a/c:8b", Variant: routing.Floor},
		"a/d:free":      {ID: "a/d:free"},
		"x/unknown":     {ID: "x/unknown"},
		"x/unknown:70b": {ID: "x/unknown:70b"},
	} {
		got, err := routing.ParseModel(name, "model", known)
		require.Nil(t, err, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "a/b:online", "x/unknown:online", "a/b:thinking", "a/b:", strings.Repeat("a", 201)} {
		_, err := routing.ParseModel(name, "model", known)
		require.NotNil(t, err, name)
		requireRefused(t, err, "model")
	}
	require.True(t, routing.IsAuto("openrouter/auto"))
	require.False(t, routing.IsAuto("openrouter/auto2"))
}

func TestVariantsThatContradictTheSortAreRefused(t *testing.T) {
	t.Parallel()
	nitro := []routing.Model{{ID: "a/b", Variant: routing.Nitro}, {ID: "a/c"}, {ID: "a/b"}}
	got, err := routing.Preferences{}.WithModels(nitro)
	require.Nil(t, err)
	require.Equal(t, nitro[:2], got.Models, "each once")
	_, err = routing.Preferences{Sort: routing.ByThroughput}.WithModels(nitro)
	require.Nil(t, err)
	_, err = routing.Preferences{Sort: routing.ByPrice}.WithModels(nitro)
	requireRefused(t, err, "provider.sort")
	_, err = routing.Preferences{Partition: routing.AcrossModels}.WithModels(nitro)
	requireRefused(t, err, "provider.sort.partition")
}

func FuzzParsePreferences(f *testing.F) {
	f.Add(`{"order":["a"],"sort":{"by":"price","partition":"none"},"max_price":{"prompt":1e-3},"preferred_max_latency":{"p90":3}}`)
	f.Add(`{"max_price":{"prompt":1e999999999}}`)
	f.Add(`[[[[[[[[[[[`)
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := routing.ParsePreferences(jsontext.Value(raw))
		if err != nil {
			var refusal *domain.Error
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, domain.CodeInvalid, refusal.Code)
			require.Contains(t, refusal.Details["param"], "provider")
			require.LessOrEqual(t, len(refusal.Error()), 1000+len(fmt.Sprint(refusal.Cause)))
			return
		}
		for _, l := range []routing.Limit{p.MaxPrice.Prompt, p.MaxPrice.Completion, p.MaxPrice.Request, p.MaxPrice.Image, p.MaxPrice.Audio} {
			require.NoError(t, l.Amount.Check())
			require.GreaterOrEqual(t, l.Amount.Sign(), 0)
		}
	})
}
