package sim_test

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// embedded is the list of vectors as it is written.
type embedded struct {
	Data []struct {
		Index     int
		Embedding any
	}
	Usage struct {
		Prompt int64 `json:"prompt_tokens"`
		Total  int64 `json:"total_tokens"`
	}
}

func vectorOf(tb testing.TB, value any) []float32 {
	tb.Helper()
	if text, ok := value.(string); ok {
		raw, err := base64.StdEncoding.DecodeString(text)
		require.NoError(tb, err)
		out := make([]float32, len(raw)/4)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		return out
	}
	list := value.([]any)
	out := make([]float32, len(list))
	for i, x := range list {
		out[i] = float32(x.(float64))
	}
	return out
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	b, s := setup(t), embeddingsSpeech()
	get := func(model string, more ...string) embedded {
		status, text, err := b.say(t, s, model, false, more...)
		require.NoError(t, err)
		require.Equal(t, 200, status, text)
		var e embedded
		parse(t, text, &e)
		return e
	}
	one := get("m")
	require.Equal(t, []int64{3, 3}, []int64{one.Usage.Prompt, one.Usage.Total})
	vector := vectorOf(t, one.Data[0].Embedding)
	require.Len(t, vector, 1536)
	sum := 0.0
	for _, x := range vector {
		sum += float64(x) * float64(x)
	}
	require.InDelta(t, 1, sum, 1e-5)
	require.Equal(t, vector, vectorOf(t, get("m", `"encoding_format":"base64"`).Data[0].Embedding), "both forms are the same numbers")

	many := get("m", `"input":["other","Hello there"]`, `"encoding_format":"float"`)
	require.Equal(t, vector, vectorOf(t, many.Data[1].Embedding))
	require.NotEqual(t, vector, vectorOf(t, many.Data[0].Embedding))
	require.EqualValues(t, 2+3, many.Usage.Prompt)
	require.NotEqual(t, vector, vectorOf(t, get("m2").Data[0].Embedding))
	require.Len(t, vectorOf(t, get("m", `"dimensions":8`).Data[0].Embedding), 8)
	require.EqualValues(t, 3, get("m", `"input":[1,2,3]`).Usage.Prompt)
	require.EqualValues(t, 4, get("m", `"input":[[1,2,3],[4]]`).Usage.Prompt)
	require.Len(t, vectorOf(t, get("m?fault=long&tokens=5000").Data[0].Embedding), 5000)
	require.EqualValues(t, 9, get("m?prompt=9").Usage.Prompt)
	row := b.Totals().Dialects["embeddings"]
	require.Equal(t, sim.Row{Calls: 9, Completed: 9, Reported: sim.Usage{Prompt: 3 + 3 + 5 + 3 + 3 + 3 + 4 + 3 + 9}}, row)
}

func TestEmbeddingsBadRequests(t *testing.T) {
	t.Parallel()
	b, s := setup(t), embeddingsSpeech()
	for body, says := range map[string]string{
		`{"input":"a"}`:                               "'model'",
		`{"model":"m"}`:                               "'input'",
		`{"model":"m","input":""}`:                    "cannot be an empty string",
		`{"model":"m","input":[]}`:                    "empty array",
		`{"model":"m","input":["a",""]}`:              "cannot be an empty string",
		`{"model":"m","input":["a",1]}`:               "cannot be mixed",
		`{"model":"m","input":[[]]}`:                  "cannot be empty",
		`{"model":"m","input":[["a"]]}`:               "Invalid type for 'input[0][0]'",
		`{"model":"m","input":{"a":1}}`:               "Invalid type for 'input'",
		`{"model":"m","input":[null]}`:                "Invalid type for 'input[0]'",
		s.body("m", false, `"dimensions":0`):          "greater than or equal to 1",
		s.body("m", false, `"dimensions":5000`):       "less than or equal to 4096",
		s.body("m", false, `"encoding_format":"hex"`): "'float' and 'base64'",
		s.body("m", false, `"stream":true`):           "Unknown parameter: 'stream'.",
		s.body("m", false, `"dimensions":4096`, `"input":[`+strings.Repeat(`"a",`, 1100)+`"b"]`): "numbers together",
		s.body("m", false, `"input":[`+strings.Repeat(`"a",`, 2048)+`"b"]`):                      "at most 2048",
	} {
		answer, text := b.send(t, http.MethodPost, "/v1/embeddings", body, append(s.headers, "Content-Type", "application/json")...)
		require.Equal(t, 400, answer.StatusCode, body[:min(len(body), 80)])
		require.Contains(t, text, says)
	}
}
