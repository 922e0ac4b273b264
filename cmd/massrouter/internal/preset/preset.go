// Package preset is what is known of vendors before they are published: addresses and peculiarities, as their references have them. docs/gateway.md
// has the same table; a test holds them together.
package preset

import (
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/catalog"
)

// Preset is a vendor as it would be published. A base URL with words in capitals is a pattern: the operator's own goes in its place.
type Preset struct {
	ID             string
	Name           string
	BaseURL        string
	Dialect        string
	MaxTokensField string
	CancelPolicy   catalog.CancelPolicy // drain, unless the vendor is known to stop its bill
	Wire           *catalog.Wire
	Note           string // for the table
}

const (
	old   = "max_tokens"
	fresh = "max_completion_tokens"
)

// AzureVersion is the version of Azure's older form that is asked for.
const AzureVersion = "2024-10-21"

// All are the presets by id.
func All() []Preset {
	none := &catalog.Wire{Auth: catalog.AuthNone, InlineMedia: true} // what runs on our machines does not go to addresses that callers choose
	key := catalog.Wire{Auth: catalog.AuthHeader, AuthName: "api-key"}
	deployments := key
	deployments.Query = map[string]string{"api-version": AzureVersion}
	deployments.Paths = map[string]string{
		"chat": "/deployments/{model}/chat/completions", "completion": "/deployments/{model}/completions", "embeddings": "/deployments/{model}/embeddings",
		"image": "/deployments/{model}/images/generations", "speech": "/deployments/{model}/audio/speech", "transcription": "/deployments/{model}/audio/transcriptions",
	}
	all := []Preset{
		{"anthropic", "Anthropic", "https://api.anthropic.com/v1", "anthropic", old, catalog.Cancel, nil, ""},
		{"azure", "Azure OpenAI", "https://RESOURCE.openai.azure.com/openai/v1", "openai", fresh, catalog.Cancel, &key, "the upstream model is the deployment"},
		{"azure-deployments", "Azure OpenAI", "https://RESOURCE.openai.azure.com/openai", "openai", fresh, catalog.Cancel, &deployments, "the form with a version in the query"},
		{"azure-responses", "Azure OpenAI", "https://RESOURCE.openai.azure.com/openai/v1", "responses", old, catalog.Cancel, &key, "deployments that are called by Responses"},
		{
			"bedrock", "Amazon Bedrock", "https://bedrock-runtime.REGION.amazonaws.com", "bedrock", old, catalog.Drain, &catalog.Wire{Auth: catalog.AuthSigV4},
			"bills the whole answer of a call that was cancelled; the key is the document of an access key; for Bedrock's API keys leave auth out",
		},
		{"deepseek", "DeepSeek", "https://api.deepseek.com/v1", "openai", old, catalog.Cancel, nil, ""},
		{"google", "Google AI Studio", "https://generativelanguage.googleapis.com/v1beta", "gemini", old, catalog.Drain, nil, ""},
		{"groq", "Groq", "https://api.groq.com/openai/v1", "openai", fresh, catalog.Drain, nil, ""},
		{"mistral", "Mistral", "https://api.mistral.ai/v1", "openai", old, catalog.Drain, &catalog.Wire{NoStreamUsage: true}, "tells the usage of streams unasked; refuses fields that it does not know"},
		{"moonshot", "Moonshot AI", "https://api.moonshot.ai/v1", "openai", old, catalog.Drain, &catalog.Wire{InlineMedia: true}, "in China api.moonshot.cn"},
		{"ollama", "Ollama", "http://127.0.0.1:11434/v1", "openai", old, catalog.Cancel, none, "on your own machine"},
		{"openai", "OpenAI", "https://api.openai.com/v1", "openai", fresh, catalog.Cancel, nil, ""},
		{"qwen", "Alibaba Cloud Model Studio", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "openai", old, catalog.Drain, nil, "in China dashscope.aliyuncs.com"},
		{"together", "Together", "https://api.together.xyz/v1", "openai", old, catalog.Cancel, nil, ""},
		{
			"vertex", "Google Vertex AI", "https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/publishers/google", "gemini", old, catalog.Drain,
			&catalog.Wire{Auth: catalog.AuthServiceAccount}, "Gemini; the key is the document of a service account",
		},
		{
			"vertex-anthropic", "Google Vertex AI", "https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/publishers/anthropic", "anthropic", old, catalog.Drain,
			&catalog.Wire{
				Auth: catalog.AuthServiceAccount, BodyVersion: "vertex-2023-10-16", InlineMedia: true,
				Paths: map[string]string{"chat": "/models/{model}:rawPredict", "chat_stream": "/models/{model}:streamRawPredict"},
			}, "Claude; the key is the document of a service account",
		},
		{"vllm", "vLLM", "http://127.0.0.1:8000/v1", "openai", old, catalog.Cancel, none, "on your own machine; with --api-key leave auth out"},
		{"xai", "xAI", "https://api.x.ai/v1", "openai", fresh, catalog.Cancel, nil, ""},
		{"zhipu", "Zhipu", "https://open.bigmodel.cn/api/paas/v4", "openai", old, catalog.Drain, nil, "outside China api.z.ai/api/paas/v4"},
	}
	return all
}

// Find finds a preset.
func Find(id string) (Preset, bool) {
	all := All()
	if i := slices.IndexFunc(all, func(p Preset) bool { return p.ID == id }); i >= 0 {
		return all[i], true
	}
	return Preset{}, false
}

// IDs are those of all presets, with commas.
func IDs() string {
	var ids []string
	for _, p := range All() {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, ", ")
}

// Pattern says whether the base URL has to be given.
func (p Preset) Pattern() bool {
	host, _, _ := strings.Cut(strings.TrimPrefix(p.BaseURL, "https://"), "/")
	return strings.ContainsFunc(host, func(c rune) bool { return c >= 'A' && c <= 'Z' })
}
