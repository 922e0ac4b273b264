package responses_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/responses"
)

// FuzzParseRequest: whatever is accepted can be written for a vendor of chat completions, or is refused by name.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{"model":"a",` + hello + `,"instructions":"x","stream":true,"max_output_tokens":7,"reasoning":{"effort":"low","summary":"auto"},"x":1}`,
		`{"model":"a","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AA"},{"type":"input_file","file_url":"https://x"}]}]}`,
		`{"model":"a","input":[{"type":"reasoning","summary":[{"text":"h"}],"encrypted_content":"mrc.gemini.YQ.s"},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"1"}]}`,
		`{"model":"a",` + hello + `,"tools":[{"type":"function","name":"f","parameters":{}}],"tool_choice":"required","text":{"format":{"type":"json_schema","schema":{}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		r, err := responses.ParseRequest(body)
		require.Equal(t, before, string(body), "reading changes nothing")
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			return
		}
		require.NotEmpty(t, r.Messages)
		out, err := openai.AppendRequest(nil, r, chat.Options{Model: "m", MaxTokens: 1, DropUnsupported: true})
		if err != nil {
			require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
			return
		}
		require.True(t, json.Valid(out), "%s", out)
		_, err = openai.ParseRequest(out)
		require.NoError(t, err, "%s", out)
	})
}
