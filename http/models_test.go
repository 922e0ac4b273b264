package http_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

// offers puts a model with one endpoint for each vendor into the catalogue; terms are by vendor.
func (b *bundle) offers(model string, facts map[string]any, terms map[string]map[string]any, change ...any) answer {
	b.t.Helper()
	spec := with(modelSpec(), "name", model)
	for i := 0; i+1 < len(change); i += 2 {
		name, _ := change[i].(string)
		spec[name] = change[i+1]
	}
	if facts != nil {
		spec["facts"] = facts
	}
	b.send("PUT", "/console/v1/models/"+model, spec).is(200)
	var done answer
	for vendor, t := range terms {
		endpoint := endpointSpec()
		if t != nil {
			endpoint["terms"] = t
		}
		path := "/console/v1/models/" + model + "/endpoints/" + vendor
		b.send("PUT", path, endpoint).is(200)
		done = b.post(path+"/prices", priceSpec()).is(201)
	}
	return done
}

func (a answer) ids() string {
	var ids []string
	for i := range a.count("data") {
		ids = append(ids, a.text("data", i, "id"))
	}
	return strings.Join(ids, " ")
}

// TestFactsAreShownAndFiltered: what operators publish of vendors, models and endpoints is what OpenRouter's clients see, and find by.
func TestFactsAreShownAndFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	profile := map[string]any{
		"headquarters": "US", "datacenters": []string{"US", "IE"}, "privacy_policy_url": "https://north.example/privacy",
		"terms_of_service_url": "https://north.example/terms", "status_page_url": "https://status.north.example",
	}
	b.send("PUT", "/console/v1/vendors/north", with(vendorSpec(), "profile", profile)).is(200)
	b.send("PUT", "/console/v1/vendors/south", with(vendorSpec(), "name", "South Pole")).is(200)
	b.send("PUT", "/console/v1/vendors/off", with(vendorSpec(), "status", "disabled")).is(200)
	b.send("PUT", "/console/v1/vendors/north", with(vendorSpec(), "profile", map[string]any{"headquarters": "ZZ"})).refused(400, domain.CodeInvalid)

	facts := map[string]any{
		"canonical_slug": "acme/open-2026-01", "hugging_face_id": "acme/Open-7B", "instruct_type": "chatml",
		"default_parameters": map[string]any{"temperature": 0.7, "top_k": 40}, "knowledge_cutoff": "2025-06-30", "expiration_date": "2029-01-31",
		"categories": []string{"programming", "science"}, "distillable": true,
	}
	terms := map[string]any{
		"quantization": "fp8", "max_prompt_tokens": 100000, "supported_parameters": []string{"seed", "tools"}, "region": "eu", "moderated": true,
		"data_policy": map[string]any{"training": false, "retains_prompts": false, "zdr": true},
	}
	now := time.Now().UTC()
	b.offers("acme/open", facts, map[string]map[string]any{"north": terms}, "released_at", now.AddDate(0, 0, -10).Format(time.RFC3339))
	b.offers("acme/plain", nil, map[string]map[string]any{"south": nil}, "released_at", now.AddDate(0, 0, -100).Format(time.RFC3339), "tokenizer", "Claude")
	done := b.offers("acme/vector", nil, map[string]map[string]any{"north": nil}, "output_modalities", []string{"embeddings"})
	seen := b.get("/console/v1/models/acme/open" + done.after()).is(200)
	require.JSONEq(t, `40`, string(seen.at("model", "facts", "default_parameters", "top_k")))
	require.JSONEq(t, `true`, string(seen.at("model", "endpoints", 0, "terms", "data_policy", "zdr")))
	bad := with(endpointSpec(), "terms", map[string]any{"data_policy": map[string]any{"training": true, "retains_prompts": false, "zdr": true}})
	b.send("PUT", "/console/v1/models/acme/open/endpoints/north", bad).refused(400, domain.CodeInvalid)
	for _, body := range []map[string]any{{"unknown": true}, {"default_parameters": map[string]any{"top_k": "40"}}, {"distillable": "yes"}} {
		b.send("PUT", "/console/v1/models/acme/open", with(modelSpec(), "facts", body)).refused(400, domain.CodeInvalid)
	}

	models := b.asOpenRouter("/api/v1/models").is(200)
	require.Equal(t, "acme/open acme/plain", models.ids())
	for name, want := range map[string]string{
		"canonical_slug": `"acme/open-2026-01"`, "hugging_face_id": `"acme/Open-7B"`, "knowledge_cutoff": `"2025-06-30"`,
		"expiration_date": `"2029-01-31"`, "default_parameters": `{"temperature":0.7,"top_k":40}`, "supported_parameters": `["seed","tools"]`,
		"top_provider": `{"context_length":128000,"max_completion_tokens":16000,"is_moderated":true}`,
	} {
		require.JSONEq(t, want, string(models.at("data", 0, name)), name)
	}
	require.Equal(t, "chatml", models.text("data", 0, "architecture", "instruct_type"))
	require.Equal(t, "acme/plain", models.text("data", 1, "canonical_slug"))
	require.JSONEq(t, string(models.at("data", 0)), string(b.asOpenRouter("/api/v1/model/acme/open").is(200).at("data")))
	b.asOpenRouter("/api/v1/model/acme/none").is(404)

	endpoint := b.asOpenRouter("/api/v1/models/acme/open/endpoints").is(200)
	for name, want := range map[string]string{
		"quantization": `"fp8"`, "max_prompt_tokens": `100000`, "supported_parameters": `["seed","tools"]`, "status": `0`, "uptime_last_5m": `null`,
	} {
		require.JSONEq(t, want, string(endpoint.at("data", "endpoints", 0, name)), name)
	}
	require.JSONEq(t, `null`, string(b.asOpenRouter("/api/v1/models/acme/plain/endpoints").is(200).at("data", "endpoints", 0, "quantization")))
	zdr := b.asOpenRouter("/api/v1/endpoints/zdr").is(200)
	require.Equal(t, 1, zdr.count("data"))
	require.Equal(t, "acme/open", zdr.text("data", 0, "model_id"))
	providers := b.asOpenRouter("/api/v1/providers").is(200)
	require.Equal(t, 2, providers.count("data"))
	require.JSONEq(t, `{"name":"North","slug":"north","headquarters":"US","datacenters":["US","IE"],"privacy_policy_url":"https://north.example/privacy",
		"terms_of_service_url":"https://north.example/terms","status_page_url":"https://status.north.example"}`, string(providers.at("data", 0)))
	require.JSONEq(t, `null`, string(providers.at("data", 1, "datacenters")))

	for query, want := range map[string]string{
		"category=science": "acme/open", "category=legal": "", "distillable=true": "acme/open", "distillable=false": "acme/plain",
		"zdr=true": "acme/open", "region=eu": "acme/open", "region=us": "", "arch=gpt": "acme/open", "arch=Claude": "acme/plain",
		"min_age_days=50": "acme/plain", "max_age_days=50": "acme/open", "min_age_days=5&max_age_days=200": "acme/open acme/plain",
		"providers=South Pole, nobody": "acme/plain", "supported_parameters=seed": "acme/open", "min_intelligence_index=0": "",
		"max_agentic_index=100": "", "max_coding_index=1": "", "min_tool_success_rate=0.5": "", "sort=intelligence-high-to-low": "acme/open acme/plain",
	} {
		require.Equal(t, want, b.asOpenRouter("/api/v1/models?"+strings.ReplaceAll(query, " ", "%20")).is(200).ids(), query)
	}
	require.Equal(t, "acme/vector", b.asOpenRouter("/api/v1/embeddings/models?limit=5").is(200).ids())
	for query, want := range map[string]string{"": "2", "?output_modalities=all": "3", "?output_modalities=embeddings": "1"} {
		require.Equal(t, want, string(b.asOpenRouter("/api/v1/models/count"+query).is(200).at("data", "count")), query)
	}
	for _, path := range []string{
		"models/count?sort=newest", "embeddings/models?q=x", "providers?x=1", "endpoints/zdr?limit=1", "model/acme/open?x=1", "models/acme/open/endpoints?x=1",
	} {
		b.get("/api/v1/" + path).is(400)
	}
}

// TestPricesOfMedia: every price that OpenRouter's form has a name for.
func TestPricesOfMedia(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	price := map[string]any{"currency": "USD", "price": map[string]any{
		"base": map[string]string{
			"input": "0.000001", "output": "0.000002", "audio_input": "0.000003", "audio_output": "0.000004", "audio_cache_read": "0.000005",
			"image_input": "0.000006", "image": "0.04", "search": "0.01",
		},
		"overrides": []map[string]any{{"min_prompt_tokens": 5, "rates": map[string]string{"audio_input": "0.000008", "search": "0.02"}}},
	}}
	done := b.post(endpointPath+"/prices", price).is(201)
	b.get("/console/v1/models" + done.after()).is(200)
	require.JSONEq(t, `{
		"prompt": "0.000001", "completion": "0.000002", "audio": "0.000003", "audio_output": "0.000004", "input_audio_cache": "0.000005",
		"image_token": "0.000006", "image_output": "0.04", "web_search": "0.01",
		"overrides": [{"min_prompt_tokens": 5, "audio": "0.000008", "web_search": "0.02"}]
	}`, string(b.asOpenRouter("/api/v1/models").is(200).at("data", 0, "pricing")))
}

// TestAllOfOpenRoutersParametersAreKnown: none of those that its document has is refused for being there.
func TestAllOfOpenRoutersParametersAreKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parameters := openRouter(t).doc.Paths.Value("/models").Get.Parameters
	require.Greater(t, len(parameters), 30)
	values := map[string]string{"use_rss": "false", "sort": "newest", "category": "science", "distillable": "true", "zdr": "true", "region": "eu", "use_rss_chat_links": ""}
	for _, p := range parameters {
		value, ok := values[p.Value.Name]
		if !ok {
			value = "1"
		}
		b.asOpenRouter("/api/v1/models?" + p.Value.Name + "=" + value).is(200)
	}
}

func TestModelsAsAFeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	got := b.get("/api/v1/models?use_rss=true").is(200)
	require.Equal(t, "application/rss+xml; charset=utf-8", got.header.Get("Content-Type"))
	var feed struct {
		Version string `xml:"version,attr"`
		Items   []struct {
			Title string `xml:"title"`
			GUID  string `xml:"guid"`
			Date  string `xml:"pubDate"`
		} `xml:"channel>item"`
	}
	require.NoError(t, xml.Unmarshal(got.body, &feed))
	require.Equal(t, "2.0", feed.Version)
	require.Len(t, feed.Items, 1)
	require.Equal(t, "acme/large", feed.Items[0].GUID)
	at, err := time.Parse(time.RFC1123Z, feed.Items[0].Date)
	require.NoError(t, err)
	require.Equal(t, 2026, at.Year())
}

// TestAKeySeesItsModels: those that it may call; a management key calls none.
func TestAKeySeesItsModels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	done := b.offers("acme/small", nil, map[string]map[string]any{"north": nil})
	b.get("/console/v1/models" + done.after()).is(200)
	wallet := b.wallet("1")
	_, all := b.key(wallet, map[string]any{"name": "all"})
	_, one := b.key(wallet, map[string]any{"name": "one", "models": []string{"acme/small"}})
	_, manager := b.key(wallet, map[string]any{"name": "m", "scope": "management"})
	require.Equal(t, "acme/large acme/small", b.asOpenRouter("/api/v1/models/user", bearer(all)).is(200).ids())
	require.Equal(t, "acme/large", b.asOpenRouter("/api/v1/models/user?limit=1", bearer(all)).is(200).ids())
	require.Equal(t, "acme/small", b.asOpenRouter("/api/v1/models/user", bearer(one)).is(200).ids())
	require.Empty(t, b.asOpenRouter("/api/v1/models/user", bearer(manager)).is(200).ids())
	b.asOpenRouter("/api/v1/models/user").is(401)
	b.get("/api/v1/models/user?q=x", bearer(all)).is(400)
}

// TestModelsOfWhichNobodySaidWhatTheyDo: they are in the list that everybody gets, and in none that asks for something in particular.
func TestModelsOfWhichNobodySaidWhatTheyDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.send("PUT", "/console/v1/vendors/north", vendorSpec()).is(200)
	done := b.offers("acme/new", nil, map[string]map[string]any{"north": nil}, "input_modalities", []string{}, "output_modalities", []string{})
	seen := b.get("/console/v1/models/acme/new" + done.after()).is(200)
	require.JSONEq(t, `[]`, string(seen.at("model", "input_modalities")))
	require.JSONEq(t, `[]`, string(seen.at("model", "output_modalities")))
	for query, want := range map[string]string{
		"": "acme/new", "?output_modalities=all": "acme/new", "?output_modalities=text,image": "acme/new",
		"?output_modalities=image": "", "?input_modalities=text": "",
	} {
		require.Equal(t, want, b.asOpenRouter("/api/v1/models"+query).is(200).ids(), query)
	}
	model := b.asOpenRouter("/api/v1/model/acme/new").is(200)
	require.JSONEq(t, `[]`, string(model.at("data", "architecture", "output_modalities")))
	require.Empty(t, b.asOpenRouter("/api/v1/embeddings/models").is(200).ids())
}
