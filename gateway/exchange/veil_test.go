package exchange_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/meter"
)

// thinking is a question whose caller does not want to see the thoughts, or does not say.
func thinking(d chat.Dialect, hide bool) exchange.Incoming {
	wish := map[chat.Dialect]string{
		chat.OpenAI: `,"reasoning":{"effort":"low","exclude":true}`, chat.Responses: `,"reasoning":{"effort":"low","exclude":true}`,
		chat.Anthropic: `,"thinking":{"type":"adaptive","display":"omitted"}`, chat.Gemini: `,"generationConfig":{"thinkingConfig":{"includeThoughts":false}}`,
	}[d]
	if !hide {
		wish = ""
	}
	return asked(d, "", wish)
}

// thoughtful is a vendor's answer with the thought SECRET, whole, and as the data of the events of a stream.
func thoughtful(d chat.Dialect) (whole string, events []string) {
	switch d {
	case chat.OpenAI:
		const head, used = `{"id":"x","created":1,"model":"up","choices":[{"index":0,`, `"usage":{"prompt_tokens":2,"completion_tokens":5,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":3}}}`
		const thought = `"reasoning":"SECRET","reasoning_details":[{"type":"reasoning.text","text":"SECRET","index":0},{"type":"reasoning.summary","summary":"SECRET"}`
		return head + `"message":{"role":"assistant","content":"visible",` + thought + `,{"type":"reasoning.encrypted","data":"c2ln"}]},"finish_reason":"stop"}],` + used, []string{
			head + `"delta":{"role":"assistant","content":""}}]}`,
			head + `"delta":{"content":"",` + thought + `]}}]}`,
			head + `"delta":{"reasoning_content":"SECRET"}}]}`,
			head + `"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"c2ln"}]}}]}`,
			head + `"delta":{"content":"visible"}}]}`,
			head + `"delta":{},"finish_reason":"stop"}]}`,
			`{"id":"x","created":1,"model":"up","choices":[],` + used,
			`[DONE]`,
		}
	case chat.Anthropic:
		const used = `"usage":{"input_tokens":2,"output_tokens":5}`
		return `{"id":"x","type":"message","role":"assistant","model":"up","content":[{"type":"thinking","thinking":"SECRET","signature":"c2ln"},{"type":"thinking","thinking":"SECRET","signature":""},{"type":"text","text":"visible"}],"stop_reason":"end_turn",` + used + `}`, []string{
			`{"type":"message_start","message":{"id":"x","type":"message","role":"assistant","model":"up","content":[],` + used + `}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"SECRET","signature":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"SECRET"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"visible"}}`,
			`{"type":"content_block_stop","index":1}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},` + used + `}`,
			`{"type":"message_stop"}`,
		}
	case chat.Gemini:
		const used = `"usageMetadata":{"promptTokenCount":2,"candidatesTokenCount":2,"thoughtsTokenCount":3,"totalTokenCount":7}}`
		return `{"candidates":[{"content":{"parts":[{"text":"SECRET","thought":true},{"thought":true,"text":"SECRET","thoughtSignature":"c2ln"},{"text":"visible"}],"role":"model"},"finishReason":"STOP"}],` + used, []string{
			`{"candidates":[{"content":{"parts":[{"thought":true,"text":"SECRET"}],"role":"model"}}]}`,
			`{"candidates":[{"content":{"parts":[{"text":"SECRET","thought":true,"thoughtSignature":"c2ln"},{"text":"visible"}],"role":"model"}}]}`,
			`{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP"}],` + used,
		}
	case chat.Responses:
		const item = `{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"SECRET"}],"encrypted_content":"c2ln"}`
		const said = `{"type":"message","id":"msg","role":"assistant","status":"completed","content":[{"type":"output_text","text":"visible","annotations":[]}]}`
		const done = `{"id":"x","object":"response","created_at":1,"status":"completed","model":"up","output":[` + item + `,` + said + `],"usage":{"input_tokens":2,"output_tokens":5,"total_tokens":7,"output_tokens_details":{"reasoning_tokens":3}}}`
		return done, []string{
			`{"type":"response.created","response":{"id":"x","created_at":1}}`,
			`{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}`,
			`{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"item_id":"rs","delta":"SECRET"}`,
			`{"type":"response.output_item.done","output_index":0,"item":` + item + `}`,
			`{"type":"response.output_item.added","output_index":1,"item":{"type":"message","id":"msg","role":"assistant","content":[]}}`,
			`{"type":"response.output_text.delta","output_index":1,"content_index":0,"item_id":"msg","delta":"visible"}`,
			`{"type":"response.output_item.done","output_index":1,"item":` + said + `}`,
			`{"type":"response.completed","response":` + done + `}`,
		}
	case chat.Bedrock: // its reader has tests of its own
	}
	return "", nil
}

// told is what a caller is told of a vendor's answer.
func told(t *testing.T, in exchange.Incoming, out chat.Dialect, stream bool) string {
	t.Helper()
	q, err := new(exchange.Set).Read(in)
	require.NoError(t, err)
	defer q.Close()
	x, err := q.With(out, &chat.Told{ID: "gen-1", Model: "a/b", Provider: "V"})
	require.NoError(t, err)
	produced := meter.NewProduced(nil, 1<<10)
	defer produced.Drop()
	bill := &chat.Bill{Usage: usage.Usage{usage.Input: 2, usage.Output: 2, usage.Reasoning: 3}}
	whole, events := thoughtful(out)
	if !stream {
		step, err := x.Whole([]byte(whole), &produced)
		require.NoError(t, err)
		require.Nil(t, step.Failure)
		return string(x.AppendWhole(nil, bill))
	}
	var all []byte
	for _, data := range events {
		var name string
		if _, rest, ok := strings.Cut(data, `"type":"`); ok && out == chat.Anthropic {
			name, _, _ = strings.Cut(rest, `"`)
		}
		var step exchange.Step
		all, step, err = x.Chunk(all, name, []byte(data), &produced)
		require.NoError(t, err, data)
		require.Nil(t, step.Failure, data)
	}
	return string(x.AppendEnd(all, bill))
}

// TestThoughtsAreHidden: from callers who do not want to see them, whatever they and the vendor speak. What remains is the answer, and what only
// the vendor can read.
func TestThoughtsAreHidden(t *testing.T) {
	t.Parallel()
	for _, in := range dialects() {
		for _, out := range dialects() {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s stream %t", in, out, stream), func(t *testing.T) {
					t.Parallel()
					shown, hidden := told(t, thinking(in, false), out, stream), told(t, thinking(in, true), out, stream)
					require.Contains(t, shown, "SECRET")
					require.NotContains(t, hidden, "SECRET")
					require.Contains(t, hidden, "visible")
					require.Regexp(t, "c2ln|GMybG4=", hidden, "as it came, or wrapped")
					for line := range strings.SplitSeq(hidden, "\n") {
						if data, ok := strings.CutPrefix(line, "data: "); ok && data != "[DONE]" {
							line = data
						}
						if strings.HasPrefix(line, "{") {
							require.True(t, json.Valid([]byte(line)), line)
						}
					}
				})
			}
		}
	}
}

// TestWhoWantsToSee: what counts when a caller says it in several ways.
func TestWhoWantsToSee(t *testing.T) {
	t.Parallel()
	for member, hide := range map[string]bool{
		`"include_reasoning":false`:                                 true,
		`"include_reasoning":true`:                                  false,
		`"include_reasoning":null`:                                  false,
		`"include_reasoning":false,"reasoning":{"exclude":false}`:   false,
		`"reasoning":{"exclude":false},"include_reasoning":false`:   false,
		`"include_reasoning":true,"reasoning":{"exclude":true}`:     true,
		`"reasoning":{"exclude":true},"include_reasoning":true`:     true,
		`"reasoning":{"exclude":null},"include_reasoning":false`:    true,
		`"reasoning":{"effort":"low"}`:                              false,
		`"reasoning":null`:                                          false,
		`"reasoning":{"effort":"low"},"include_reasoning":false`:    true,
		`"reasoning":{"enabled":true,"\u0065xclude":true}`:          true,
		`"reasoning":{"max_tokens":5,"exclude":true,"summary":"x"}`: true,
	} {
		for _, out := range []chat.Dialect{chat.OpenAI, chat.Anthropic} {
			text := told(t, asked(chat.OpenAI, member+",", ""), out, true)
			require.Equal(t, !hide, strings.Contains(text, "SECRET"), "%s to %s", member, out)
		}
	}
}
