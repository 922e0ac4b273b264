package openai_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

func appended(t *testing.T, r *chat.Request, o chat.Options) string {
	t.Helper()
	body, err := openai.AppendRequest(nil, r, o)
	require.NoError(t, err)
	return string(body)
}

func TestAppendRequest(t *testing.T) {
	t.Parallel()
	result := func(id string, parts ...chat.Part) chat.Part {
		return chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: id, Parts: parts, Error: true}, CacheTTL: "5m"}
	}
	r := &chat.Request{
		Model: "a/b", Stream: true, Choices: 2, Temperature: "0.70", Seed: "7", Stop: []string{"x"}, ParallelTools: yes(false), User: "u",
		Messages: []chat.Message{
			{Role: chat.System, Parts: []chat.Part{{Kind: chat.Text, Text: "Be \"brief\".", CacheTTL: "1h"}}},
			{Role: chat.User, Name: "Ann", Parts: []chat.Part{
				text("look"),
				{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA", Detail: "low"}},
				{Kind: chat.Image, Media: &chat.Media{URL: "https://x"}},
				{Kind: chat.File, Media: &chat.Media{MIME: "application/pdf", Data: "BBBB"}},
				{Kind: chat.Audio, Media: &chat.Media{MIME: "audio/wav", Data: "CCCC"}},
			}},
			{Role: chat.Assistant, Parts: []chat.Part{
				thinking("hm", "s", "anthropic"), thinking("hm", "s", "openai"), thinking("plain", "", ""), call("a", "f", `{"x":1}`), call("b", "g", ""),
			}},
			{Role: chat.User, Parts: []chat.Part{result("a", text("1")), result("b", text("2"), text("3")), text("and?")}},
			{Role: chat.Assistant, Parts: []chat.Part{thinking("hm", "s", "anthropic")}},
			{Role: chat.Assistant, Parts: []chat.Part{{Kind: chat.Refusal, Text: "no"}}},
		},
		Tools:      []chat.Tool{{Name: "f", Parameters: jsontext.Value(`{"type": "object"}`), CacheTTL: "5m"}},
		ToolChoice: chat.ToolChoice{Mode: chat.ToolsAny},
		Format:     chat.Format{Kind: chat.JSONSchema, Schema: jsontext.Value(`{}`)},
		Reasoning:  chat.Reasoning{Effort: "low"},
	}
	requireBytes(t, `{"model":"b","messages":[{"role":"system","content":"Be \"brief\"."},`+
		`{"role":"user","name":"Ann","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},`+
		`{"type":"image_url","image_url":{"url":"https://x"}},{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,BBBB"}},`+
		`{"type":"input_audio","input_audio":{"data":"CCCC","format":"wav"}}]},`+
		`{"role":"assistant","content":null,"reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s","format":"openai-responses-v1","index":0}],`+
		`"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]},`+
		`{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"2"},{"type":"text","text":"3"}]},`+
		`{"role":"user","content":"and?"},{"role":"assistant","content":""},{"role":"assistant","content":null,"refusal":"no"}],`+
		`"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":9,"n":2,`+
		`"tools":[{"type":"function","function":{"name":"f","parameters":{"type": "object"}}}],"tool_choice":"required","parallel_tool_calls":false,`+
		`"temperature":0.70,"seed":7,"stop":["x"],"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{}}},"reasoning_effort":"low","user":"u"}`,
		[]byte(appended(t, r, chat.Options{Model: "b", MaxTokens: 9, CapField: openai.MaxCompletionTokens})))
}

func TestWhatOpenAICannotSay(t *testing.T) {
	t.Parallel()
	of := func(role chat.Role, parts ...chat.Part) *chat.Request {
		return &chat.Request{Messages: []chat.Message{{Role: chat.System, Parts: []chat.Part{text("x")}}, {Role: role, Parts: parts}}}
	}
	for name, row := range map[string]struct {
		request *chat.Request
		param   string
		drops   bool
	}{
		"top_k":                   {&chat.Request{TopK: "4"}, "top_k", true},
		"picture of the model":    {of(chat.Assistant, chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "https://x"}}), "messages[1].content", false},
		"sound by its address":    {of(chat.User, chat.Part{Kind: chat.Audio, Media: &chat.Media{URL: "https://x"}}), "messages[1].content", false},
		"result of the assistant": {of(chat.Assistant, chat.Part{Kind: chat.ToolResult, Result: &chat.Result{}}), "messages[1].content", false},
		"call of the user":        {of(chat.User, call("a", "f", "{}"), text("x")), "messages[1].content", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := openai.AppendRequest(nil, row.request, chat.Options{Model: "m", MaxTokens: 1})
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Equal(t, row.param, e.Details["param"])
			_, err = openai.AppendRequest(nil, row.request, chat.Options{Model: "m", MaxTokens: 1, DropUnsupported: true})
			require.Equal(t, row.drops, err == nil, "content is never left out")
		})
	}
}

func TestReasoningLevels(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		reasoning chat.Reasoning
		limit     int64
		want      string
	}{
		{chat.Reasoning{}, 1000, ""},
		{chat.Reasoning{Off: true}, 1000, "none"},
		{chat.Reasoning{Effort: "xhigh"}, 1000, "xhigh"},
		{chat.Reasoning{Show: yes(true)}, 1000, ""},
		{chat.Reasoning{Budget: 1}, 1000, "minimal"},
		{chat.Reasoning{Budget: 199}, 1000, "minimal"},
		{chat.Reasoning{Budget: 200}, 1000, "low"},
		{chat.Reasoning{Budget: 500}, 1000, "medium"},
		{chat.Reasoning{Budget: 800}, 1000, "high"},
		{chat.Reasoning{Budget: 949}, 1000, "high"},
		{chat.Reasoning{Budget: 950}, 1000, "xhigh"},
		{chat.Reasoning{Budget: 5000}, 1000, "xhigh"},
		{chat.Reasoning{Budget: 9_999_999}, openai.MaxCap, "xhigh"},
	} {
		body := appended(t, &chat.Request{Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{text("a")}}}, Reasoning: row.reasoning},
			chat.Options{Model: "m", MaxTokens: row.limit})
		want := chat.Reasoning{Effort: row.want}
		if row.want == "none" {
			want = chat.Reasoning{Off: true}
		}
		require.Equal(t, want, parsed(t, body).Reasoning, "%+v of %d", row.reasoning, row.limit)
	}
}
