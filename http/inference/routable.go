package inference

import (
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
)

// routable is OpenRouter's Model. What this platform does not know is null, as OpenRouter has it.
type routable struct {
	ID                  string       `json:"id"`
	CanonicalSlug       string       `json:"canonical_slug"`
	HuggingFaceID       *string      `json:"hugging_face_id"`
	Name                string       `json:"name"`
	Created             int64        `json:"created"` // Unix seconds
	Description         string       `json:"description"`
	ContextLength       int64        `json:"context_length"`
	Architecture        architecture `json:"architecture"`
	Pricing             pricing      `json:"pricing"`
	TopProvider         topProvider  `json:"top_provider"`
	PerRequestLimits    *struct{}    `json:"per_request_limits"`
	SupportedParameters []string     `json:"supported_parameters"`
	DefaultParameters   *struct{}    `json:"default_parameters"`
	SupportedVoices     []string     `json:"supported_voices"`
	KnowledgeCutoff     *string      `json:"knowledge_cutoff"`
	ExpirationDate      *string      `json:"expiration_date"`
	Links               modelLinks   `json:"links"`
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
	Name                    string    `json:"name"`
	Tag                     string    `json:"tag"`
	ModelID                 string    `json:"model_id"`
	ModelName               string    `json:"model_name"`
	ProviderName            string    `json:"provider_name"`
	ContextLength           int64     `json:"context_length"`
	MaxCompletionTokens     int64     `json:"max_completion_tokens"`
	MaxPromptTokens         *int64    `json:"max_prompt_tokens"`
	Pricing                 pricing   `json:"pricing"`
	Quantization            *string   `json:"quantization"`
	Status                  int       `json:"status"` // 0: in service
	SupportedParameters     []string  `json:"supported_parameters"`
	SupportsImplicitCaching bool      `json:"supports_implicit_caching"`
	Uptime5m                *struct{} `json:"uptime_last_5m"`
	Uptime30m               *struct{} `json:"uptime_last_30m"`
	Uptime1d                *struct{} `json:"uptime_last_1d"`
	Latency30m              *struct{} `json:"latency_last_30m"`
	Throughput30m           *struct{} `json:"throughput_last_30m"`
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
		ID: m.ID, CanonicalSlug: m.ID, Name: m.Name, Created: m.ReleasedAt.Unix(), Description: m.Description,
		ContextLength: m.ContextLength, Architecture: architectureOf(c), Pricing: pricingOf(top.price.Price),
		TopProvider: topProvider{
			ContextLength: top.endpoint.ContextLength, MaxCompletionTokens: top.endpoint.MaxCompletionTokens,
		},
		SupportedParameters: known(m.SupportedParameters, parameters()),
		Links:               modelLinks{Details: "/api/v1/models/" + m.ID + "/endpoints"},
	}
}

func architectureOf(c callable) architecture {
	in := known(c.model.InputModalities, inputModalities())
	out := known(c.model.OutputModalities, outputModalities())
	return architecture{
		Modality: strings.Join(in, "+") + "->" + strings.Join(out, "+"), InputModalities: in, OutputModalities: out,
		Tokenizer: tokenizerGroup(c.model.Tokenizer),
	}
}

func endpointsOf(c callable) routableEndpoints {
	m := c.model
	answer := routableEndpoints{
		ID: m.ID, Name: m.Name, Created: m.ReleasedAt.Unix(), Description: m.Description,
		Architecture: architectureOf(c), Endpoints: []routableEndpoint{},
	}
	for _, o := range c.offers {
		p := pricingOf(o.price.Price)
		answer.Endpoints = append(answer.Endpoints, routableEndpoint{
			Name: o.vendor.Name + " | " + m.ID, Tag: o.vendor.ID, ModelID: m.ID, ModelName: m.Name, ProviderName: o.vendor.Name,
			ContextLength: o.endpoint.ContextLength, MaxCompletionTokens: o.endpoint.MaxCompletionTokens, Pricing: p,
			SupportedParameters: known(m.SupportedParameters, parameters()), SupportsImplicitCaching: p.CacheRead != "",
		})
	}
	return answer
}

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

func parameters() []string {
	return []string{
		"temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty", "repetition_penalty",
		"max_tokens", "max_completion_tokens", "logit_bias", "logprobs", "top_logprobs", "prediction", "seed",
		"response_format", "structured_outputs", "stop", "tools", "tool_choice", "parallel_tool_calls",
		"include_reasoning", "reasoning", "reasoning_effort", "web_search_options", "verbosity",
	}
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
