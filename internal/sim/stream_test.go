package sim_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The shape on the wire is fixed to the byte: a change of it is a change of what clients see.
func TestStreamOnTheWire(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := b.do(t, b.request(t.Context(), t, ask("sim-large?tokens=2", streamed, withUsage)))
	require.Equal(t, "text/event-stream; charset=utf-8", answer.Header.Get("Content-Type"))
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	const head = `data: {"id":"chatcmpl-sim-1","object":"chat.completion.chunk","created":1800000000,"model":"sim-large",` +
		`"service_tier":"default","system_fingerprint":"fp_sim","choices":[`
	const open, end = `,"logprobs":null,"finish_reason":null}],"usage":null}`, "\n\n"
	require.Equal(t, head+`{"index":0,"delta":{"role":"assistant","content":"","refusal":null}`+open+end+
		head+`{"index":0,"delta":{"content":"and"}`+open+end+
		head+`{"index":0,"delta":{"content":" last"}`+open+end+
		head+`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}`+end+
		head+`],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,`+
		`"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0,"audio_tokens":0},`+
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}`+end+
		"data: [DONE]"+end, string(text))
}

func TestStreamWithoutUsageAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, options := range []string{`"user":"u"`, `"stream_options":null`, `"stream_options":{"include_usage":false}`, `"stream_options":{}`} {
		_, text := b.post(t, ask("m", streamed, options))
		chunks(t, text)
		require.NotContains(t, text, `"usage"`, options)
	}
	totals := b.Totals()
	require.Equal(t, []int64{4, 4, 0, 64}, []int64{totals.Calls, totals.Completed, totals.Reported.Completion, totals.Unreported.Completion})
}

// Chunks come one by one when there is time between them: the second token is not there before its time.
func TestStreamIsFlushedTokenByToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := b.do(t, b.request(t.Context(), t, ask("m?between=10m", streamed)))
	until(t, answer.Body, 1)
	require.EqualValues(t, 1, b.Totals().InFlight)
}

func TestFlushControlMakesNoDifferenceInBytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, plain := b.post(t, ask("m?tokens=200", streamed, withUsage))
	_, each := b.post(t, ask("m?tokens=200&flush=1", streamed, withUsage))
	require.Equal(t, plain, strings.ReplaceAll(each, "chatcmpl-sim-2", "chatcmpl-sim-1"))
}

func TestEmptyStreamOfZeroTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, text := b.post(t, ask("m?tokens=0", streamed, withUsage))
	list := chunks(t, text)
	require.Len(t, list, 3)
	require.Equal(t, "stop", *list[1].Choices[0].FinishReason)
}

func TestLongStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, text := b.post(t, ask("m?fault=long", streamed, withUsage, `"max_tokens":10`))
	require.Equal(t, 100_000, strings.Count(text, `"delta":{"content":`))
	data := events(text)
	requireUsage(t, decode(t, data[len(data)-2]).Usage, 7, 100_000, 0, 0, 0)
	require.EqualValues(t, 100_000, b.Totals().Faults["long"].Reported.Completion)
}
