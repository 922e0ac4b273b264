package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// geminiEmbed asks for vectors at Google's addresses.
func (b *bundle) geminiEmbed(t *testing.T, model, verb, body string) (int, string) {
	t.Helper()
	answer, text := b.send(t, http.MethodPost, "/v1beta/models/"+escaped(model)+":"+verb, body, "X-Goog-Api-Key", apiKey, "Content-Type", "application/json")
	return answer.StatusCode, text
}

// TestGeminiEmbeddings: the vectors are those of OpenAI's form, there is no usage, and what was used is booked.
func TestGeminiEmbeddings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, text, err := b.say(t, embeddingsSpeech(), "m", false, `"input":["Hello there","other"]`, `"dimensions":8`)
	require.NoError(t, err)
	var want embedded
	parse(t, text, &want)
	type values struct{ Values []any }
	var single struct{ Embedding values }
	status, text := b.geminiEmbed(t, "m", "embedContent", `{"content":{"parts":[{"text":"Hello "},{"text":"there"}]},"outputDimensionality":8,"taskType":"RETRIEVAL_QUERY"}`)
	require.Equal(t, 200, status, text)
	parse(t, text, &single)
	require.Equal(t, vectorOf(t, want.Data[0].Embedding), vectorOf(t, any(single.Embedding.Values)))
	require.NotContains(t, text, "usage")

	one := `{"model":"models/%s","content":{"parts":[{"text":"%s"}]},"output_dimensionality":8}`
	var list struct{ Embeddings []values }
	status, text = b.geminiEmbed(t, "m", "batchEmbedContents", `{"requests":[`+fmt.Sprintf(one, "m", "Hello there")+`,`+fmt.Sprintf(one, "m", "other")+`]}`)
	require.Equal(t, 200, status, text)
	parse(t, text, &list)
	for i := range want.Data {
		require.Equal(t, vectorOf(t, want.Data[i].Embedding), vectorOf(t, any(list.Embeddings[i].Values)))
	}
	status, text = b.geminiEmbed(t, "m?fault=empty", "embedContent", `{"content":{"parts":[{"text":"a"}]}}`)
	require.Equal(t, 200, status)
	require.Equal(t, "{}\n", text)
	require.Equal(t, sim.Row{Calls: 3, Completed: 3, Unreported: sim.Usage{Prompt: 3 + 3 + 2 + 1}}, b.Totals().Dialects["gemini-embeddings"])
}

func TestGeminiEmbeddingsBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, says := range map[string]string{
		`{}`: "content", `{"content":{}}`: "content is empty", `{"content":{"parts":[{"text":""}]}}`: "content is empty",
		`{"content":{"parts":[{"inlineData":{}}]}}`:                      "inline_data",
		`{"content":{"parts":[{"text":"a"}]},"taskType":"GUESS"}`:        "no task type",
		`{"content":{"parts":[{"text":"a"}]},"model":"models/other"}`:    "does not match",
		`{"content":{"parts":[{"text":"a"}]},"encoding_format":"float"}`: "encoding_format",
		`{"content":{"parts":[{"text":"a"}]},"outputDimensionality":0}`:  "output_dimensionality",
	} {
		status, text := b.geminiEmbed(t, "m", "embedContent", body)
		require.Equal(t, 400, status, body)
		require.Contains(t, text, says, body)
		require.Contains(t, text, `"INVALID_ARGUMENT"`)
	}
	one := `{"model":"models/m","content":{"parts":[{"text":"a"}]}}`
	for body, says := range map[string]string{
		`{}`: "requests", `{"requests":[]}`: "requests", `{"requests":[{"content":{"parts":[{"text":"a"}]}}]}`: "model", `{"requests":[` + strings.Repeat(one+",", 100) + one + `]}`: "at most 100",
	} {
		status, text := b.geminiEmbed(t, "m", "batchEmbedContents", body)
		require.Equal(t, 400, status, "%.80s", body)
		require.Contains(t, text, says, "%.80s", body)
	}
	status, text := b.geminiEmbed(t, "m?fault=503", "embedContent", `{"content":{"parts":[{"text":"a"}]}}`)
	require.Equal(t, 503, status)
	require.Contains(t, text, `"UNAVAILABLE"`)
	answer, _ := b.send(t, http.MethodPost, "/v1beta/models/m:embedContent", `{}`, "X-Goog-Api-Key", "wrong", "Content-Type", "application/json")
	require.Equal(t, 400, answer.StatusCode, "as Google says it")
}
