package openai_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

func yes(b bool) *bool { return &b }

func parsed(t *testing.T, body string) *chat.Request {
	t.Helper()
	r, err := openai.ParseRequest([]byte(body))
	require.NoError(t, err, body)
	return r
}

func TestParseRequest(t *testing.T) {
	t.Parallel()
	r := parsed(t, `{"model":"a/b","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"n":2,"max_completion_tokens":50,
		"temperature":0.70,"top_p":1,"top_k":40,"frequency_penalty":-1e-1,"presence_penalty":0.5,"seed":42,"stop":["a","b"],"service_tier":"flex","user":"u",
		"parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"f"}},
		"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object", "x":1},"strict":true},"cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"function","function":{"name":"g","parameters":null}}],
		"response_format":{"type":"json_schema","json_schema":{"name":"s","description":"sd","schema":{"type":"object"},"strict":false}},
		"reasoning":{"effort":"high","exclude":true,"summary":"concise"},
		"messages":[{"role":"developer","content":"Be brief."},{"role":"user","name":"Ann","content":"hi"}]}`)
	require.Equal(t, &chat.Request{
		Model: "a/b", Stream: true, IncludeUsage: true, Choices: 2, MaxTokens: 50, Temperature: "0.70", TopP: "1", TopK: "40", FrequencyPenalty: "-1e-1",
		PresencePenalty: "0.5", Seed: "42", Stop: []string{"a", "b"}, ServiceTier: "flex", User: "u", ParallelTools: yes(false),
		ToolChoice: chat.ToolChoice{Mode: chat.ToolsOne, Name: "f"},
		Tools: []chat.Tool{
			{Name: "f", Description: "d", Parameters: jsontext.Value(`{"type":"object", "x":1}`), Strict: yes(true), CacheTTL: "1h"}, {Name: "g"},
		},
		Format:    chat.Format{Kind: chat.JSONSchema, Name: "s", Description: "sd", Schema: jsontext.Value(`{"type":"object"}`), Strict: yes(false)},
		Reasoning: chat.Reasoning{Effort: "high", Show: yes(false)},
		Messages:  []chat.Message{{Role: chat.System, Parts: []chat.Part{text("Be brief.")}}, {Role: chat.User, Name: "Ann", Parts: []chat.Part{text("hi")}}},
	}, r)

	r = parsed(t, `{"model":"m",`+hello+`,"temperature":null,"stop":null,"tools":null,"tool_choice":null,"response_format":null,"reasoning":null,"reasoning_effort":null,"logit_bias":null,"x":null,"user":null}`)
	require.Equal(t, &chat.Request{Model: "m", Choices: 1, Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{text("hi")}}}}, r)
}

func TestParsedMessages(t *testing.T) {
	t.Parallel()
	result := func(id, name string, parts ...chat.Part) chat.Part {
		return chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: id, Name: name, Parts: parts}}
	}
	user := func(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.User, Parts: parts} }
	model := func(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.Assistant, Parts: parts} }
	for name, row := range map[string]struct {
		messages string
		want     []chat.Message
	}{
		"parts": {
			`{"role":"user","content":[{"type":"text","text":"look","cache_control":{"type":"ephemeral"}},{"image_url":{"url":"https://x/y.png","detail":"low"},"type":"image_url"},` +
				`{"type":"image_url","image_url":"data:image/PNG;base64,AAAA"},{"type":"image_url","image_url":{"url":"data:application/pdf;base64,BBBB"}},` +
				`{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,CCCC"}},{"type":"file","file":{"file_data":"https://x/y.pdf"}},` +
				`{"type":"input_audio","input_audio":{"data":"DDDD","format":"mp3"}},{"type":"text","text":"","prompt_cache_breakpoint":true}]}`,
			[]chat.Message{user(
				chat.Part{Kind: chat.Text, Text: "look", CacheTTL: "5m"},
				chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "https://x/y.png", Detail: "low"}},
				chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA"}},
				chat.Part{Kind: chat.File, Media: &chat.Media{MIME: "application/pdf", Data: "BBBB"}},
				chat.Part{Kind: chat.File, Media: &chat.Media{MIME: "application/pdf", Data: "CCCC", Name: "a.pdf"}},
				chat.Part{Kind: chat.File, Media: &chat.Media{URL: "https://x/y.pdf"}},
				chat.Part{Kind: chat.Audio, Media: &chat.Media{MIME: "audio/mpeg", Data: "DDDD"}},
				chat.Part{Kind: chat.Text, CacheTTL: "5m"},
			)},
		},
		"results are gathered and named": {
			`{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{"},"index":1}],"refusal":null,"annotations":[],"audio":null,"function_call":null},` +
				`{"role":"tool","tool_call_id":"b","content":"B"},{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"A"},{"type":"image_url","image_url":{"url":"https://x"}}]},{"role":"tool","tool_call_id":"c","name":"h","content":""},{"role":"user","content":"go on"}`,
			[]chat.Message{
				model(call("a", "f", "{}"), call("b", "g", "{")),
				user(result("b", "g", text("B")), result("a", "f", text("A"), chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "https://x"}}), result("c", "h")),
				user(text("go on")),
			},
		},
		"thoughts": {
			`{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"refusal","refusal":"r"}],"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"h","index":0,"format":"anthropic-claude-v1"},` +
				`{"type":"reasoning.text","text":"m","index":0,"format":"anthropic-claude-v1"},{"type":"reasoning.text","signature":"s","index":0,"format":"anthropic-claude-v1"},{"type":"reasoning.encrypted","data":"x","id":"a","format":"google-gemini-v1"}],` +
				`"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"assistant","content":"b","reasoning_content":"aha"},{"role":"assistant","refusal":"no"}`,
			[]chat.Message{
				model(thinking("hm", "s", "anthropic"), text("a"), chat.Part{Kind: chat.Refusal, Text: "r"},
					chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "a", Name: "f", Arguments: "{}"}, Signature: "x", Origin: "gemini"}),
				model(chat.Part{Kind: chat.Thinking, Text: "aha"}, text("b")),
				model(chat.Part{Kind: chat.Refusal, Text: "no"}),
			},
		},
		"pictures of an answer": {
			`{"role":"assistant","content":"see","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}`,
			[]chat.Message{model(text("see"), chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA"}})},
		},
		"system between": {
			`{"role":"user","content":"a"},{"role":"system","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]},{"role":"user","content":null}`,
			[]chat.Message{user(text("a")), {Role: chat.System, Parts: []chat.Part{text("x"), text("y")}}, user()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := parsed(t, `{"model":"m","messages":[`+row.messages+`]}`)
			require.Equal(t, row.want, r.Messages)
			require.Empty(t, r.Unsupported)
		})
	}
}

func TestParsedReasoning(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]chat.Reasoning{
		`"reasoning_effort":"low"`:                                     {Effort: "low"},
		`"reasoning_effort":"none"`:                                    {Off: true},
		`"reasoning":{"effort":"none"}`:                                {Off: true},
		`"reasoning":{"max_tokens":2000}`:                              {Budget: 2000},
		`"reasoning":{"max_tokens":0}`:                                 {Off: true},
		`"reasoning":{"enabled":true}`:                                 {Effort: "medium"},
		`"reasoning":{"enabled":true,"effort":"max"}`:                  {Effort: "max"},
		`"reasoning":{"enabled":true,"max_tokens":9}`:                  {Budget: 9},
		`"reasoning":{"enabled":false,"effort":"high"}`:                {Off: true},
		`"reasoning":{"exclude":false}`:                                {Show: yes(true)},
		`"include_reasoning":false`:                                    {Show: yes(false)},
		`"reasoning":{"effort":"high"},"reasoning_effort":"high"`:      {Effort: "high"},
		`"reasoning":{"effort":null,"max_tokens":null,"enabled":null}`: {},
	} {
		require.Equal(t, want, parsed(t, `{"model":"m",`+hello+`,`+members+`}`).Reasoning, members)
	}
}

func TestWhatHasNoPlaceIsListed(t *testing.T) {
	t.Parallel()
	for members, want := range map[string][]string{
		`"logit_bias":{"1":2},"logprobs":true,"top_logprobs":2`:                                     {"logit_bias", "logprobs", "top_logprobs"},
		`"logit_bias":{},"logprobs":false,"store":false,"modalities":["text"],"verbosity":"medium"`: nil,
		`"modalities":["text","audio"],"audio":{"voice":"x"},"verbosity":"low"`:                     {"modalities", "audio", "verbosity"},
		`"store":true,"prediction":{},"web_search_options":{},"min_p":0.1`:                          {"store", "prediction", "web_search_options", "min_p"},
		`"Temperature":1,"x_new":[1]`:                                                               {"Temperature", "x_new"},
		`"provider":{"order":["x"]},"models":["a","b"],"route":"fallback","transforms":[],"plugins":[{"id":"web","enabled":false}],"usage":{"include":true},"session_id":"s","trace":{}`: nil,
		`"metadata":{"a":"b"},"prompt_cache_key":"k","prompt_cache_retention":"24h"`:                                                                                                     nil,
		`"response_format":{"type":"grammar","grammar":"x"}`:                                                                                                                             {"response_format.grammar", "response_format"},
		`"reasoning":{"mode":"pro"}`: {"reasoning.mode"},
		`"tools":[{"type":"function","function":{"name":"f","x":1},"y":2},{"type":"function","function":{"name":"g","x":1}}]`: {"tools.function.x", "tools.y"},
		`"safety_identifier":"u"`: nil,
	} {
		require.Equal(t, want, parsed(t, `{"model":"m",`+hello+`,`+members+`}`).Unsupported, members)
	}
	r := parsed(t, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","x":1}],"prefix":true}]}`)
	require.Equal(t, []string{"messages.content.x", "messages.prefix"}, r.Unsupported)
	require.Equal(t, "u", parsed(t, `{"model":"m",`+hello+`,"safety_identifier":"u"}`).User)

	var many strings.Builder
	for i := range 5000 {
		many.WriteString(`,"x` + strings.Repeat("y", i%50) + strings.Repeat("z", i/50) + `":1`)
	}
	require.Len(t, parsed(t, `{"model":"m",`+hello+many.String()+`}`).Unsupported, 64)
}

func TestCacheMarkOfTheWholeRequest(t *testing.T) {
	t.Parallel()
	r := parsed(t, `{"model":"m","cache_control":{"type":"ephemeral","ttl":"1h"},"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}]}`)
	require.Equal(t, []chat.Part{text("b"), {Kind: chat.Text, Text: "c", CacheTTL: "1h"}}, r.Messages[1].Parts)
	require.Empty(t, r.Messages[0].Parts[0].CacheTTL)
}

func TestParsedRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	user := func(part string) string { return `{"model":"m","messages":[{"role":"user","content":[` + part + `]}]}` }
	with := func(members string) string { return `{"model":"m",` + hello + `,` + members + `}` }
	messages := func(messages string) string { return `{"model":"m","messages":[` + messages + `]}` }
	for name, row := range map[string]struct{ body, param, message string }{
		"plugins":               {with(`"plugins":[{"id":"web"}]`), "plugins", "not offered"},
		"what the scan refuses": {`{"model":"m",` + hello + `,"max_tokens":0}`, "max_tokens", "between 1 and"},
		"no role":               {messages(`{"content":"a"}`), "messages[0]", "needs a role"},
		"strange role":          {messages(`{"role":"user","content":"a"},{"role":"bot","content":"a"}`), "messages[1]", "the role"},
		"function's message":    {messages(`{"role":"function","name":"f","content":"a"}`), "messages[0]", "replaced by tools"},
		"result of nothing":     {messages(`{"role":"tool","content":"a"}`), "messages[0]", "tool_call_id"},
		"sound of a tool":       {messages(`{"role":"tool","tool_call_id":"a","content":[{"type":"input_audio","input_audio":{"data":"A"}}]}`), "messages[0]", "text, images and files"},
		"call by the user":      {messages(`{"role":"user","content":"a","tool_calls":[{"id":"a","function":{"name":"f","arguments":""}}]}`), "messages[0]", "only the assistant"},
		"call without a name":   {messages(`{"role":"assistant","tool_calls":[{"id":"a","function":{"arguments":"{}"}}]}`), "messages[0].tool_calls[0]", "a name"},
		"custom call":           {messages(`{"role":"assistant","tool_calls":[{"id":"a","type":"custom","custom":{"name":"f","input":"x"}}]}`), "messages[0].tool_calls[0].custom", "only functions"},
		"arguments an object":   {messages(`{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{}}}]}`), "messages[0].tool_calls[0].function.arguments", "not a string"},
		"earlier sound":         {messages(`{"role":"assistant","audio":{"id":"a"}}`), "messages[0].audio", "vendor only"},
		"old call":              {messages(`{"role":"assistant","function_call":{"name":"f"}}`), "messages[0].function_call", "replaced"},
		"film":                  {user(`{"type":"video_url","video_url":{"url":"https://x"}}`), "messages[0].content[0]", "a part of a content"},
		"part without a type":   {user(`{"text":"a"}`), "messages[0].content[0]", "needs a type"},
		"image without a url":   {user(`{"type":"image_url"}`), "messages[0].content[0]", "image_url"},
		"image in a file":       {user(`{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}`), "messages[0].content[0].image_url", "http or https"},
		"data that is text":     {user(`{"type":"image_url","image_url":{"url":"data:image/svg+xml,<svg/>"}}`), "messages[0].content[0].image_url", "base64"},
		"uploaded file":         {user(`{"type":"file","file":{"file_id":"f"}}`), "messages[0].content[0].file.file_id", "vendor only"},
		"file without data":     {user(`{"type":"file","file":{"filename":"f"}}`), "messages[0].content[0].file", "file_data"},
		"sound without data":    {user(`{"type":"input_audio","input_audio":{"format":"wav"}}`), "messages[0].content[0].input_audio", "needs its data"},
		"cache for a year":      {user(`{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1y"}}`), "messages[0].content[0].cache_control", "5m or 1h"},
		"cache of another kind": {user(`{"type":"text","text":"a","cache_control":{"type":"forever"}}`), "messages[0].content[0].cache_control", "ephemeral"},
		"text a number":         {user(`{"type":"text","text":7}`), "messages[0].content[0].text", "not a string"},
		"temperature a string":  {with(`"temperature":"1"`), "temperature", "not a number"},
		"stop a number":         {with(`"stop":[1]`), "stop[0]", "not a string"},
		"parallel a word":       {with(`"parallel_tool_calls":"no"`), "parallel_tool_calls", "true or false"},
		"tools no array":        {with(`"tools":{}`), "tools", "not an array"},
		"tool no object":        {with(`"tools":["f"]`), "tools[0]", "not an object"},
		"tool without a type":   {with(`"tools":[{"function":{"name":"f"}}]`), "tools[0]", "a type"},
		"tool without a name":   {with(`"tools":[{"type":"function","function":{}}]`), "tools[0]", "a name"},
		"the vendor's own tool": {with(`"tools":[{"type":"web_search"}]`), "tools[0].type", "only functions"},
		"schema a list":         {with(`"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]`), "tools[0].function.parameters", "an object"},
		"old functions":         {with(`"functions":[{"name":"f"}]`), "functions", "replaced"},
		"choice of a word":      {with(`"tool_choice":"always"`), "tool_choice", "auto, none, required"},
		"choice of nothing":     {with(`"tool_choice":{"type":"function"}`), "tool_choice", "a name"},
		"choice of some":        {with(`"tool_choice":{"type":"allowed_tools","allowed_tools":{}}`), "tool_choice", "auto, none, required"},
		"format without schema": {with(`"response_format":{"type":"json_schema","json_schema":{"name":"x"}}`), "response_format", "schema"},
		"format a word":         {with(`"response_format":"json"`), "response_format", "not an object"},
		"strange effort":        {with(`"reasoning_effort":"extreme"`), "reasoning_effort", "none, minimal"},
		"effort and budget":     {with(`"reasoning":{"effort":"low","max_tokens":5}`), "reasoning", "exclude each other"},
		"budget and effort":     {with(`"reasoning":{"max_tokens":5,"effort":"low"}`), "reasoning", "exclude each other"},
		"budget below nothing":  {with(`"reasoning":{"max_tokens":-1}`), "reasoning.max_tokens", "between 0 and"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := openai.ParseRequest([]byte(row.body))
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Contains(t, e.Message, row.message)
			require.Equal(t, row.param, e.Details["param"])
		})
	}
}
