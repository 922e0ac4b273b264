package anthropic_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

func seeds(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob("testdata/" + pattern)
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(raw)
	}
}

// FuzzAnswer: no bytes of a vendor break a reader, and what is written of them is valid JSON.
func FuzzAnswer(f *testing.F) {
	seeds(f, "*.json")
	f.Add([]byte(`{"content":[{"type":"tool_use","input":{"a":[{}]}},{"type":"thinking","signature":"mr.x.y"}],"usage":{"input_tokens":-1,"output_tokens":1e9}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		_ = anthropic.Reader{}.Failure(body)
		answer, err := anthropic.Reader{}.Answer(body)
		if err == nil {
			require.True(t, json.Valid(anthropic.Writer{}.Answer(nil, answer, told(), bill())))
		}
		var s anthropic.Scanner
		a, err := s.Answer(body, produced())
		require.Equal(t, before, body, "reading changes nothing")
		if err != nil {
			return
		}
		_ = a.ID()
		w := anthropic.NewRewrite("gen-1", "a/b", "V")
		if out := a.Append(nil, &w, []byte(`{"cost":1}`)); utf8.Valid(body) {
			require.True(t, json.Valid(out), "%s", out)
		}
	})
}

// FuzzStream: no events of a vendor break a reader; what is written of them are whole events, with one block open at a time.
func FuzzStream(f *testing.F) {
	seeds(f, "*.sse")
	f.Add([]byte("data: { }\ndata: {\"type\":\"message_delta\"}\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		d := anthropic.Reader{}.Stream()
		e := anthropic.Writer{}.Stream(told())
		w := anthropic.NewRewrite("gen-1", "a/b", "V")
		var s anthropic.Scanner
		var events []chat.Event
		var out []byte
		broken := false
		for line := range bytes.SplitSeq(stream, []byte("\n")) {
			data, ok := bytes.CutPrefix(line, []byte("data: "))
			if !ok {
				continue
			}
			if passed, err := s.Event("ping", data, new(meter.Produced)); err == nil && utf8.Valid(data) {
				requireEvent(t, passed.Append(nil, &w))
				requireEvent(t, passed.AppendUsage(nil, []byte(`{}`)))
			}
			if broken {
				continue
			}
			var err error
			events, err = d.Decode("", data, events[:0])
			broken = err != nil
			for i := range events {
				out = e.Encode(out, &events[i])
			}
		}
		for _, last := range d.End(nil) {
			out = e.Encode(out, &last)
		}
		requireOrder(t, e.End(out, bill()))
	})
}

func requireEvent(t *testing.T, raw []byte) {
	t.Helper()
	all := eventsOf(t, raw)
	require.Len(t, all, 1)
	require.True(t, json.Valid([]byte(all[0].data)), "%s", raw)
}

// FuzzParse: what is accepted of a caller can be said to a vendor, and is the same when it is read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		body(`,"system":"x","tools":[{"name":"f","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true}`),
		body(`,"thinking":{"type":"adaptive"},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}},"x":1,"temperature":1e-5`),
		turn("assistant", `[{"type":"thinking","thinking":"t","signature":"mr.a.b"},{"type":"tool_use","id":"a b","name":"f","input":{"a":1}},{"type":"redacted_thinking","data":"d"}]`),
		block(`{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"url","url":"u"}}]},{"type":"document","source":{"type":"text","data":"t"},"title":"x"}`),
		block(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="},"cache_control":{"type":"ephemeral","ttl":"1h"}}`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		r, err := anthropic.ParseRequest(raw)
		require.Equal(t, before, raw, "reading changes nothing")
		if err != nil {
			return
		}
		o := chat.Options{Model: "claude", MaxTokens: 5, DropUnsupported: true}
		out, err := anthropic.AppendRequest(nil, r, o)
		if err != nil {
			return
		}
		require.True(t, json.Valid(out), "%s", out)
		again, err := anthropic.ParseRequest(out)
		require.NoError(t, err, "%s", out)
		require.Empty(t, again.Unsupported)
		third, err := anthropic.AppendRequest(nil, again, o)
		require.NoError(t, err)
		require.Equal(t, string(out), string(third))
	})
}

// FuzzRequest: whatever passes goes out as valid JSON that differs in the spliced members only.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		body(`,"stream":true`), `{"mod\u0065l":"a","messages":[{}],"max_tokens":null}`, body(`,"tools":[{}],"system":[{"type":"text"}]`), `[]`, `{"model":"a",`,
		block(`{"type":"image","source":{"type":"base64","data":"AA"}}`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s anthropic.Scanner
		before := bytes.Clone(raw)
		q, err := s.Request(raw)
		require.Equal(t, before, raw, "reading changes nothing")
		if err != nil {
			return
		}
		bound := q.PromptBound(1<<40, 10)
		require.Positive(t, bound)
		out := q.Splice(nil, anthropic.Upstream{Model: `"x`, Cap: 77})
		var was, is map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &was))
		require.NoError(t, json.Unmarshal(out, &is))
		require.Equal(t, `"\"x"`, string(is["model"]))
		require.Equal(t, `77`, string(is["max_tokens"]))
		for _, m := range []map[string]json.RawMessage{was, is} {
			delete(m, "model")
			delete(m, "max_tokens")
		}
		require.Equal(t, was, is)
		_, err = s.Prompt(q)
		require.NoError(t, err)
	})
}
