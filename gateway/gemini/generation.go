package gemini

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// What Gemini takes at most.
const (
	maxStops      = 5
	maxCandidates = 8
)

// The names of media types and resolutions.
const (
	plainText     = "text/plain"
	jsonText      = "application/json"
	lowResolution = "MEDIA_RESOLUTION_LOW"
)

// generation appends generationConfig.
func (w *outgoing) generation(dst []byte) []byte {
	dst = append(key(dst, "generationConfig"), '{')
	dst = raw(dst, "temperature", w.Temperature)
	dst = raw(dst, "topP", w.TopP)
	dst = raw(dst, "topK", w.TopK)
	limit := w.o.MaxTokens
	if limit == 0 {
		limit = w.MaxTokens
	}
	dst = whole(dst, "maxOutputTokens", limit)
	if w.Choices > 1 {
		dst = whole(dst, "candidateCount", w.Choices)
	}
	w.option(w.Choices > maxCandidates, "n", "Gemini gives "+strconv.Itoa(maxCandidates)+" choices at most")
	dst = raw(dst, "seed", w.Seed)
	dst = raw(dst, "presencePenalty", w.PresencePenalty)
	dst = raw(dst, "frequencyPenalty", w.FrequencyPenalty)
	dst = w.stops(dst)
	dst = w.format(dst)
	dst = w.thinking(dst)
	if w.low > 0 && w.low == w.images {
		dst = text(dst, "mediaResolution", lowResolution)
	}
	w.option(w.low > 0 && w.low < w.images, "image_url.detail", "Gemini looks at all images of a call in the same detail")
	return append(dst, '}')
}

func (w *outgoing) stops(dst []byte) []byte {
	if len(w.Stop) == 0 {
		return dst
	}
	w.option(len(w.Stop) > maxStops, "stop", "Gemini takes "+strconv.Itoa(maxStops)+" stop sequences at most")
	dst = append(key(dst, "stopSequences"), '[')
	for _, stop := range w.Stop[:min(len(w.Stop), maxStops)] {
		dst = jsonscan.AppendString(comma(dst), stop)
	}
	return append(dst, ']')
}

// format appends the form of the text. A schema's name is a label, and that it is kept to goes without saying.
func (w *outgoing) format(dst []byte) []byte {
	switch w.Format.Kind {
	case chat.JSONObject:
		return text(dst, "responseMimeType", jsonText)
	case chat.JSONSchema:
		w.option(w.Format.Description != "", "response_format.json_schema.description", "Gemini has no place for it")
		return raw(text(dst, "responseMimeType", jsonText), "responseJsonSchema", w.Format.Schema)
	case chat.PlainText:
	}
	return dst
}

// Budgets in tokens that stand for efforts where models take no levels, as Google's own interface for clients of OpenAI has
// them.
const (
	lowBudget    = 1024
	mediumBudget = 8192
	highBudget   = 24576
)

// thinking appends thinkingConfig: levels, or budgets for models before version 3, which know no levels.
func (w *outgoing) thinking(dst []byte) []byte {
	r := w.Reasoning
	if !r.Given() {
		return dst
	}
	dst = append(key(dst, "thinkingConfig"), '{')
	if r.Show != nil {
		dst = strconv.AppendBool(key(dst, "includeThoughts"), *r.Show)
	}
	switch {
	case r.Off, r.Effort == "none":
		dst = raw(dst, "thinkingBudget", "0")
	case r.Budget > 0:
		dst = whole(dst, "thinkingBudget", r.Budget)
	case r.Effort != "":
		dst = w.effort(dst, r.Effort)
	}
	return append(dst, '}')
}

func (w *outgoing) effort(dst []byte, effort string) []byte {
	budget := int64(0)
	switch effort {
	case "minimal", "low":
		budget = lowBudget
	case "medium":
		budget = mediumBudget
	case "high":
		budget = highBudget
	case "xhigh", "max":
		w.option(true, "reasoning_effort", "the highest effort of Gemini is high")
		effort, budget = "high", highBudget
	default:
		w.invalid("reasoning_effort", "this effort is not known")
	}
	if budgeted(w.o.Model) {
		return whole(dst, "thinkingBudget", budget)
	}
	return text(dst, "thinkingLevel", effort)
}

// budgeted says whether a model takes budgets only.
func budgeted(model string) bool {
	return strings.Contains(model, "gemini-1") || strings.Contains(model, "gemini-2")
}
