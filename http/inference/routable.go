package inference

import (
	"cmp"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
)

// routable is OpenRouter's Model. What this platform does not know is null, as OpenRouter has it.
type routable struct {
	ID                  string             `json:"id"`
	CanonicalSlug       string             `json:"canonical_slug"`
	HuggingFaceID       *string            `json:"hugging_face_id"`
	Name                string             `json:"name"`
	Created             int64              `json:"created"` // Unix seconds
	Description         string             `json:"description"`
	ContextLength       int64              `json:"context_length"`
	Architecture        architecture       `json:"architecture"`
	Pricing             pricing            `json:"pricing"`
	TopProvider         topProvider        `json:"top_provider"`
	PerRequestLimits    *struct{}          `json:"per_request_limits"`
	SupportedParameters []string           `json:"supported_parameters"`
	DefaultParameters   catalog.Parameters `json:"default_parameters"`
	SupportedVoices     []string           `json:"supported_voices"`
	KnowledgeCutoff     *string            `json:"knowledge_cutoff"`
	ExpirationDate      *string            `json:"expiration_date"`
	Links               modelLinks         `json:"links"`
}

type architecture struct {
	Modality         string   `json:"modality"`
	InputModalities  []string `json:"input_modalities"`
	OutputModalities []string `json:"output_modalities"`
	Tokenizer        string   `json:"tokenizer"`
	InstructType     *string  `json:"instruct_type"`
}

type topProvider struct {
	ContextLength       int64 `json:"context_length"`
	MaxCompletionTokens int64 `json:"max_completion_tokens"`
	IsModerated         bool  `json:"is_moderated"`
}

type modelLinks struct {
	Details string `json:"details"`
}

// routableEndpoints is OpenRouter's ListEndpointsResponse.
type routableEndpoints struct {
	ID           string             `json:"id"`
	Name         string             `json:"name"`
	Created      int64              `json:"created"`
	Description  string             `json:"description"`
	Architecture architecture       `json:"architecture"`
	Endpoints    []routableEndpoint `json:"endpoints"`
}

// routableEndpoint is OpenRouter's PublicEndpoint; what is not measured is null.
type routableEndpoint struct {
	Name                    string       `json:"name"`
	Tag                     string       `json:"tag"`
	ModelID                 string       `json:"model_id"`
	ModelName               string       `json:"model_name"`
	ProviderName            string       `json:"provider_name"`
	ContextLength           int64        `json:"context_length"`
	MaxCompletionTokens     int64        `json:"max_completion_tokens"`
	MaxPromptTokens         *int64       `json:"max_prompt_tokens"`
	Pricing                 pricing      `json:"pricing"`
	Quantization            *string      `json:"quantization"`
	Status                  int          `json:"status"` // 0: in service; outOfService
	SupportedParameters     []string     `json:"supported_parameters"`
	SupportsImplicitCaching bool         `json:"supports_implicit_caching"`
	Uptime5m                *float64     `json:"uptime_last_5m"` // per cent
	Uptime30m               *float64     `json:"uptime_last_30m"`
	Uptime1d                *float64     `json:"uptime_last_1d"`
	Latency30m              *percentiles `json:"latency_last_30m"`    // ms
	Throughput30m           *percentiles `json:"throughput_last_30m"` // tokens a second
	SupportsToolChoice      toolChoices  `json:"supports_tool_choice"`
}

// toolChoices says which values of tool_choice an endpoint takes. It is newer than OpenRouter's published description; its clients insist
// on it. Vendors that take the parameter take all of its values.
type toolChoices struct {
	Auto     bool `json:"auto"`
	Function bool `json:"function"`
	None     bool `json:"none"`
	Required bool `json:"required"`
}

// inUSD keeps the offers whose prices OpenRouter's shape can express.
func inUSD(c callable) callable {
	usd := callable{model: c.model}
	for _, o := range c.offers {
		if o.price.Currency == money.USD {
			usd.offers = append(usd.offers, o)
		}
	}
	return usd
}

func routableOf(c callable) routable {
	m, top := c.model, c.first()
	return routable{
		ID: m.ID, CanonicalSlug: cmp.Or(m.Facts.CanonicalSlug, m.ID), HuggingFaceID: orNull(m.Facts.HuggingFaceID), Name: m.Name,
		Created: m.ReleasedAt.Unix(), Description: m.Description, ContextLength: m.ContextLength, Architecture: architectureOf(c),
		Pricing: pricingOf(top.price.Price), TopProvider: topProvider{
			ContextLength: top.endpoint.ContextLength, MaxCompletionTokens: top.endpoint.MaxCompletionTokens, IsModerated: top.endpoint.Terms.Moderated,
		},
		SupportedParameters: known(parametersOf(c), parameterWords()), DefaultParameters: m.Facts.DefaultParameters,
		SupportedVoices: m.Facts.Voices, KnowledgeCutoff: orNull(m.Facts.KnowledgeCutoff), ExpirationDate: orNull(m.Facts.ExpirationDate),
		Links: modelLinks{Details: "/api/v1/models/" + m.ID + "/endpoints"},
	}
}

// parametersOf are the parameters that some endpoint of a model knows.
func parametersOf(c callable) []string {
	var all []string
	for i := range c.offers {
		for _, p := range c.offers[i].endpoint.Parameters(&c.model) {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

func architectureOf(c callable) architecture {
	in := known(c.model.InputModalities, inputModalities())
	out := known(c.model.OutputModalities, outputModalities())
	return architecture{
		Modality: strings.Join(in, "+") + "->" + strings.Join(out, "+"), InputModalities: in, OutputModalities: out,
		Tokenizer: tokenizerGroup(c.model.Tokenizer), InstructType: instructType(c.model.Facts.InstructType),
	}
}

func endpointsOf(c callable, seen func(endpoint string) performance, fast bool) routableEndpoints {
	m := c.model
	answer := routableEndpoints{
		ID: m.ID, Name: m.Name, Created: m.ReleasedAt.Unix(), Description: m.Description,
		Architecture: architectureOf(c), Endpoints: []routableEndpoint{},
	}
	for _, o := range c.offers {
		answer.Endpoints = append(answer.Endpoints, endpointOf(c, o, seen(o.endpoint.ID), fast))
	}
	return answer
}

// outOfService is the status of an endpoint that is not called now because it failed.
const outOfService = -1

// endpointOf shows an offer; fast says whether the asker may know how fast it is.
func endpointOf(c callable, o offer, seen performance, fast bool) routableEndpoint {
	m, p, terms := c.model, pricingOf(o.price.Price), &o.endpoint.Terms
	e := routableEndpoint{
		Name: o.vendor.Name + " | " + m.ID, Tag: o.vendor.ID, ModelID: m.ID, ModelName: m.Name, ProviderName: o.vendor.Name,
		ContextLength: o.endpoint.ContextLength, MaxCompletionTokens: o.endpoint.MaxCompletionTokens, Pricing: p,
		Quantization: orNull(terms.Quantization), SupportedParameters: known(o.endpoint.Parameters(&m), parameterWords()),
		SupportsImplicitCaching: p.CacheRead != "", Uptime5m: seen.uptime5m, Uptime30m: seen.uptime30m, Uptime1d: seen.uptime1d,
	}
	if slices.Contains(e.SupportedParameters, "tool_choice") {
		e.SupportsToolChoice = toolChoices{Auto: true, Function: true, None: true, Required: true}
	}
	if terms.MaxPromptTokens > 0 {
		e.MaxPromptTokens = &terms.MaxPromptTokens
	}
	if seen.open {
		e.Status = outOfService
	}
	if fast {
		e.Latency30m, e.Throughput30m = seen.latency, seen.throughput
	}
	return e
}

// keepsNothing says whether the endpoint retains nothing of what it is sent.
func (o offer) keepsNothing() bool { return o.endpoint.Terms.ZeroRetention() }

// known keeps the words of OpenRouter's vocabulary: its clients refuse others.
func known(words, vocabulary []string) []string {
	kept := []string{}
	for _, w := range words {
		if slices.Contains(vocabulary, w) {
			kept = append(kept, w)
		}
	}
	return kept
}

func inputModalities() []string { return []string{"text", "image", "file", "audio", "video"} }

func outputModalities() []string {
	return []string{"text", "image", "embeddings", "audio", "video", "rerank", "speech", "transcription"}
}

func parameterWords() []string {
	return []string{
		"temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty", "repetition_penalty",
		"max_tokens", "max_completion_tokens", "logit_bias", "logprobs", "top_logprobs", "prediction", "seed",
		"response_format", "structured_outputs", "stop", "tools", "tool_choice", "parallel_tool_calls",
		"include_reasoning", "reasoning", "reasoning_effort", "web_search_options", "verbosity",
	}
}

// instructType is OpenRouter's name of a prompt format, nil for one that it does not have.
func instructType(name string) *string {
	names := []string{
		"none", "airoboros", "alpaca", "alpaca-modif", "chatml", "claude", "code-llama", "gemma", "llama2", "llama3", "mistral", "nemotron",
		"neural", "openchat", "phi3", "rwkv", "vicuna", "zephyr", "deepseek-r1", "deepseek-v3.1", "qwq", "qwen3",
	}
	if !slices.Contains(names, name) {
		return nil
	}
	return &name
}

// tokenizerGroup is OpenRouter's name of a tokenizer's family.
func tokenizerGroup(tokenizer string) string {
	groups := []string{
		"Router", "Media", "Other", "GPT", "Claude", "Gemini", "Gemma", "Grok", "Cohere", "Nova", "Qwen", "Yi", "DeepSeek",
		"Mistral", "Llama2", "Llama3", "Llama4", "PaLM", "RWKV", "Qwen3",
	}
	for _, g := range groups {
		if strings.EqualFold(g, tokenizer) {
			return g
		}
	}
	switch tokenizer {
	case "o200k_base", "o200k_harmony", "cl100k_base":
		return "GPT"
	default:
		return "Other"
	}
}
