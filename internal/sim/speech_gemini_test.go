package sim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func geminiSpeech() *speech {
	return &speech{
		name: "gemini", capMember: `"generationConfig":{"maxOutputTokens":%d}`, headers: []string{"X-Goog-Api-Key", apiKey},
		path: func(model string, stream bool) string {
			if stream {
				return "/v1beta/models/" + escaped(model) + ":streamGenerateContent?alt=sse"
			}
			return "/v1beta/models/" + escaped(model) + ":generateContent"
		},
		body: func(_ string, _ bool, more ...string) string {
			return object(append([]string{`"contents":[{"role":"user","parts":[{"text":"Hello there"}]}]`}, more...)...)
		},
		understand: func(tb testing.TB, text string, stream bool) (h heard) {
			tb.Helper()
			if !stream {
				h.gemini(tb, text)
				h.done = true
				return h
			}
			for _, event := range sse(text) {
				require.Empty(tb, event[0], "no event has a name")
				h.gemini(tb, event[1])
			}
			h.done = h.finish != "" || (h.failed == "" && strings.HasSuffix(text, "\r\n\r\n") && h.tokens == 0 && len(sse(text)) > 0)
			return h
		},
		errorKind: func(tb testing.TB, text string) string {
			tb.Helper()
			var body struct {
				Error struct {
					Code            int
					Message, Status string
				}
			}
			parse(tb, text, &body)
			require.NotEmpty(tb, body.Error.Message)
			require.NotZero(tb, body.Error.Code)
			return body.Error.Status
		},
		native: map[string]string{
			"400": "INVALID_ARGUMENT", "401": "UNAUTHENTICATED", "402": "FAILED_PRECONDITION", "403": "PERMISSION_DENIED", "404": "NOT_FOUND",
			"408": "DEADLINE_EXCEEDED", "409": "ABORTED", "413": "INVALID_ARGUMENT", "429": "RESOURCE_EXHAUSTED", "500": "INTERNAL",
			"502": "UNAVAILABLE", "503": "UNAVAILABLE", "504": "DEADLINE_EXCEEDED", "529": "UNAVAILABLE",
		},
	}
}

// geminiResponse is an answer or a chunk as Google writes it.
type geminiResponse struct {
	Candidates []struct {
		Index   int
		Content struct {
			Role  string
			Parts []struct {
				Text, ThoughtSignature string
				Thought                bool
				FunctionCall           *struct {
					ID, Name string
					Args     json.RawMessage
				}
			}
		}
		FinishReason string
	}
	PromptFeedback struct{ BlockReason string }
	UsageMetadata  *struct {
		Prompt     int64 `json:"promptTokenCount"`
		Cached     int64 `json:"cachedContentTokenCount"`
		Candidates any   `json:"candidatesTokenCount"`
		Thoughts   int64 `json:"thoughtsTokenCount"`
		Total      int64 `json:"totalTokenCount"`
	}
	ResponseID string
	Error      struct{ Status string }
}

func (h *heard) gemini(tb testing.TB, text string) {
	tb.Helper()
	var r geminiResponse
	parse(tb, text, &r)
	h.failed = r.Error.Status
	if r.ResponseID != "" {
		h.id = r.ResponseID
	}
	h.told = false
	if u := r.UsageMetadata; u != nil {
		var candidates int64
		h.told = true
		if u.Candidates != nil {
			candidates, h.told = wholeOf(u.Candidates)
		}
		h.usage = sim.Usage{Prompt: u.Prompt, Cached: u.Cached, Reasoning: u.Thoughts, Completion: candidates + u.Thoughts}
	}
	if r.PromptFeedback.BlockReason != "" {
		h.finish = r.PromptFeedback.BlockReason
	}
	for _, c := range r.Candidates {
		for _, part := range c.Content.Parts {
			switch {
			case part.FunctionCall != nil:
				h.call(len(h.calls), part.FunctionCall.ID, part.FunctionCall.Name, string(part.FunctionCall.Args))
				h.calls[len(h.calls)-1].Signature = part.ThoughtSignature
			case part.Thought:
				h.thought += part.Text
			case part.Text != "":
				h.text += part.Text
				h.tokens++
			}
		}
		if c.FinishReason != "" {
			h.finish = c.FinishReason
		}
	}
}
