package completion_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/completion"
	"github.com/massrouter/massrouter/gateway/meter"
)

func read(tb testing.TB, body string) *completion.Request {
	tb.Helper()
	q, err := completion.Read([]byte(body))
	require.NoError(tb, err, "%s", body)
	return q
}

// TestSplice: all bytes stay but those of the model, the cap and the wish for usage, and what is for the gateway goes.
func TestSplice(t *testing.T) {
	t.Parallel()
	const options = `"stream_options":{"include_usage":true}`
	for body, want := range map[string]string{ //nolint:gosec // its tokens are no credentials
		` {"model" : "acme/m","prompt":"a\u0062","odd":[1.0]} `:                                             ` {"model" : "up","prompt":"a\u0062","odd":[1.0],"max_tokens":9} `,
		`{"provider":{},"model":"m","prompt":[1,2],"max_tokens":9,"session_id":"s"}`:                        `{"model":"up","prompt":[1,2],"max_tokens":9}`,
		`{"model":"m","prompt":"a","max_tokens": 40 }`:                                                      `{"model":"up","prompt":"a","max_tokens": 9 }`,
		`{"model":"m","prompt":"a","max_tokens":null}`:                                                      `{"model":"up","prompt":"a","max_tokens":9}`,
		`{"model":"m","prompt":"a","stream":true}`:                                                          `{"model":"up","prompt":"a","stream":true,"max_tokens":9,` + options + `}`,
		`{"model":"m","prompt":"a","max_tokens":9,"stream":true,"stream_options":null}`:                     `{"model":"up","prompt":"a","max_tokens":9,"stream":true,` + options + `}`,
		`{"model":"m","prompt":"a","max_tokens":9,"stream":true,"stream_options":{ }}`:                      `{"model":"up","prompt":"a","max_tokens":9,"stream":true,` + options + `}`,
		`{"model":"m","prompt":"a","max_tokens":9,"stream":true,"stream_options":{"x":1}}`:                  `{"model":"up","prompt":"a","max_tokens":9,"stream":true,"stream_options":{"include_usage":true,"x":1}}`,
		`{"stream_options": {"include_usage":false},"model":"m","prompt":"a","max_tokens":9,"stream":true}`: `{"stream_options": {"include_usage":true},"model":"up","prompt":"a","max_tokens":9,"stream":true}`,
	} {
		require.Equal(t, want, string(read(t, body).Splice(nil, "up", 9, true)))
	}
	require.Equal(t, `{"model":"up","prompt":"a","max_tokens":9,"stream":true}`, //nolint:testifylint // the bytes matter
		string(read(t, `{"model":"m","prompt":"a","max_tokens":9,"stream":true}`).Splice(nil, "up", 9, false)))
}

// TestCanonical: one text is one message; what a conversation cannot say is named.
func TestCanonical(t *testing.T) {
	t.Parallel()
	c, err := read(t, `{"model":"m","prompt":["a"],"max_tokens":7,"n":2,"temperature":0.50,"top_p":1,"stop":["x","y"],"seed":3,"user":"u","presence_penalty":1,"frequency_penalty":-1,"stream":true}`).Canonical()
	require.NoError(t, err)
	require.Equal(t, &chat.Request{
		Model: "m", Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: "a"}}}}, Stream: true, MaxTokens: 7, Choices: 2,
		Temperature: "0.50", TopP: "1", Stop: []string{"x", "y"}, Seed: "3", User: "u", PresencePenalty: "1", FrequencyPenalty: "-1",
	}, c)
	c, err = read(t, `{"model":"m","prompt":"a","echo":true,"suffix":"s","best_of":2,"logprobs":1,"odd":0,"stop":"x"}`).Canonical()
	require.NoError(t, err)
	require.Equal(t, []string{"echo", "suffix", "best_of", "logprobs", "odd"}, c.Unsupported)
	require.EqualValues(t, completion.DefaultCap, c.MaxTokens)
	c, err = read(t, `{"model":"m","prompt":"a","echo":false,"suffix":"","best_of":1,"logprobs":null,"provider":{}}`).Canonical()
	require.NoError(t, err)
	require.Empty(t, c.Unsupported, "what is not wished for need not be said")
	for _, body := range []string{`{"model":"m","prompt":["a","b"]}`, `{"model":"m","prompt":[1,2]}`, `{"model":"m","prompt":[[1]]}`} {
		_, err := read(t, body).Canonical()
		refused(t, err, "prompt", body)
	}
}

func refused(tb testing.TB, err error, param, body string) {
	tb.Helper()
	var e *domain.Error
	require.ErrorAs(tb, err, &e, "%.200s", body)
	require.Equal(tb, domain.CodeInvalid, e.Code, "%.200s", body)
	require.Equal(tb, param, e.Details["param"], "%.200s: %s", body, e.Message)
}

func TestHostileRequests(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		``: "", `[]`: "", `{`: "", `{"model":"m","prompt":"a"}x`: "", "{\"model\":\"m\",\"prompt\":\"\xff\"}": "", `{"model":"m","model":"m","prompt":"a"}`: "",
		`{"model":"m","prompt":` + strings.Repeat("[", 20_000): "", `{"prompt":"a"}`: "model", `{"model":7,"prompt":"a"}`: "model", `{"model":"m"}`: "prompt",
		`{"model":"` + strings.Repeat("m", 300) + `","prompt":"a"}`: "model", `{"model":"m","Prompt":"a"}`: "prompt", `{"model":"m","prompt":"a","Max_Tokens":9}`: "max_tokens",
		`{"model":"m","prompt":[]}`: "prompt", `{"model":"m","prompt":null}`: "prompt", `{"model":"m","prompt":{}}`: "prompt", `{"model":"m","prompt":["a",1]}`: "prompt",
		`{"model":"m","prompt":[[]]}`: "prompt", `{"model":"m","prompt":[1.5]}`: "prompt", `{"model":"m","prompt":[["a"]]}`: "prompt", `{"model":"m","prompt":["a",null]}`: "prompt",
		`{"model":"m","prompt":[` + strings.Repeat(`"a",`, 128) + `"a"]}`: "prompt", `{"model":"m","prompt":"a","max_tokens":0}`: "max_tokens",
		`{"model":"m","prompt":"a","max_tokens":-1}`: "max_tokens", `{"model":"m","prompt":"a","max_tokens":1.5}`: "max_tokens", `{"model":"m","prompt":"a","n":0}`: "n",
		`{"model":"m","prompt":"a","n":1000}`: "n", `{"model":"m","prompt":"a","n":3,"best_of":2}`: "best_of", `{"model":"m","prompt":"a","stream":true,"best_of":2}`: "best_of",
		`{"model":"m","prompt":"a","stream":1}`: "stream", `{"model":"m","prompt":"a","stream_options":7}`: "stream_options",
		`{"model":"m","prompt":"a","stream_options":{"include_usage":7}}`: "stream_options.include_usage", `{"model":"m","prompt":"a","echo":"yes"}`: "echo",
	} {
		_, err := completion.Read([]byte(body))
		refused(t, err, param, body)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	q := read(t, `{"model":"m","prompt":["`+strings.Repeat("a", 500)+`","b"],"n":2,"best_of":3}`)
	require.EqualValues(t, 2, q.Prompts())
	require.EqualValues(t, 3, q.Each)
	require.EqualValues(t, 200, q.PromptBound(100))
	require.EqualValues(t, 16, q.Cap)
	require.Equal(t, meter.Prompt{Tokens: 3}, read(t, `{"model":"m","prompt":[1,2,3]}`).Prompt())
	require.Equal(t, meter.Prompt{Text: "ab"}, read(t, `{"model":"m","prompt":["a","b"]}`).Prompt())
}

// TestAnEchoIsNotProduced: of what comes back, the prompt is no output.
func TestAnEchoIsNotProduced(t *testing.T) {
	t.Parallel()
	counted := func(body string, pieces ...string) int64 {
		m, p := read(t, body).NewMeter(), meter.NewProduced(meter.NewBudget(1<<20), 1<<20)
		for _, piece := range pieces {
			list, err := m.Add([]byte(`{"choices":[`+piece+`]}`), &p)
			require.NoError(t, err)
			require.True(t, list)
		}
		var c meter.Counter
		u, err := c.Estimate(meter.Prompt{}, &p, meter.Bounds{Context: 1000, Prompt: 1000, Completion: 1000})
		require.NoError(t, err)
		return u.Completion()
	}
	require.EqualValues(t, 1, counted(`{"model":"m","prompt":"hello","echo":true}`, `{"text":"hello world"}`))
	require.EqualValues(t, 1, counted(`{"model":"m","prompt":"hello","echo":true}`, `{"text":"hel","index":0}`, `{"text":"lo"}`, `{"text":" world"}`))
	require.EqualValues(t, 2, counted(`{"model":"m","prompt":"hello"}`, `{"text":"hello world"}`))
	require.EqualValues(t, 2, counted(`{"model":"m","prompt":"hello","echo":true}`, `{"text":"other world"}`), "no echo at all")
	require.EqualValues(t, 2, counted(`{"model":"m","prompt":["a","b"],"n":2,"echo":true}`, `{"text":"a","index":0},{"text":"a world","index":1},{"text":"b world","index":2},{"text":"b","index":3}`))
	require.Zero(t, counted(`{"model":"m","prompt":[1,2],"echo":true}`, `{"text":"hello world"}`))
}

// FuzzRequest: what is taken is sent as JSON with the cap in it.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"model":"m","prompt":"a","max_tokens":5,"stream":true,"stream_options":{"include_usage":null}}`, `{"provider":{},"model":"m","prompt":[[1],[2]],"best_of":2}`,
		`{"prompt":["a"],"model":"m","max_tokens":null,"stream_options":{},"stream":true,"route":1}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := completion.Read(body)
		if err != nil {
			return
		}
		var sent struct {
			Max int64 `json:"max_tokens"`
		}
		if err := json.Unmarshal(q.Splice(nil, "up", 9, true), &sent); err != nil || sent.Max != 9 {
			t.Fatalf("%d %v", sent.Max, err)
		}
	})
}
