package anthropic_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

const delta = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a few words"}}`

// BenchmarkToken is one piece of text: passed on, and through the canonical form.
func BenchmarkToken(b *testing.B) {
	b.Run("pass", func(b *testing.B) {
		var s anthropic.Scanner
		var w anthropic.Rewrite
		var p meter.Produced
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			e, err := s.Event("content_block_delta", []byte(delta), &p)
			require.NoError(b, err)
			out = e.Append(out[:0], &w)
		}
	})
	b.Run("canonical", func(b *testing.B) {
		d := anthropic.Reader{}.Stream()
		e := anthropic.Writer{}.Stream(told())
		events, err := d.Decode("", []byte(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`), nil)
		require.NoError(b, err)
		var out []byte
		for i := range events {
			out = e.Encode(out[:0], &events[i])
		}
		b.ReportAllocs()
		for b.Loop() {
			events, err = d.Decode("content_block_delta", []byte(delta), events[:0])
			require.NoError(b, err)
			out = e.Encode(out[:0], &events[0])
		}
	})
}

// BenchmarkRequest is a conversation of 100 kB.
func BenchmarkRequest(b *testing.B) {
	words := strings.Repeat("a few words more ", 60)
	raw := []byte(`{"model":"m","max_tokens":10,"messages":[` + strings.TrimSuffix(strings.Repeat(
		`{"role":"user","content":"`+words+`"},{"role":"assistant","content":[{"type":"text","text":"`+words+`"}]},`, 50), ",") + `]}`)
	b.Run("pass", func(b *testing.B) {
		var s anthropic.Scanner
		var out []byte
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			q, err := s.Request(raw)
			require.NoError(b, err)
			out = q.Splice(out[:0], anthropic.Upstream{Model: "claude", Cap: 10})
		}
	})
	b.Run("canonical", func(b *testing.B) {
		var out []byte
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			r, err := anthropic.ParseRequest(raw)
			require.NoError(b, err)
			out, err = anthropic.AppendRequest(out[:0], r, chat.Options{Model: "claude", MaxTokens: 10})
			require.NoError(b, err)
		}
	})
}
