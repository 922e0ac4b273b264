package sim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// continued is a completion, or a chunk of one.
type continued struct {
	Object  string
	Choices []struct {
		Text   string
		Index  int
		Finish *string `json:"finish_reason"`
	}
	Usage *struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
	}
}

func (b *bundle) complete(t *testing.T, body string) (int, string) {
	t.Helper()
	answer, text := b.send(t, http.MethodPost, "/v1/completions", body, "Authorization", "Bearer "+apiKey, "Content-Type", "application/json")
	return answer.StatusCode, text
}

// TestCompletions: a body and a stream have the same texts, and both tell the usage that is booked.
func TestCompletions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status, text := b.complete(t, `{"model":"m?tokens=5","prompt":["Once ","Twice "],"n":2,"echo":true}`)
	require.Equal(t, 200, status, text)
	var whole continued
	parse(t, text, &whole)
	require.Equal(t, "text_completion", whole.Object)
	require.Len(t, whole.Choices, 4)
	require.EqualValues(t, 20, whole.Usage.Completion)
	require.EqualValues(t, 4, whole.Usage.Prompt)
	status, text = b.complete(t, `{"model":"m?tokens=5","prompt":["Once ","Twice "],"n":2,"echo":true,"stream":true,"stream_options":{"include_usage":true}}`)
	require.Equal(t, 200, status, text)
	data := events(text)
	require.Equal(t, "[DONE]", data[len(data)-1])
	texts := make([]string, 4)
	for _, event := range data[:len(data)-1] {
		var c continued
		parse(t, event, &c)
		for _, choice := range c.Choices {
			texts[choice.Index] += choice.Text
		}
	}
	for i, choice := range whole.Choices {
		require.Equal(t, choice.Text, texts[i])
		require.True(t, strings.HasPrefix(choice.Text, []string{"Once ", "Twice "}[i/2]))
		require.Equal(t, "stop", *choice.Finish)
	}
	status, text = b.complete(t, `{"model":"m?tokens=5","prompt":[1,2,3],"best_of":3,"max_tokens":2}`)
	require.Equal(t, 200, status)
	whole = continued{}
	parse(t, text, &whole)
	require.Len(t, whole.Choices, 1)
	require.Equal(t, "length", *whole.Choices[0].Finish)
	require.EqualValues(t, 6, whole.Usage.Completion, "those that are not shown count")
	require.Equal(t, sim.Row{
		Calls: 3, Streamed: 1, Completed: 3, Reported: sim.Usage{Prompt: 4 + 4 + 3, Completion: 20 + 20 + 6},
	}, b.Totals().Dialects["completions"])
}

func TestCompletionsBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, says := range map[string]string{ //nolint:gosec // its tokens are no credentials
		`{"model":"m"}`: "'prompt'", `{"prompt":"a"}`: "'model'", `{"model":"m","prompt":["a",1]}`: "mixed", `{"model":"m","prompt":"a","messages":[]}`: "Unknown parameter: 'messages'.",
		`{"model":"m","prompt":"a","max_tokens":0}`: "'max_tokens'", `{"model":"m","prompt":"a","n":3,"best_of":2}`: "best_of", `{"model":"m","prompt":"a","stream":true,"best_of":2}`: "best_of",
		`{"model":"m","prompt":[` + strings.Repeat(`"a",`, 20) + `"a"]}`: "at most 20", `{"model":"m?fault=400","prompt":"a"}`: `"error"`,
	} {
		status, text := b.complete(t, body)
		require.Equal(t, 400, status, body)
		require.Contains(t, text, says)
	}
}
