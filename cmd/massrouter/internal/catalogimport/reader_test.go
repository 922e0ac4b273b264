package catalogimport_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/domain/catalog"
)

// genaiModel wraps one model into a list; what the model leaves out is filled in.
func genaiModel(fields string) []byte {
	model := map[string]json.RawMessage{
		"id": json.RawMessage(`"m"`), "match": json.RawMessage(`{"equals":"m"}`), "context_window": json.RawMessage(`1000`),
		"prices": json.RawMessage(`{"input_mtok":1,"output_mtok":2}`),
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+fields+"}"), &given); err != nil {
		panic(err) // the tables below are constants
	}
	for name, value := range given {
		model[name] = value
	}
	raw, err := json.Marshal([]any{map[string]any{"id": "acme", "name": "Acme", "models": []any{model}}})
	if err != nil {
		panic(err)
	}
	return raw
}

func prices(p string) string { return `"prices":` + p }

// Each thing that cannot be expressed is refused with its reason and its place.
func TestGenAIRefusals(t *testing.T) {
	t.Parallel()
	const m = "/0/models/0"
	long := strings.Repeat("x", 100)
	for name, c := range map[string]struct {
		fields string
		reason catalogimport.Reason
		place  string
	}{
		"unknown member":           {`"surcharge": 2`, catalogimport.ReasonShape, m},
		"context of half a token":  {`"context_window": 0.5`, catalogimport.ReasonShape, m},
		"no context":               {`"context_window": null`, catalogimport.ReasonNoContext, m},
		"id with a tilde":          {`"id": "~m"`, catalogimport.ReasonModelID, m},
		"id with two slashes":      {`"id": "a/b/c"`, catalogimport.ReasonModelID, m},
		"id that is long":          {`"id": "` + long + `"`, catalogimport.ReasonModelID, m},
		"no prices":                {prices(`null`), catalogimport.ReasonShape, m + "/prices"},
		"empty prices":             {prices(`{}`), catalogimport.ReasonNoPrice, m + "/prices"},
		"no input":                 {prices(`{"output_mtok":2}`), catalogimport.ReasonNoInput, m + "/prices"},
		"no output":                {prices(`{"input_mtok":2}`), catalogimport.ReasonNoOutput, m + "/prices"},
		"video":                    {prices(`{"input_mtok":1,"output_mtok":2,"input_video_mtok":3}`), catalogimport.ReasonPriceClass, m + "/prices/input_video_mtok"},
		"video for nothing":        {prices(`{"input_mtok":1,"output_mtok":2,"input_video_mtok":0}`), catalogimport.ReasonPriceClass, m + "/prices/input_video_mtok"},
		"what nobody has heard of": {prices(`{"input_mtok":1,"output_mtok":2,"vibes":3}`), catalogimport.ReasonPriceClass, m + "/prices/vibes"},
		"price as text":            {prices(`{"input_mtok":"1","output_mtok":2}`), catalogimport.ReasonPriceInvalid, m + "/prices/input_mtok"},
		"no number":                {prices(`{"input_mtok":null,"output_mtok":2}`), catalogimport.ReasonPriceInvalid, m + "/prices/input_mtok"},
		"negative":                 {prices(`{"input_mtok":-1,"output_mtok":2}`), catalogimport.ReasonPriceInvalid, m + "/prices/input_mtok"},
		"seven decimals":           {prices(`{"input_mtok":0.0000001,"output_mtok":2}`), catalogimport.ReasonPriceDigits, m + "/prices/input_mtok"},
		"noise of a float":         {prices(`{"input_mtok":0.09999999999999999,"output_mtok":2}`), catalogimport.ReasonPriceDigits, m + "/prices/input_mtok"},
		"absurd exponent":          {prices(`{"input_mtok":1e999,"output_mtok":2}`), catalogimport.ReasonPriceInvalid, m + "/prices/input_mtok"},
		"too dear":                 {prices(`{"input_mtok":100000000001,"output_mtok":2}`), catalogimport.ReasonCatalogRefuse, m},
		"ten decimals a request":   {prices(`{"input_mtok":1,"output_mtok":2,"requests_kcount":0.0000000001}`), catalogimport.ReasonPriceDigits, m + "/prices/requests_kcount"},
		"tiers without base":       {prices(`{"input_mtok":{"tiers":[]},"output_mtok":2}`), catalogimport.ReasonPriceInvalid, m + "/prices/input_mtok/base"},
		"tier at nothing":          {prices(`{"input_mtok":{"base":1,"tiers":[{"start":0,"price":2}]},"output_mtok":2}`), catalogimport.ReasonTiers, m + "/prices/input_mtok"},
		"tiers that fall":          {prices(`{"input_mtok":{"base":1,"tiers":[{"start":9,"price":2},{"start":8,"price":2}]},"output_mtok":2}`), catalogimport.ReasonTiers, m + "/prices/input_mtok"},
		"tier with another member": {prices(`{"input_mtok":{"base":1,"tiers":[{"start":9,"price":2,"marginal":true}]},"output_mtok":2}`), catalogimport.ReasonShape, m + "/prices/input_mtok"},
		"tier with a bad price":    {prices(`{"input_mtok":{"base":1,"tiers":[{"start":9,"price":-2}]},"output_mtok":2}`), catalogimport.ReasonPriceInvalid, m + "/prices/input_mtok/tiers"},
		"33 tiers":                 {prices(`{"input_mtok":{"base":1,"tiers":[` + tiers(33) + `]},"output_mtok":2}`), catalogimport.ReasonTiers, m + "/prices/input_mtok"},
		"no conditional prices":    {prices(`[]`), catalogimport.ReasonConstraint, m + "/prices"},
		"window over midnight":     {windowed(`"start_time":"22:00:00Z","end_time":"06:00:00Z"`), catalogimport.ReasonConstraint, m + "/prices"},
		"window elsewhere":         {windowed(`"start_time":"02:00:00+08:00","end_time":"06:00:00+08:00"`), catalogimport.ReasonConstraint, m + "/prices"},
		"window without a zone":    {windowed(`"start_time":"02:00:00","end_time":"06:00:00"`), catalogimport.ReasonConstraint, m + "/prices"},
		"window of seconds":        {windowed(`"start_time":"02:00:30Z","end_time":"06:00:00Z"`), catalogimport.ReasonConstraint, m + "/prices"},
		"window without an end":    {windowed(`"start_time":"02:00:00Z"`), catalogimport.ReasonConstraint, m + "/prices"},
		"window from a date on":    {windowed(`"start_time":"02:00:00Z","end_time":"06:00:00Z","start_date":"2030-01-01"`), catalogimport.ReasonConstraint, m + "/prices"},
		"no date":                  {windowed(`"start_date":"tomorrow"`), catalogimport.ReasonConstraint, m + "/prices"},
		"constraint of weekdays":   {windowed(`"weekday":"Mon"`), catalogimport.ReasonShape, m + "/prices"},
		"several upstream names":   {`"match": {"or":[{"equals":"a"},{"equals":"b"}]}`, catalogimport.ReasonUpstream, m},
		"only a beginning":         {`"match": {"starts_with":"m-"}`, catalogimport.ReasonUpstream, m},
		"a pattern of Perl":        {`"match": {"regex":"(?=m)"}`, catalogimport.ReasonUpstream, m},
		"no clause":                {`"match": {}`, catalogimport.ReasonShape, m},
		"unknown clause":           {`"match": {"sounds_like":"m"}`, catalogimport.ReasonShape, m},
		"clause without text":      {`"match": {"equals":7}`, catalogimport.ReasonShape, m},
		"clause of no clauses":     {`"match": {"or":7}`, catalogimport.ReasonShape, m},
		"bottomless clause":        {`"match": ` + strings.Repeat(`{"or":[`, 30) + `{"equals":"m"}` + strings.Repeat(`]}`, 30), catalogimport.ReasonShape, m},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := catalogimport.ReadGenAIPrices(genaiModel(c.fields), catalogimport.ReadOptions{})
			require.NoError(t, err)
			require.Empty(t, list.Offers)
			require.Len(t, list.Refused, 1)
			require.Equal(t, c.reason, list.Refused[0].Reason, list.Refused[0].Detail)
			require.Equal(t, c.place, list.Refused[0].Place)
			require.NotEmpty(t, list.Refused[0].Detail)
			require.Less(t, len(list.Refused[0].Detail), 300)
		})
	}
}

func tiers(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = `{"price":3,"start":` + strings.Repeat("1", i/9+1) + string(rune('1'+i%9)) + `}`
	}
	return strings.Join(parts, ",")
}

func windowed(constraint string) string {
	return prices(`[{"prices":{"input_mtok":1,"output_mtok":2}},{"constraint":{` + constraint + `},"prices":{"input_mtok":1,"output_mtok":2}}]`)
}

func TestGenAIProvidersThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]catalogimport.Reason{
		`[7]`:                                        catalogimport.ReasonShape,
		`[{"id":"a","prices":{"input_mtok":1}}]`:     catalogimport.ReasonShape,
		`[{"id":"a","models":[7]}]`:                  catalogimport.ReasonShape,
		`[{"id":"a b","models":[]}]`:                 catalogimport.ReasonVendorID,
		`[{"id":"` + strings.Repeat("a", 51) + `"}]`: catalogimport.ReasonVendorID,
		`[{"id":"a"},{"id":"A"}]`:                    catalogimport.ReasonDuplicate,
	} {
		list, err := catalogimport.ReadGenAIPrices([]byte(text), catalogimport.ReadOptions{})
		require.NoError(t, err, text)
		require.Len(t, list.Refused, 1, text)
		require.Equal(t, reason, list.Refused[0].Reason, text)
	}
	for _, text := range []string{``, `{}`, `[`, `null7`, "[\"\xff\"]", `[{"id":"a","id":"b"}]`} {
		_, err := catalogimport.ReadGenAIPrices([]byte(text), catalogimport.ReadOptions{})
		require.Error(t, err, text)
	}
}

func TestGenAIModelTwiceIsRefused(t *testing.T) {
	t.Parallel()
	model := `{"id":"%","match":{"contains":"m"},"context_window":9,"prices":{"input_mtok":1,"output_mtok":2}}`
	text := `[{"id":"a","models":[` + strings.ReplaceAll(model, "%", "m") + `,` + strings.ReplaceAll(model, "%", "A/M") + `]}]`
	list, err := catalogimport.ReadGenAIPrices([]byte(text), catalogimport.ReadOptions{})
	require.NoError(t, err)
	require.Len(t, list.Offers, 1)
	require.Equal(t, catalogimport.ReasonDuplicate, list.Refused[0].Reason)
	require.Equal(t, "a/m@a", list.Refused[0].Subject)
}

func TestGenAIAudio(t *testing.T) {
	t.Parallel()
	list, err := catalogimport.ReadGenAIPrices([]byte(`[{"id":"a","models":[{"id":"m","match":{"equals":"m"},"context_window":9,"prices":{
		"input_mtok":0.3,"output_mtok":2.5,"cache_read_mtok":0.03,"input_audio_mtok":1,"cache_audio_read_mtok":{"base":0.1,"tiers":[{"start":5,"price":0.2}]},
		"output_audio_mtok":12}}]}]`), catalogimport.ReadOptions{})
	require.NoError(t, err)
	require.Empty(t, list.Refused)
	price, err := json.Marshal(list.Offers[0].Prices[0].Price)
	require.NoError(t, err)
	require.JSONEq(t, `{"base":{"input":"0.0000003","output":"0.0000025","cache_read":"0.00000003","audio_input":"0.000001",
		"audio_cache_read":"0.0000001","audio_output":"0.000012"},"overrides":[{"min_prompt_tokens":5,"rates":{"audio_cache_read":"0.0000002"}}]}`,
		string(price))
}

func TestOpenRouterMedia(t *testing.T) {
	t.Parallel()
	list, err := catalogimport.ReadOpenRouter(openRouterModel(`{"prompt":"0.000001","completion":"0.000002","audio":"0.000003","audio_output":"0.000004",
		"input_audio_cache":"0.000005","image_token":"0.000006","image_output":"0.04","web_search":"0.01","internal_reasoning":"0.000007",
		"overrides":[{"min_prompt_tokens":5,"audio":"0.000008"}]}`), catalogimport.ReadOptions{BaseURL: "https://list.example/v1"})
	require.NoError(t, err)
	require.Empty(t, list.Refused)
	price, err := json.Marshal(list.Offers[0].Prices[0].Price)
	require.NoError(t, err)
	require.JSONEq(t, `{"base":{"input":"0.000001","output":"0.000002","audio_input":"0.000003","audio_output":"0.000004","audio_cache_read":"0.000005",
		"image_input":"0.000006","image":"0.04","search":"0.01","reasoning":"0.000007"},
		"overrides":[{"min_prompt_tokens":5,"rates":{"audio_input":"0.000008"}}]}`, string(price))
}

func TestGenAIUpstreamNames(t *testing.T) {
	t.Parallel()
	for clause, want := range map[string]string{
		`{"equals":"M"}`:                                      "m",
		`{"equals":"accounts/x/models/m"}`:                    "accounts/x/models/m",
		`{"starts_with":"M"}`:                                 "m",
		`{"ends_with":"m"}`:                                   "m",
		`{"regex":"^m$"}`:                                     "m",
		`{"or":[{"equals":"x"},{"contains":"m"}]}`:            "m",
		`{"and":[{"starts_with":"m"},{"ends_with":"m"}]}`:     "m",
		`{"and":[{"or":[{"equals":"m"}]},{"regex":"[a-z]"}]}`: "m",
	} {
		list, err := catalogimport.ReadGenAIPrices(genaiModel(`"match":`+clause), catalogimport.ReadOptions{})
		require.NoError(t, err)
		require.Len(t, list.Offers, 1, clause)
		require.Equal(t, want, list.Offers[0].Upstream, clause)
	}
}

func TestOffersOfTheRealList(t *testing.T) {
	t.Parallel()
	list, err := catalogimport.ReadGenAIPrices(realList(t), catalogimport.ReadOptions{})
	require.NoError(t, err)
	offers := map[string]catalogimport.Offer{}
	for _, o := range list.Offers {
		offers[o.Endpoint()] = o
	}
	schedules := func(id string) []string {
		var out []string
		for _, d := range offers[id].Prices {
			text, err := json.Marshal(d.Price)
			require.NoError(t, err)
			from := "always"
			if !d.From.IsZero() {
				from = d.From.Format(time.DateOnly)
			}
			out = append(out, from+" "+string(text))
		}
		return out
	}
	require.Equal(t, []string{
		`always {"base":{"cache_read":"0.0000002","cache_write":"0.0000025","input":"0.000002","output":"0.00001"}}`,
		`2026-09-01 {"base":{"cache_read":"0.0000003","cache_write":"0.00000375","input":"0.000003","output":"0.000015"}}`,
	}, schedules("anthropic/claude-sonnet-5@anthropic"))
	require.Equal(t, []string{
		`always {"base":{"cache_read":"0.00000005","input":"0.0000002","output":"0.0000005"},` +
			`"overrides":[{"min_prompt_tokens":128000,"rates":{"input":"0.0000004","output":"0.000001"}}]}`,
	}, schedulesOf(t, realList(t), "x-ai/grok-4-fast@openrouter"))
	require.Equal(t, []string{
		`always {"base":{"cache_read":"0.000000035","input":"0.000000135","output":"0.00000055"},` +
			`"overrides":[{"utc_start":"00:30","utc_end":"16:30","rates":{"cache_read":"0.00000007","input":"0.00000027","output":"0.0000011"}}]}`,
	}, schedules("deepseek/deepseek-chat@deepseek"))
	require.Equal(t, "accounts/fireworks/models/gpt-oss-20b", offers["fireworks/gpt-oss-20b@fireworks"].Upstream)
	require.Equal(t, "Qwen/Qwen3-32B", offers["qwen/qwen3-32b@huggingface_groq"].Upstream)
	require.EqualValues(t, 131072, offers["qwen/qwen3-32b@huggingface_groq"].ContextLength)
}

func schedulesOf(t *testing.T, raw []byte, endpoint string) []string {
	t.Helper()
	list, err := catalogimport.ReadGenAIPrices(raw, catalogimport.ReadOptions{ContextLength: 1})
	require.NoError(t, err)
	for _, o := range list.Offers {
		if o.Endpoint() == endpoint {
			text, err := json.Marshal(o.Prices[0].Price)
			require.NoError(t, err)
			return []string{"always " + string(text)}
		}
	}
	return nil
}

// model wraps a pricing object into OpenRouter's list.
func openRouterModel(pricing string) []byte {
	return []byte(`{"data":[{"id":"Acme/One","name":"Acme: One","created":1700000000,"description":"It talks.","context_length":1000,` +
		`"architecture":{"input_modalities":["text","image"],"output_modalities":["text"],"tokenizer":"GPT"},"pricing":` + pricing +
		`,"top_provider":{"context_length":900,"max_completion_tokens":100,"is_moderated":false},"supported_parameters":["tools","tools","seed"],"new":1}],` +
		`"links":{"next":null}}`)
}

func TestOpenRouterOffer(t *testing.T) {
	t.Parallel()
	list, err := catalogimport.ReadOpenRouter(openRouterModel(`{"prompt":"0.000001","completion":"2e-6","request":"0","image":"0","discount":0,
		"input_cache_read":"0.0000001","overrides":[{"min_prompt_tokens":200,"prompt":"0.000003"},{"utc_start":100,"utc_end":2359,"completion":"0"}]}`),
		catalogimport.ReadOptions{BaseURL: "https://list.example/v1"})
	require.NoError(t, err)
	require.Empty(t, list.Refused)
	require.Equal(t, []catalogimport.Vendor{{ID: "openrouter", Name: "OpenRouter", BaseURL: "https://list.example/v1"}}, list.Vendors)
	o := list.Offers[0]
	price, err := json.Marshal(o.Prices[0].Price)
	require.NoError(t, err)
	require.JSONEq(t, `{"base":{"input":"0.000001","output":"0.000002","request":"0","cache_read":"0.0000001"},"overrides":[
		{"min_prompt_tokens":200,"rates":{"input":"0.000003"}},{"utc_start":"01:00","utc_end":"23:59","rates":{"output":"0"}}]}`, string(price))
	o.Prices = nil
	require.False(t, *o.Moderated)
	o.Moderated = nil
	require.Equal(t, catalogimport.Offer{
		Place: "/data/0", Vendor: "openrouter", Model: "acme/one", Name: "Acme: One", Description: "It talks.", Upstream: "Acme/One",
		ContextLength: 900, MaxCompletionTokens: 100, InputModalities: []string{"text", "image"}, OutputModalities: []string{"text"},
		SupportedParameters: []string{"tools", "seed"}, Tokenizer: "GPT", ReleasedAt: time.Unix(1700000000, 0).UTC(),
	}, o)
}

func TestOpenRouterRefusals(t *testing.T) {
	t.Parallel()
	const p = "/data/0/pricing"
	override := func(fields string) string { return `{"prompt":"1","completion":"1","overrides":[{` + fields + `}]}` }
	for name, c := range map[string]struct {
		pricing string
		reason  catalogimport.Reason
		place   string
	}{
		"no prices":              {`null`, catalogimport.ReasonNoPrice, p},
		"no prompt":              {`{"completion":"1"}`, catalogimport.ReasonNoInput, p},
		"no completion":          {`{"prompt":"1"}`, catalogimport.ReasonNoOutput, p},
		"wherever it goes":       {`{"prompt":"-1","completion":"-1"}`, catalogimport.ReasonPriceVaries, p + "/completion"},
		"negative":               {`{"prompt":"-2","completion":"1"}`, catalogimport.ReasonPriceInvalid, p + "/prompt"},
		"a number":               {`{"prompt":1,"completion":"1"}`, catalogimport.ReasonPriceInvalid, p + "/prompt"},
		"no number":              {`{"prompt":"cheap","completion":"1"}`, catalogimport.ReasonPriceInvalid, p + "/prompt"},
		"too many digits":        {`{"prompt":"0.0000000000001","completion":"1"}`, catalogimport.ReasonPriceDigits, p + "/prompt"},
		"free sound":             {`{"prompt":"1","completion":"1","audio":"0"}`, catalogimport.ReasonPriceUnclear, p},
		"images":                 {`{"prompt":"1","completion":"1","image":"0.01"}`, catalogimport.ReasonPriceClass, p + "/image"},
		"what nobody knows":      {`{"prompt":"1","completion":"1","vibes":"0.01"}`, catalogimport.ReasonPriceClass, p + "/vibes"},
		"free thoughts":          {`{"prompt":"1","completion":"1","internal_reasoning":"0"}`, catalogimport.ReasonPriceUnclear, p},
		"free cache":             {`{"prompt":"1","completion":"1","input_cache_write_1h":"0"}`, catalogimport.ReasonPriceUnclear, p},
		"a discount":             {`{"prompt":"1","completion":"1","discount":0.1}`, catalogimport.ReasonPriceUnclear, p + "/discount"},
		"overrides of no list":   {`{"prompt":"1","completion":"1","overrides":{}}`, catalogimport.ReasonShape, p + "/overrides"},
		"override of images":     {override(`"min_prompt_tokens":5,"image":"0"`), catalogimport.ReasonPriceClass, p + "/overrides/0/image"},
		"override always":        {override(`"prompt":"1"`), catalogimport.ReasonCatalogRefuse, "/data/0"},
		"override of nothing":    {override(`"min_prompt_tokens":5`), catalogimport.ReasonCatalogRefuse, "/data/0"},
		"half a window":          {override(`"utc_start":5,"prompt":"1"`), catalogimport.ReasonCatalogRefuse, "/data/0"},
		"threshold of a half":    {override(`"min_prompt_tokens":0.5,"prompt":"1"`), catalogimport.ReasonTiers, p + "/overrides/0/min_prompt_tokens"},
		"hour 25":                {override(`"utc_start":2500,"utc_end":1,"prompt":"1"`), catalogimport.ReasonConstraint, p + "/overrides/0/utc_start"},
		"minute 60":              {override(`"utc_start":60,"utc_end":1,"prompt":"1"`), catalogimport.ReasonConstraint, p + "/overrides/0/utc_start"},
		"condition of a weekday": {override(`"min_prompt_tokens":5,"weekday":1`), catalogimport.ReasonPriceInvalid, p + "/overrides/0/weekday"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := catalogimport.ReadOpenRouter(openRouterModel(c.pricing), catalogimport.ReadOptions{})
			require.NoError(t, err)
			require.Empty(t, list.Offers)
			require.Len(t, list.Refused, 1)
			require.Equal(t, c.reason, list.Refused[0].Reason, list.Refused[0].Detail)
			require.Equal(t, c.place, list.Refused[0].Place)
		})
	}
	for text, reason := range map[string]catalogimport.Reason{
		`{"data":[7]}`: catalogimport.ReasonShape,
		`{"data":[{"id":"openrouter/x/y","pricing":{"prompt":"0","completion":"0"}}]}`: catalogimport.ReasonModelID,
		`{"data":[{"id":"a/b","pricing":{"prompt":"0","completion":"0"}}]}`:            catalogimport.ReasonNoContext,
	} {
		list, err := catalogimport.ReadOpenRouter([]byte(text), catalogimport.ReadOptions{Vendor: "peer"})
		require.NoError(t, err)
		require.Equal(t, map[catalogimport.Reason]int{reason: 1}, reasons(list.Refused), text)
	}
	for _, text := range []string{``, `[]`, `[{}]`, `{}`, `{"data":{}}`, `7`} {
		_, err := catalogimport.ReadOpenRouter([]byte(text), catalogimport.ReadOptions{})
		require.Error(t, err, text)
	}
	_, err := catalogimport.ReadOpenRouter(openRouterModel(`{}`), catalogimport.ReadOptions{Vendor: "No Vendor"})
	require.Error(t, err)
}

func TestOpenRouterPages(t *testing.T) {
	t.Parallel()
	page := string(openRouterModel(`{"prompt":"0","completion":"0"}`))
	pages := "[" + page + "," + strings.Replace(strings.Replace(page, "Acme/One", "Acme/Two", 1), "null", `"/more"`, 1) + "," + page + "]"
	list, err := catalogimport.ReadOpenRouter([]byte(pages), catalogimport.ReadOptions{Vendor: "peer"})
	require.NoError(t, err)
	require.Len(t, list.Offers, 2)
	require.Equal(t, "/1/data/0", list.Offers[1].Place)
	require.Equal(t, "peer", list.Vendors[0].ID)
	require.Equal(t, []catalogimport.Refusal{{
		Place: "/2/data/0", Subject: "acme/one@peer", Reason: catalogimport.ReasonDuplicate, Detail: "the model stands in the list before",
	}}, list.Refused)
	list, err = catalogimport.ReadOpenRouter([]byte(strings.Replace(page, "null", `"/more"`, 1)), catalogimport.ReadOptions{})
	require.NoError(t, err)
	require.Len(t, list.Notes, 1, "a page of several is pointed out")
}

// Whatever a list says, what is read from it keeps the catalogue's rules.
func checkOffers(t *testing.T, list catalogimport.List) {
	t.Helper()
	for _, o := range list.Offers {
		require.NoError(t, catalog.CheckModelID(o.Model))
		require.NotEmpty(t, o.Prices)
		require.True(t, o.Prices[0].From.IsZero())
		for i, d := range o.Prices {
			require.NoError(t, d.Price.Check())
			require.True(t, i == 0 || o.Prices[i-1].From.Before(d.From))
		}
	}
}

func FuzzReadGenAIPrices(f *testing.F) {
	f.Add(genaiModel(``))
	f.Add(genaiModel(windowed(`"start_time":"02:00:00Z","end_time":"06:00:00Z"`)))
	f.Add(genaiModel(windowed(`"start_date":"2030-01-01"`)))
	f.Add(genaiModel(prices(`{"input_mtok":{"base":1,"tiers":[{"start":9,"price":2}]},"output_mtok":1e-3,"requests_kcount":5}`)))
	f.Add(genaiModel(`"match":{"and":[{"regex":"m"},{"or":[{"ends_with":"m"}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := catalogimport.ReadGenAIPrices(raw, catalogimport.ReadOptions{ContextLength: 100})
		if err == nil {
			checkOffers(t, list)
			_, err = catalogimport.NewPlan(list, catalogimport.Catalogue{}, catalogimport.Options{Now: now, AllTo: "https://x.example/v1"})
			require.NoError(t, err)
		}
	})
}

func FuzzReadOpenRouter(f *testing.F) {
	f.Add(openRouterModel(`{"prompt":"0.000001","completion":"2e-6","discount":0,"overrides":[{"min_prompt_tokens":200,"prompt":"0.000003"}]}`))
	f.Add(openRouterModel(`{"prompt":"-1","completion":"1","overrides":[{"utc_start":100,"utc_end":30,"completion":"0"}]}`))
	f.Add([]byte(`[{"data":[]},{"data":[{"id":"a/b"}],"links":{"next":"/x"}}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := catalogimport.ReadOpenRouter(raw, catalogimport.ReadOptions{ContextLength: 100})
		if err == nil {
			checkOffers(t, list)
			_, err = catalogimport.NewPlan(list, catalogimport.Catalogue{}, catalogimport.Options{Now: now, AllTo: "https://x.example/v1"})
			require.NoError(t, err)
		}
	})
}
