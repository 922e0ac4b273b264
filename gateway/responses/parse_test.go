package responses_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/responses"
)

const hello = `"input":"hi"`

func yes(b bool) *bool { return &b }

func text(s string) chat.Part { return chat.Part{Kind: chat.Text, Text: s} }

func call(id, name, arguments string) chat.Part {
	return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: id, Name: name, Arguments: arguments}}
}

func thinking(s, signature, origin string) chat.Part {
	return chat.Part{Kind: chat.Thinking, Text: s, Signature: signature, Origin: origin}
}

func redacted(signature, origin string) chat.Part {
	return chat.Part{Kind: chat.Redacted, Signature: signature, Origin: origin}
}

func parsed(t *testing.T, body string) *chat.Request {
	t.Helper()
	r, err := responses.ParseRequest([]byte(body))
	require.NoError(t, err, body)
	return r
}

func TestParseRequest(t *testing.T) {
	t.Parallel()
	r := parsed(t, ` {"model":"a/b","instructions":"Be brief.","input":"hi","stream":true,"stream_options":{"include_obfuscation":false},"max_output_tokens":50,
		"temperature":0.70,"top_p":1,"top_k":40,"service_tier":"flex","user":"u","parallel_tool_calls":false,"tool_choice":{"type":"function","name":"f"},
		"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object", "x":1},"strict":true},{"type":"function","name":"g","parameters":null}],
		"text":{"format":{"type":"json_schema","name":"s","description":"sd","schema":{"type":"object"},"strict":false},"verbosity":"medium"},
		"reasoning":{"effort":"high","summary":"auto"},"store":false,"background":false,"previous_response_id":null,"include":["reasoning.encrypted_content"],
		"truncation":"disabled","prompt_cache_key":"k","metadata":{"a":"b"},"provider":{"order":["x"]},"top_logprobs":0} `)
	require.Equal(t, &chat.Request{
		Model: "a/b", Stream: true, Choices: 1, MaxTokens: 50, Temperature: "0.70", TopP: "1", TopK: "40", ServiceTier: "flex", User: "u", ParallelTools: yes(false),
		ToolChoice: chat.ToolChoice{Mode: chat.ToolsOne, Name: "f"},
		Tools:      []chat.Tool{{Name: "f", Description: "d", Parameters: jsontext.Value(`{"type":"object", "x":1}`), Strict: yes(true)}, {Name: "g"}},
		Format:     chat.Format{Kind: chat.JSONSchema, Name: "s", Description: "sd", Schema: jsontext.Value(`{"type":"object"}`), Strict: yes(false)},
		Reasoning:  chat.Reasoning{Effort: "high", Show: yes(true)},
		Messages:   []chat.Message{{Role: chat.System, Parts: []chat.Part{text("Be brief.")}}, {Role: chat.User, Parts: []chat.Part{text("hi")}}},
	}, r)
	r = parsed(t, `{"model":"m","input":"hi","temperature":null,"tools":null,"tool_choice":null,"text":null,"reasoning":null,"store":null,"x":null,"max_output_tokens":null,"include":null,"instructions":null}`)
	require.Equal(t, &chat.Request{Model: "m", Choices: 1, Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{text("hi")}}}}, r)
}

func TestParsedItems(t *testing.T) {
	t.Parallel()
	user := func(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.User, Parts: parts} }
	model := func(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.Assistant, Parts: parts} }
	result := func(id, name string, parts ...chat.Part) chat.Part {
		return chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: id, Name: name, Parts: parts}}
	}
	for name, row := range map[string]struct {
		items string
		want  []chat.Message
	}{
		"parts": {
			`{"role":"user","content":[{"type":"input_text","text":"look","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"input_image","image_url":"https://x/y.png","detail":"low"},` +
				`{"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"auto"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,BBBB"},` +
				`{"type":"input_file","file_url":"https://x/y.pdf","file_id":null},{"type":"input_audio","input_audio":{"data":"CCCC","format":"mp3"}}]}`,
			[]chat.Message{user(
				chat.Part{Kind: chat.Text, Text: "look", CacheTTL: "1h"}, chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "https://x/y.png", Detail: "low"}},
				chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA", Detail: "auto"}},
				chat.Part{Kind: chat.File, Media: &chat.Media{MIME: "application/pdf", Data: "BBBB", Name: "a.pdf"}},
				chat.Part{Kind: chat.File, Media: &chat.Media{URL: "https://x/y.pdf"}}, chat.Part{Kind: chat.Audio, Media: &chat.Media{MIME: "audio/mpeg", Data: "CCCC"}},
			)},
		},
		"a turn with everything": {
			`{"type":"message","role":"developer","content":"x"},{"role":"user","content":"go"},` +
				`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"h"},{"type":"summary_text","text":"m"}],"encrypted_content":"gAAA","status":"completed"},` +
				`{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"let me","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"no"}]},` +
				`{"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":"{}","status":"completed"},{"type":"function_call","call_id":"b","name":"g","arguments":"{"},` +
				`{"type":"function_call_output","call_id":"b","output":"B"},{"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"A"},{"type":"input_image","image_url":"https://x"}]},` +
				`{"type":"message","role":"user","content":"and?"}`,
			[]chat.Message{
				{Role: chat.System, Parts: []chat.Part{text("x")}},
				user(text("go")),
				model(thinking("h\n\nm", "gAAA", "openai"), text("let me"), chat.Part{Kind: chat.Refusal, Text: "no"}, call("a", "f", "{}"), call("b", "g", "{")),
				user(result("b", "g", text("B")), result("a", "f", text("A"), chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "https://x"}})),
				user(text("and?")),
			},
		},
		"reasoning of all kinds": {
			`{"type":"reasoning","summary":[],"encrypted_content":"gAAA"},{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"h"},{"type":"reasoning_text","text":"m"}]},` +
				`{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}],"signature":"s","format":"anthropic-claude-v1"},` +
				`{"type":"reasoning","summary":[{"type":"summary_text","text":""}],"encrypted_content":"mr.anthropic.s"},{"type":"reasoning","summary":[],"encrypted_content":"mr.anthropic.x"},` +
				`{"type":"reasoning","summary":[],"encrypted_content":null}`,
			[]chat.Message{model(redacted("gAAA", "openai"), chat.Part{Kind: chat.Thinking, Text: "hm"}, thinking("hm", "s", "anthropic"), thinking("", "s", "anthropic"), redacted("x", "anthropic"))},
		},
		"signature of a call": {
			`{"type":"reasoning","summary":[],"encrypted_content":"mrc.gemini.YS4x.s.1"},{"type":"function_call","call_id":"a.1","name":"f","arguments":"{}"}`,
			[]chat.Message{model(chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "a.1", Name: "f", Arguments: "{}"}, Signature: "s.1", Origin: "gemini"})},
		},
		"picture": {
			`{"type":"image_generation_call","id":"ig_1","result":"AAAA","status":"completed"}`,
			[]chat.Message{model(chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AAAA"}})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := parsed(t, `{"model":"m","input":[`+row.items+`]}`)
			require.Equal(t, row.want, r.Messages)
			require.Empty(t, r.Unsupported)
		})
	}
}

func TestParsedReasoning(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]chat.Reasoning{
		`{"effort":"low"}`:                                       {Effort: "low"},
		`{"effort":"none"}`:                                      {Off: true},
		`{"effort":null,"summary":"detailed"}`:                   {Show: yes(true)},
		`{"max_tokens":2000}`:                                    {Budget: 2000},
		`{"max_tokens":0}`:                                       {Off: true},
		`{"enabled":true}`:                                       {Effort: "medium"},
		`{"enabled":false,"effort":"high"}`:                      {Off: true},
		`{"effort":null,"enabled":null,"generate_summary":null}`: {},
	} {
		require.Equal(t, want, parsed(t, `{"model":"m",`+hello+`,"reasoning":`+members+`}`).Reasoning, members)
	}
}

func TestWhatHasNoPlaceIsListed(t *testing.T) {
	t.Parallel()
	for members, want := range map[string][]string{
		`"truncation":"auto","top_logprobs":3,"include":["message.output_text.logprobs","reasoning.encrypted_content"]`: {"truncation", "top_logprobs", "include"},
		`"text":{"verbosity":"low","x":1}`:                              {"text.verbosity", "text.x"},
		`"text":{"format":{"type":"grammar"}}`:                          {"text.format"},
		`"context_management":[{}],"moderation":{},"Temperature":1`:     {"context_management", "moderation", "Temperature"},
		`"reasoning":{"mode":"pro"}`:                                    {"reasoning.mode"},
		`"tools":[{"type":"function","name":"f","defer_loading":true}]`: {"tools.defer_loading"},
		`"include":["file_search_call.results"],"max_tool_calls":3`:     nil,
	} {
		require.Equal(t, want, parsed(t, `{"model":"m",`+hello+`,`+members+`}`).Unsupported, members)
	}
	require.Equal(t, []string{"input.content.x", "input.y"}, parsed(t, `{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"a","x":1}],"y":2}]}`).Unsupported)
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	with := func(members string) string { return `{"model":"m",` + hello + `,` + members + `}` }
	items := func(items string) string { return `{"model":"m","input":[` + items + `]}` }
	part := func(part string) string { return items(`{"role":"user","content":[` + part + `]}`) }
	for name, row := range map[string]struct{ body, param, message string }{
		"nothing":               {``, "", "not valid JSON"},
		"an array":              {`[]`, "", "not a JSON object"},
		"two values":            {`{"model":"m",` + hello + `}{}`, "", "not valid JSON"},
		"two models":            {with(`"model":"dear"`), "", "same name twice"},
		"broken UTF-8":          {"{\"model\":\"\xff\"," + hello + "}", "", "not valid UTF-8"},
		"no model":              {`{` + hello + `}`, "model", "required"},
		"long model":            {`{"model":"` + strings.Repeat("m", 300) + `",` + hello + `}`, "model", "longer"},
		"no input":              {`{"model":"m"}`, "input", "required"},
		"empty input":           {`{"model":"m","input":[]}`, "input", "required"},
		"empty text":            {`{"model":"m","input":""}`, "input", "required"},
		"input an object":       {`{"model":"m","input":{}}`, "input", "not a string"},
		"too many items":        {items(strings.Repeat(`{"role":"user","content":"a"},`, openai.MaxMessages) + `{"role":"user","content":"a"}`), "input[9999]", "more than 10000"},
		"earlier response":      {with(`"previous_response_id":"resp_1"`), "previous_response_id", "not stored"},
		"conversation":          {with(`"conversation":{"id":"c"}`), "conversation", "not stored"},
		"stored prompt":         {with(`"prompt":{"id":"p"}`), "prompt", "vendor only"},
		"background":            {with(`"background":true`), "background", "not stored"},
		"store":                 {with(`"store":true`), "store", "not stored"},
		"store a word":          {with(`"store":"no"`), "store", "true or false"},
		"item null":             {items(`null`), "input[0]", "an object"},
		"item a text":           {items(`"a"`), "input[0]", "not an object"},
		"reference":             {items(`{"type":"item_reference","id":"msg_1"}`), "input[0]", "not stored"},
		"strange item":          {items(`{"role":"user","content":"a"},{"type":"computer_call","id":"x"}`), "input[1]", "an item is"},
		"strange role":          {items(`{"role":"bot","content":"a"}`), "input[0]", "the role"},
		"call without id":       {items(`{"type":"function_call","name":"f","arguments":"{}"}`), "input[0]", "call_id"},
		"result without id":     {items(`{"type":"function_call_output","output":"x"}`), "input[0]", "call_id"},
		"result with sound":     {items(`{"type":"function_call_output","call_id":"a","output":[{"type":"input_audio","input_audio":{"data":"A"}}]}`), "input[0]", "text, images and files"},
		"empty picture":         {items(`{"type":"image_generation_call"}`), "input[0]", "needs its result"},
		"uploaded file":         {part(`{"type":"input_file","file_id":"f"}`), "input[0].content[0].file_id", "vendor only"},
		"uploaded image":        {part(`{"type":"input_image","file_id":"f"}`), "input[0].content[0].file_id", "vendor only"},
		"image in a file":       {part(`{"type":"input_image","image_url":"file:///etc/passwd"}`), "input[0].content[0]", "http or https"},
		"file of nothing":       {part(`{"type":"input_file"}`), "input[0].content[0]", "file_data"},
		"sound of nothing":      {part(`{"type":"input_audio"}`), "input[0].content[0]", "its data"},
		"film":                  {part(`{"type":"input_video"}`), "input[0].content[0]", "a part of a content"},
		"cache for a year":      {part(`{"type":"input_text","text":"a","cache_control":{"ttl":"1y"}}`), "input[0].content[0].cache_control", "5m or 1h"},
		"the vendor's own tool": {with(`"tools":[{"type":"web_search"}]`), "tools[0].type", "only functions"},
		"tool without a type":   {with(`"tools":[{"name":"f"}]`), "tools[0]", "a type"},
		"tool without a name":   {with(`"tools":[{"type":"function"}]`), "tools[0]", "a name"},
		"schema a list":         {with(`"tools":[{"type":"function","name":"f","parameters":[]}]`), "tools[0].parameters", "an object"},
		"choice of a word":      {with(`"tool_choice":"always"`), "tool_choice", "auto, none, required"},
		"choice of nothing":     {with(`"tool_choice":{"type":"function"}`), "tool_choice", "a name"},
		"choice of some":        {with(`"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]}`), "tool_choice", "auto, none, required"},
		"format without schema": {with(`"text":{"format":{"type":"json_schema","name":"x"}}`), "text.format", "schema"},
		"strange effort":        {with(`"reasoning":{"effort":"extreme"}`), "reasoning.effort", "none, minimal"},
		"effort and budget":     {with(`"reasoning":{"effort":"low","max_tokens":5}`), "reasoning", "exclude each other"},
		"cap zero":              {with(`"max_output_tokens":0`), "max_output_tokens", "between 1 and"},
		"cap a fraction":        {with(`"max_output_tokens":1.5`), "max_output_tokens", "a whole number"},
		"temperature a string":  {with(`"temperature":"1"`), "temperature", "not a number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := responses.ParseRequest([]byte(row.body))
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Contains(t, e.Message, row.message)
			require.Equal(t, row.param, e.Details["param"])
		})
	}
}
