package chat

import "strings"

// Uses is what a call asks of a model: parameters that have an effect on the answer, and kinds of input besides text. What the gateway does
// by itself is none of it: the output cap, usage in streams, hidden thoughts.
type Uses uint32

// The parameters, by their OpenRouter names in supported_parameters, and the kinds of input.
const (
	UsesTools Uses = 1 << iota
	UsesToolChoice
	UsesParallelTools
	UsesTemperature
	UsesTopP
	UsesTopK
	UsesMinP
	UsesTopA
	UsesFrequencyPenalty
	UsesPresencePenalty
	UsesRepetitionPenalty
	UsesSeed
	UsesStop
	UsesResponseFormat
	UsesStructuredOutputs
	UsesReasoning
	UsesVerbosity
	UsesLogitBias
	UsesLogprobs
	UsesTopLogprobs
	UsesPrediction
	UsesWebSearch
	UsesImages
	UsesFiles
	UsesAudio
	UsesVideo
)

// Parameters are the names of the parameters.
func (u Uses) Parameters() []string {
	return u.names(0, []string{
		"tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty",
		"repetition_penalty", "seed", "stop", "response_format", "structured_outputs", "reasoning", "verbosity", "logit_bias", "logprobs",
		"top_logprobs", "prediction", "web_search_options",
	})
}

// Modalities are the kinds of input besides text, by their names in input_modalities.
func (u Uses) Modalities() []string {
	return u.names(kinds, []string{"image", "file", "audio", "video"})
}

// kinds is how many parameters there are before the kinds of input.
const kinds = 22

func (u Uses) names(first int, all []string) (used []string) {
	for i, name := range all {
		if u&(1<<(first+i)) != 0 {
			used = append(used, name)
		}
	}
	return used
}

// UseOf is what a parameter of chat completions that stands for itself asks for; 0 for all others.
func UseOf(name []byte) Uses {
	switch string(name) {
	case "tool_choice":
		return UsesToolChoice
	case "parallel_tool_calls":
		return UsesParallelTools
	case "temperature":
		return UsesTemperature
	case "top_p":
		return UsesTopP
	case "top_k":
		return UsesTopK
	case "min_p":
		return UsesMinP
	case "top_a":
		return UsesTopA
	case "frequency_penalty":
		return UsesFrequencyPenalty
	case "presence_penalty":
		return UsesPresencePenalty
	case "repetition_penalty":
		return UsesRepetitionPenalty
	case "seed":
		return UsesSeed
	case "stop":
		return UsesStop
	case "reasoning_effort":
		return UsesReasoning
	case "verbosity", "text.verbosity":
		return UsesVerbosity
	case "logit_bias":
		return UsesLogitBias
	case "logprobs", "generationConfig.responseLogprobs":
		return UsesLogprobs
	case "top_logprobs", "generationConfig.logprobs":
		return UsesTopLogprobs
	case "prediction":
		return UsesPrediction
	case "web_search_options":
		return UsesWebSearch
	}
	return 0
}

// UsesMedia is what a medium of a type, such as image/png, asks for.
func UsesMedia(mime string) Uses {
	kind, _, _ := strings.Cut(strings.ToLower(mime), "/")
	switch kind {
	case "image":
		return UsesImages
	case "audio":
		return UsesAudio
	case "video":
		return UsesVideo
	}
	return UsesFiles
}

// Uses is what the call asks of a model.
func (r *Request) Uses() Uses {
	var u Uses
	add := func(given bool, one Uses) {
		if given {
			u |= one
		}
	}
	add(len(r.Tools) > 0, UsesTools)
	add(r.ToolChoice.Mode != "", UsesToolChoice)
	add(r.ParallelTools != nil, UsesParallelTools)
	add(r.Temperature != "", UsesTemperature)
	add(r.TopP != "", UsesTopP)
	add(r.TopK != "", UsesTopK)
	add(r.FrequencyPenalty != "", UsesFrequencyPenalty)
	add(r.PresencePenalty != "", UsesPresencePenalty)
	add(r.Seed != "", UsesSeed)
	add(len(r.Stop) > 0, UsesStop)
	add(r.Format.Kind == JSONObject, UsesResponseFormat)
	add(r.Format.Kind == JSONSchema, UsesStructuredOutputs)
	add(r.Reasoning.Effort != "" || r.Reasoning.Budget != 0 || r.Reasoning.Off, UsesReasoning)
	for _, field := range r.Unsupported {
		u |= UseOf([]byte(field))
	}
	for i := range r.Messages {
		u |= usesOf(r.Messages[i].Parts)
	}
	return u
}

func usesOf(parts []Part) (u Uses) {
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case Image:
			u |= UsesImages
		case File:
			u |= UsesMedia(p.Media.MIME)
		case Audio:
			u |= UsesAudio
		case ToolResult:
			u |= usesOf(p.Result.Parts)
		case Text, Refusal, Thinking, Redacted, ToolCall:
		}
	}
	return u
}
