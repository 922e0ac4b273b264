package http_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

// asOpenRouter requires that an answer is what OpenRouter's own document says, and that it has no member there that the
// document does not have.
func (b *bundle) asOpenRouter(path string, headers ...header) answer {
	b.t.Helper()
	return b.sendAsOpenRouter("GET", path, nil, headers...)
}

func (b *bundle) sendAsOpenRouter(method, path string, body any, headers ...header) answer {
	b.t.Helper()
	got := b.send(method, path, body, headers...)
	theirs := openRouter(b.t)
	u, err := url.Parse(b.url + path)
	require.NoError(b.t, err)
	request := request(b.t, u)
	request.Method = method
	input := theirs.find(request, "/api/v1")
	require.NotNil(b.t, input, path)
	require.NoError(b.t, theirs.check(b.t.Context(), input, got.status, got.header, got.body))
	if got.status < 300 {
		var value any
		require.NoError(b.t, json.Unmarshal(got.body, &value))
		known(b.t, input.Route.Operation.Responses.Status(got.status).Value.Content.Get("application/json").Schema.Value, value, "")
	}
	return got
}

// extensions are what prices here have beside OpenRouter's.
func extensions() []string {
	return []string{
		"/overrides/request", "/overrides/internal_reasoning", "/overrides/audio_output", "/overrides/image_token", "/overrides/image_output",
		"/overrides/web_search",
		// What its clients of later versions insist on.
		"/supports_tool_choice", "/allowed_data_regions", "/free_model_daily_requests", "/organization_id", "/workspace_id", "/external_user",
	}
}

// known fails for members that a schema does not name.
func known(t *testing.T, s *openapi3.Schema, value any, place string) {
	t.Helper()
	if s.Type == nil && len(s.Properties)+len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0 { // anything
		return
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			known(t, s.Items.Value, item, place)
		}
	case map[string]any:
		for name, member := range value {
			schema, ok := propertyOf(s, name)
			at := place + "/" + name
			if !ok {
				require.True(t, slices.ContainsFunc(extensions(), func(e string) bool { return strings.HasSuffix(at, e) }), at)
				continue
			}
			known(t, schema, member, at)
		}
	}
}

func propertyOf(s *openapi3.Schema, name string) (*openapi3.Schema, bool) {
	if p, ok := s.Properties[name]; ok {
		return p.Value, true
	}
	for _, part := range slices.Concat(s.AllOf, s.AnyOf) {
		if p, ok := propertyOf(part.Value, name); ok {
			return p, true
		}
	}
	return nil, false
}

func TestMetadataIsWhatOpenRoutersClientsExpect(t *testing.T) {
	t.Parallel()
	b := setup(t, steady)
	b.publish()
	wallet := b.wallet("10")
	key, secret := b.key(wallet, map[string]any{"name": "k", "caps": map[string]string{"day": "1", "week": "0.5", "total": "100"}})
	hold := b.hold(idOf(t, wallet), idOf(t, key))
	position := b.charge(idOf(t, wallet), hold)
	b.get(wallet + "?min_position=" + count(position)).is(200)
	b.get(key + "?min_position=" + count(position)).is(200)

	models := b.asOpenRouter("/api/v1/models").is(200)
	require.JSONEq(t, `{
		"prompt": "0.000002", "completion": "0.000008", "request": "0.001", "input_cache_read": "0.0000005",
		"input_cache_write": "0.0000025", "internal_reasoning": "0.000009",
		"overrides": [{"min_prompt_tokens": 100000, "prompt": "0.000004"}, {"utc_start": 2200, "utc_end": 630, "input_cache_write_1h": "0.000004"}]
	}`, string(models.at("data", 0, "pricing")))
	require.JSONEq(t, `["temperature", "tools"]`, string(models.at("data", 0, "supported_parameters")))
	require.JSONEq(t, `{"modality": "text+image->text", "input_modalities": ["text", "image"], "output_modalities": ["text"], "tokenizer": "GPT", "instruct_type": null}`,
		string(models.at("data", 0, "architecture")))

	endpoints := b.asOpenRouter("/api/v1/models/acme/large/endpoints").is(200)
	require.Equal(t, "North", endpoints.text("data", "endpoints", 0, "provider_name"))
	require.Equal(t, "/api/v1/models/acme/large/endpoints", models.text("data", 0, "links", "details"))

	credits := b.asOpenRouter("/api/v1/credits", bearer(secret)).is(200)
	require.Equal(t, "10", string(credits.at("data", "total_credits")))
	require.Equal(t, chargeOfCall, string(credits.at("data", "total_usage")))

	current := b.asOpenRouter("/api/v1/key", bearer(secret)).is(200)
	require.Equal(t, "0.5", string(current.at("data", "limit")))
	require.Equal(t, "0.49425", string(current.at("data", "limit_remaining")))
	require.Equal(t, "weekly", current.text("data", "limit_reset"))
	require.Equal(t, chargeOfCall, string(current.at("data", "usage_daily")))

	generation := b.asOpenRouter("/api/v1/generation?id="+domain.GenerationID(hold), bearer(secret)).is(200)
	for name, want := range map[string]string{
		"total_cost": chargeOfCall, "usage": chargeOfCall, "cache_discount": "0.00075", "tokens_prompt": "1500",
		"tokens_completion": "300", "native_tokens_reasoning": "100", "native_tokens_cached": "500", "latency": "900",
		"generation_time": "780", "streamed": "true", "finish_reason": `"stop"`, "provider_name": `"North"`, "is_byok": "false",
	} {
		require.JSONEq(t, want, string(generation.at("data", name)), name)
	}
	_, err := time.Parse(time.RFC3339, generation.text("data", "created_at"))
	require.NoError(t, err)

	b.asOpenRouter("/api/v1/credits").is(401)
	b.asOpenRouter("/api/v1/key", bearer("sk-mr-v1-x")).is(401)
	b.asOpenRouter("/api/v1/generation?id=gen-"+unknownID, bearer(secret)).is(404)
	b.asOpenRouter("/api/v1/models/acme/none/endpoints").is(404)
}

func TestReleasedCallHasAReceiptWithoutACost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	wallet := b.wallet("10")
	key, secret := b.key(wallet, map[string]any{"name": "k"})
	hold := b.hold(idOf(t, wallet), idOf(t, key))
	b.post(wallet+"/holds/"+hold.String()+"/release", map[string]any{"reason": "stuck"}).is(200)
	receipt := b.asOpenRouter("/api/v1/generation?id="+domain.GenerationID(hold), bearer(secret)).is(200)
	require.Equal(t, "0", string(receipt.at("data", "total_cost")))
	require.JSONEq(t, `null`, string(receipt.at("data", "cache_discount")))
	require.JSONEq(t, `[]`, string(receipt.at("data", "provider_responses")))
}

func TestOnlyCallableModelsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	listed := func(done answer) int {
		b.get("/console/v1/models" + done.is(200).after()).is(200)
		n := b.get("/v1/models").is(200).count("data")
		require.Equal(t, n, b.get("/api/v1/models").is(200).count("data"))
		if n == 0 {
			b.get("/v1/models/acme/large").is(404)
			b.get("/api/v1/models/acme/large/endpoints").is(404)
		}
		return n
	}
	put := func(path string, body map[string]any) answer { return b.send("PUT", path, body) }
	require.Equal(t, 0, listed(put(modelPath, with(modelSpec(), "status", "disabled"))))
	require.Equal(t, 1, listed(put(modelPath, modelSpec())))
	require.Equal(t, 0, listed(put(endpointPath, with(endpointSpec(), "status", "disabled"))))
	require.Equal(t, 1, listed(put(endpointPath, endpointSpec())))
	require.Equal(t, 0, listed(put("/console/v1/vendors/north", with(vendorSpec(), "status", "disabled"))))
	require.Equal(t, 1, listed(put("/console/v1/vendors/north", vendorSpec())))
	// Without a price in force a model cannot be called; neither with one that is still to come.
	put("/console/v1/models/acme/small", modelSpec()).is(200)
	put("/console/v1/models/acme/small/endpoints/north", endpointSpec()).is(200)
	later := with(priceSpec(), "effective_from", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	done := b.post("/console/v1/models/acme/small/endpoints/north/prices", later).is(201)
	require.Equal(t, 1, b.get("/v1/models").count("data"))
	seen := b.get("/console/v1/models/acme/small" + done.after()).is(200)
	require.JSONEq(t, `null`, string(seen.at("model", "endpoints", 0, "price_in_force")))
	require.Equal(t, 1, seen.count("model", "endpoints", 0, "prices"))
}

func TestModelsAreFilteredSortedAndPaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.send("PUT", "/console/v1/vendors/north", vendorSpec()).is(200)
	var done answer
	for i, m := range []struct{ id, input, output, released, modality string }{
		{"acme/cheap", "0.000001", "0.000002", "2026-01-01", "text"},
		{"acme/dear", "0.00001", "0.00009", "2026-03-01", "text"},
		{"zeta/middle", "0.000003", "0.00001", "2026-02-01", "text"},
		{"zeta/painter", "0.000003", "0.00001", "2026-04-01", "image"},
	} {
		model := with(modelSpec(), "released_at", m.released+"T00:00:00Z")
		model["name"], model["output_modalities"], model["context_length"] = m.id, []string{m.modality}, 100000+i
		b.send("PUT", "/console/v1/models/"+m.id, model).is(200)
		b.send("PUT", "/console/v1/models/"+m.id+"/endpoints/north", endpointSpec()).is(200)
		price := with(priceSpec(), "price", map[string]any{"base": map[string]string{"input": m.input, "output": m.output}})
		done = b.post("/console/v1/models/"+m.id+"/endpoints/north/prices", price).is(201)
	}
	b.get("/console/v1/models" + done.after()).is(200)
	for query, want := range map[string]string{
		"":                              "acme/cheap acme/dear zeta/middle",
		"?output_modalities=all":        "acme/cheap acme/dear zeta/middle zeta/painter",
		"?output_modalities=image":      "zeta/painter",
		"?input_modalities=audio":       "",
		"?sort=newest":                  "acme/dear zeta/middle acme/cheap",
		"?sort=pricing-low-to-high":     "acme/cheap zeta/middle acme/dear",
		"?sort=pricing-high-to-low":     "acme/dear zeta/middle acme/cheap",
		"?sort=context-high-to-low":     "zeta/middle acme/dear acme/cheap",
		"?sort=most-popular":            "acme/cheap acme/dear zeta/middle",
		"?q=DEAR":                       "acme/dear",
		"?model_authors=zeta":           "zeta/middle",
		"?providers=North":              "acme/cheap acme/dear zeta/middle",
		"?providers=south":              "",
		"?supported_parameters=tools,n": "acme/cheap acme/dear zeta/middle",
		"?supported_parameters=seed":    "",
		"?context=100002":               "zeta/middle",
		"?min_price=2&max_price=3":      "zeta/middle",
		"?max_output_price=2":           "acme/cheap",
		"?min_output_price=2.1":         "acme/dear zeta/middle",
		"?limit=2":                      "acme/cheap acme/dear",
		"?limit=2&offset=2":             "zeta/middle",
		"?offset=9":                     "",
	} {
		got := b.asOpenRouter("/api/v1/models" + query).is(200)
		var ids []string
		for i := range got.count("data") {
			ids = append(ids, got.text("data", i, "id"))
		}
		require.Equal(t, want, strings.Join(ids, " "), query)
	}
	first := b.get("/api/v1/models?limit=2&sort=newest").is(200)
	require.Equal(t, "3", string(first.at("total_count")))
	rest := b.get(first.text("links", "next")).is(200)
	require.Equal(t, "acme/cheap", rest.text("data", 0, "id"))
	require.JSONEq(t, `null`, string(rest.at("links", "next")))
	for _, query := range []string{
		"limit=0", "limit=1001", "offset=-1", "limit=x", "sort=best", "context=0", "min_price=-1", "max_price=1e9", "min_price=NaN",
		"x=", "sort=newest&sort=newest", "zdr=false", "distillable=yes", "region=mars", "category=love", "min_age_days=-1", "max_age_days=1.5",
		"min_tool_success_rate=1.1", "min_coding_index=x", "use_rss_chat_links=true", "Limit=1",
	} {
		refusal := b.get("/api/v1/models?" + query).is(400)
		name, _, _ := strings.Cut(query, "=")
		require.Equal(t, name, refusal.text("error", "param"))
	}
}
