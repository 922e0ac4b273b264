package openai_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

// FuzzParseRequest: whatever is accepted can be written for a vendor, or is refused by name; and what was written says the same
// when it is read again.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{"model":"a",` + hello + `,"stream":true,"n":2,"max_tokens":7,"top_k":3,"stop":"x","reasoning":{"max_tokens":5},"x":1}`,
		`{"model":"a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"type":"file","file":{"file_data":"data:;base64,AA"}},{"type":"input_audio","input_audio":{"data":"A","format":"mp3"}}]}]}`,
		`{"model":"a","messages":[{"role":"assistant","reasoning_details":[{"type":"reasoning.text","text":"h","signature":"s","index":0},{"type":"reasoning.encrypted","data":"x","id":"a"}],"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}]}`,
		`{"model":"a",` + hello + `,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":"required","response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`,
		`{"model":"a","messages":[{"role":"system","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","refusal":"no","images":[{"image_url":{"url":"https://x"}}]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		r, err := openai.ParseRequest(body)
		require.Equal(t, before, string(body), "reading changes nothing")
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			return
		}
		_, err = new(openai.Reader).Request(body)
		require.NoError(t, err, "as strict as the byte-exact path")
		o := chat.Options{Model: "m", MaxTokens: max(r.MaxTokens, 1), DropUnsupported: true}
		first, err := openai.AppendRequest(nil, r, o)
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			return
		}
		require.True(t, json.Valid(first), "%s", first)
		again, err := openai.ParseRequest(first)
		require.NoError(t, err, "%s", first)
		require.Empty(t, again.Unsupported)
		second, err := openai.AppendRequest(nil, again, o)
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
	})
}

// FuzzDecoder: no bytes of a vendor break the grammar of streams, and what callers are sent is JSON.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte(`{"id":"1","choices":[{"index":0,"delta":{"content":"a","reasoning":"h","tool_calls":[{"index":1,"id":"x","function":{"name":"f","arguments":"{"}}]}}],"usage":null}` + "\n" +
		`{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"x","id":"x","format":"google-gemini-v1"},{"type":"reasoning.text","text":"t","signature":"s","index":3}]},"finish_reason":"stop"}]}` + "\n[DONE]"))
	f.Add([]byte(`{"choices":[{"index":1,"delta":{"images":[{"image_url":{"url":"https://x"}}],"refusal":"no"}},{"delta":{"function_call":{"name":"f","arguments":{}}},"finish_reason":"length"}]}` + "\n" + `{"error":"x"}`))
	f.Add([]byte(`{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"text":"a"}]},{"type":"text","text":"\ud800"}]},"usage":{"prompt_tokens":-1}}]}`))
	f.Add([]byte("[DONE]"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		d, e, told := openai.Canonical{}.Stream(), openai.Writer{}.Stream(told), newFold(t)
		var events []chat.Event
		var out []byte
		for line := range bytes.SplitSeq(stream, []byte("\n")) {
			var err error
			if events, err = d.Decode("", line, events[:0]); err != nil {
				require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
				return
			}
			told.add(events...)
			for i := range events {
				out = e.Encode(out, &events[i])
			}
			if told.broken != nil {
				break
			}
		}
		if told.broken == nil {
			told.add(d.End(nil)...)
		}
		for chunk := range bytes.SplitSeq(e.End(out, bill), []byte("\n\n")) {
			data, _ := bytes.CutPrefix(chunk, []byte("data: "))
			require.True(t, len(data) == 0 || string(data) == "[DONE]" || json.Valid(data), "%s", chunk)
		}
	})
}
