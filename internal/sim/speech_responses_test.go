package sim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func responsesSpeech() *speech {
	return &speech{
		name: "responses", capMember: `"max_output_tokens":%d`, headers: []string{"Authorization", "Bearer " + apiKey}, path: fixed("/v1/responses"),
		body: func(model string, stream bool, more ...string) string {
			fields := append([]string{`"model":"` + model + `"`, `"input":"Hello there"`}, more...)
			if stream {
				fields = append(fields, streamed)
			}
			return object(fields...)
		},
		understand: func(tb testing.TB, text string, stream bool) (h heard) {
			tb.Helper()
			if !stream {
				h.response(tb, []byte(text))
				h.done = true
				return h
			}
			h.responseStream(tb, text)
			return h
		},
		errorKind: openAIError, native: openAINative,
	}
}

// responsesUsage is usage as the Responses API writes it.
type responsesUsage struct {
	Input   int64 `json:"input_tokens"`
	Output  any   `json:"output_tokens"`
	Details struct {
		Cached  int64 `json:"cached_tokens"`
		Written int64 `json:"cache_write_tokens"`
	} `json:"input_tokens_details"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
}

// responsesItem is an output item as the Responses API writes it.
type responsesItem struct {
	ID, Type, Status, Name, Arguments string
	CallID                            string `json:"call_id"`
	Content                           []struct{ Type, Text, Refusal string }
	Summary                           []struct{ Text string }
	Encrypted                         string `json:"encrypted_content"`
}

func (h *heard) response(tb testing.TB, text []byte) {
	tb.Helper()
	var r struct {
		ID, Object, Status string
		Output             []responsesItem
		Incomplete         *struct{ Reason string } `json:"incomplete_details"`
		Usage              *responsesUsage
		Error              *struct{ Code, Type string }
	}
	parse(tb, string(text), &r)
	h.id = r.ID
	if r.Error != nil {
		h.failed = r.Error.Code
		return
	}
	require.Equal(tb, "response", r.Object)
	if h.finish = r.Status; r.Incomplete != nil {
		h.finish = r.Incomplete.Reason
	}
	for i, item := range r.Output {
		switch item.Type {
		case "message":
			h.text += item.Content[0].Text + item.Content[0].Refusal
			h.tokens++
		case "reasoning":
			for _, part := range item.Summary {
				h.thought += part.Text
			}
			h.thought += "|" + item.Encrypted
		case "function_call":
			h.call(len(h.calls), item.CallID, item.Name, item.Arguments)
		}
		if item.Type != "reasoning" {
			require.Equal(tb, r.Incomplete != nil && i == len(r.Output)-1, item.Status == "incomplete")
		}
	}
	if r.Usage != nil {
		output, ok := wholeOf(r.Usage.Output)
		h.told = ok
		h.usage = sim.Usage{
			Prompt: r.Usage.Input, Cached: r.Usage.Details.Cached, CacheWrite: r.Usage.Details.Written,
			Reasoning: r.Usage.OutputDetails.Reasoning, Completion: output,
		}
	}
}

// responseStream reads the events, and holds what they add up to against what they repeat.
func (h *heard) responseStream(tb testing.TB, text string) {
	tb.Helper()
	var deltas, thoughts strings.Builder
	arguments := map[int]string{}
	var done []json.RawMessage
	number := 0
	for _, event := range sse(text) {
		var e struct {
			Type, Delta, Text, Refusal, Arguments, Code string
			Sequence                                    int `json:"sequence_number"`
			Output                                      int `json:"output_index"`
			Response, Item                              json.RawMessage
		}
		parse(tb, event[1], &e)
		require.Equal(tb, event[0], e.Type, "the event's name and its type are the same")
		require.GreaterOrEqual(tb, e.Sequence, number)
		number = e.Sequence + 1
		switch strings.TrimPrefix(e.Type, "response.") {
		case "created", "in_progress":
			var inner heard
			inner.response(tb, e.Response)
			require.False(tb, inner.told)
			h.id = inner.id
		case "output_text.delta", "refusal.delta":
			deltas.WriteString(e.Delta)
			h.tokens++
		case "output_text.done", "refusal.done":
			require.Equal(tb, deltas.String(), e.Text+e.Refusal)
		case "reasoning_summary_text.delta":
			thoughts.WriteString(e.Delta)
		case "reasoning_summary_text.done":
			require.Equal(tb, thoughts.String(), e.Text)
		case "function_call_arguments.delta":
			arguments[e.Output] += e.Delta
		case "function_call_arguments.done":
			require.Equal(tb, arguments[e.Output], e.Arguments)
		case "output_item.added":
			require.Len(tb, done, e.Output, "items come in order")
		case "output_item.done":
			require.Len(tb, done, e.Output)
			done = append(done, e.Item)
		case "completed", "incomplete", "failed":
			tokens := h.tokens
			h.tokens = 0
			h.response(tb, e.Response)
			h.tokens = tokens
			if h.failed != "" {
				continue
			}
			h.done = true
			require.Equal(tb, deltas.String(), h.text)
			var r struct{ Output []json.RawMessage }
			parse(tb, string(e.Response), &r)
			require.Len(tb, r.Output, len(done))
			for i := range done {
				require.JSONEq(tb, string(done[i]), string(r.Output[i]))
			}
		case "error":
			h.failed = e.Code
		}
	}
	h.text = deltas.String()
}

func embeddingsSpeech() *speech {
	return &speech{
		name: "embeddings", embeds: true, headers: []string{"Authorization", "Bearer " + apiKey}, path: fixed("/v1/embeddings"),
		body: func(model string, _ bool, more ...string) string {
			return object(append([]string{`"model":"` + model + `"`, `"input":"Hello there"`}, more...)...)
		},
		understand: func(tb testing.TB, text string, _ bool) (h heard) {
			tb.Helper()
			var r struct {
				Object string
				Usage  *struct {
					Prompt any   `json:"prompt_tokens"`
					Total  int64 `json:"total_tokens"`
				}
			}
			parse(tb, text, &r)
			require.Equal(tb, "list", r.Object)
			h.done = true
			if r.Usage != nil {
				h.usage.Prompt, h.told = wholeOf(r.Usage.Prompt)
			}
			return h
		},
		errorKind: openAIError, native: openAINative,
	}
}
