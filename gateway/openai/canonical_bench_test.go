package openai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

// BenchmarkPrompt takes a prompt of 100 kB through the canonical form, there and back.
func BenchmarkPrompt(b *testing.B) {
	turn := `{"role":"user","content":"` + strings.Repeat(`It was the best of times, \"it was\" the worst of times.\n`, 20) + `"},`
	body := []byte(`{"model":"m","messages":[` + strings.TrimSuffix(strings.Repeat(turn, 85), ",") + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := openai.ParseRequest(body)
		require.NoError(b, err)
		_, err = openai.AppendRequest(nil, r, chat.Options{Model: "m", MaxTokens: 1})
		require.NoError(b, err)
	}
}

// BenchmarkToken takes one token of a stream through the canonical form.
func BenchmarkToken(b *testing.B) {
	data := []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"m","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":" world"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	d, e := openai.Canonical{}.Stream(), openai.Writer{}.Stream(told)
	var events []chat.Event
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		events, err = d.Decode("", data, events[:0])
		require.NoError(b, err)
		out = out[:0]
		for i := range events {
			out = e.Encode(out, &events[i])
		}
	}
	require.NotEmpty(b, out)
}
