package gemini_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/meter"
)

const event = `{"candidates": [{"content": {"parts": [{"text": " of the"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 1,"totalTokenCount": 9},"modelVersion": "gemini-2.5-flash","responseId": "s1"}`

func BenchmarkDecodeAndEncode(b *testing.B) {
	b.ReportAllocs()
	d, e := gemini.Reader{}.Stream(), gemini.Writer{}.Stream(&told)
	var events []chat.Event
	var out []byte
	for b.Loop() {
		var err error
		events, err = d.Decode("", []byte(event), events[:0])
		require.NoError(b, err)
		out = out[:0]
		for i := range events {
			out = e.Encode(out, &events[i])
		}
	}
}

func BenchmarkPassThrough(b *testing.B) {
	b.ReportAllocs()
	var s gemini.Scanner
	var out []byte
	p := new(meter.Produced)
	w := gemini.NewRewrite("gen-1", "a/b")
	data := []byte(event)
	for b.Loop() {
		a, err := s.Answer(data, p)
		require.NoError(b, err)
		out = a.AppendEvent(out[:0], &w)
	}
}

func large(b *testing.B) []byte {
	b.Helper()
	body, err := os.ReadFile("testdata/requests/tools.json")
	require.NoError(b, err)
	return []byte(strings.Replace(string(body), "Weather in Paris", strings.Repeat("The weather, as I said. ", 4200), 1))
}

func BenchmarkParseAndAppend(b *testing.B) {
	body := large(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r, err := gemini.ParseRequest(body, "m", true)
		require.NoError(b, err)
		_, err = gemini.AppendRequest(nil, r, chat.Options{Model: "gemini-3-pro", MaxTokens: 1, DropUnsupported: true})
		require.NoError(b, err)
	}
}

func BenchmarkSplice(b *testing.B) {
	body := large(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	var s gemini.Scanner
	for b.Loop() {
		q, err := s.Request(body, "m", true)
		require.NoError(b, err)
		_ = q.Splice(nil, 100)
	}
}
