package bedrock_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/bedrock"
	"github.com/massrouter/massrouter/gateway/chat"
)

// TestAWholeRequest: each thing in its place, as the API reference has it.
func TestAWholeRequest(t *testing.T) {
	t.Parallel()
	yes := true
	r := &chat.Request{
		Model: "anthropic/claude-sonnet-4.5", Choices: 1, Temperature: "0.70", TopP: "0.9", TopK: "40", Stop: []string{"END", "\n"}, ServiceTier: "flex",
		Messages: []chat.Message{
			{Role: chat.System, Parts: []chat.Part{{Kind: chat.Text, Text: "Be brief.", CacheTTL: "1h"}, text("")}},
			{Role: chat.User, Parts: []chat.Part{
				text("Look."),
				{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "aW1n"}},
				{Kind: chat.File, Media: &chat.Media{MIME: "application/pdf", Data: "cGRm", Name: "a_b  c.pdf"}, CacheTTL: "5m"},
			}},
			{Role: chat.System, Parts: []chat.Part{text("And kind.")}},
			{Role: chat.User, Parts: []chat.Part{{Kind: chat.File, Media: &chat.Media{MIME: "text/plain", Data: "dHh0", Name: "a_b  c.pdf"}}}},
			{Role: chat.Assistant, Parts: []chat.Part{
				{Kind: chat.Thinking, Text: "hm", Signature: "s1", Origin: "bedrock"},
				{Kind: chat.Redacted, Signature: "cmVk", Origin: "bedrock"},
				{Kind: chat.Thinking, Text: "other", Signature: "s2", Origin: "anthropic"},
				text("Two calls."),
				{Kind: chat.ToolCall, Call: &chat.Call{ID: "call_1", Name: "find", Arguments: `{"b": 1}`}},
				{Kind: chat.ToolCall, Call: &chat.Call{ID: "call.2", Name: "open"}},
			}},
			{Role: chat.User, Parts: []chat.Part{
				text("Well?"),
				{Kind: chat.ToolResult, Result: &chat.Result{CallID: "call_1", Parts: []chat.Part{text("found"), {Kind: chat.Image, Media: &chat.Media{MIME: "image/jpeg", Data: "anBn"}}}}},
				{Kind: chat.ToolResult, Result: &chat.Result{CallID: "call.2", Error: true}},
			}},
		},
		Tools: []chat.Tool{
			{Name: "find", Description: "Finds.", Parameters: jsontext.Value(`{"type":"object"}`), Strict: &yes, CacheTTL: "5m"}, {Name: "open"},
		},
		ToolChoice: chat.ToolChoice{Mode: chat.ToolsOne, Name: "find"},
		Format:     chat.Format{Kind: chat.JSONSchema, Name: "answer", Description: "An answer.", Schema: jsontext.Value(`{"type":"object"}`)},
		Reasoning:  chat.Reasoning{Effort: "minimal"},
	}
	require.JSONEq(t, `{
		"inferenceConfig":{"maxTokens":100,"temperature":0.70,"topP":0.9,"stopSequences":["END","\n"]},
		"system":[{"text":"Be brief."},{"cachePoint":{"type":"default","ttl":"1h"}},{"text":"And kind."}],
		"messages":[
			{"role":"user","content":[{"text":"Look."},{"image":{"format":"png","source":{"bytes":"aW1n"}}},
				{"document":{"format":"pdf","name":"a-b c-pdf","source":{"bytes":"cGRm"}}},{"cachePoint":{"type":"default"}},
				{"document":{"format":"txt","name":"a-b c-pdf-2","source":{"bytes":"dHh0"}}}]},
			{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"s1"}}},{"reasoningContent":{"redactedContent":"cmVk"}},
				{"text":"Two calls."},{"toolUse":{"toolUseId":"call_1","name":"find","input":{"b":1}}},
				{"toolUse":{"toolUseId":"tooluse_b53ae0d6e8c2bd3ed94a9a4e","name":"open","input":{}}}]},
			{"role":"user","content":[{"toolResult":{"toolUseId":"call_1","content":[{"text":"found"},{"image":{"format":"jpeg","source":{"bytes":"anBn"}}}]}},
				{"toolResult":{"toolUseId":"tooluse_b53ae0d6e8c2bd3ed94a9a4e","content":[],"status":"error"}},{"text":"Well?"}]}],
		"toolConfig":{"tools":[{"toolSpec":{"name":"find","description":"Finds.","inputSchema":{"json":{"type":"object"}},"strict":true}},{"cachePoint":{"type":"default"}},
			{"toolSpec":{"name":"open","inputSchema":{"json":{"type":"object","properties":{}}}}}],"toolChoice":{"tool":{"name":"find"}}},
		"outputConfig":{"effort":"low","textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\"}","name":"answer","description":"An answer."}}}},
		"additionalModelRequestFields":{"top_k":40,"thinking":{"type":"adaptive"}},
		"serviceTier":{"type":"flex"}
	}`, strings.ReplaceAll(written(t, r, chat.Options{Model: claude}), callID(t), "tooluse_b53ae0d6e8c2bd3ed94a9a4e"))
}

// callID is what stands for the id call.2, which the vendor would refuse.
func callID(t *testing.T) string {
	t.Helper()
	r := said(chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: "call.2"}})
	_, rest, ok := strings.Cut(written(t, r, chat.Options{}), `"toolUseId":"`)
	require.True(t, ok)
	id, _, _ := strings.Cut(rest, `"`)
	require.Regexp(t, `^tooluse_[0-9a-f]{24}$`, id)
	return id
}

// TestWhatOnlySomeModelsTake goes to them, and is refused for others by its name.
func TestWhatOnlySomeModelsTake(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(r *chat.Request)
		param  string // refused for models that are not Anthropic's
		claude string // in the body for those that are
	}{
		"top_k":  {func(r *chat.Request) { r.TopK = "5" }, "top_k", `"additionalModelRequestFields":{"top_k":5}`},
		"budget": {func(r *chat.Request) { r.Reasoning.Budget = 2000 }, "reasoning.max_tokens", `{"thinking":{"type":"enabled","budget_tokens":2000}}`},
		"off":    {func(r *chat.Request) { r.Reasoning.Off = true }, "reasoning", `{"thinking":{"type":"disabled"}}`},
		"none":   {func(r *chat.Request) { r.Reasoning.Effort = "none" }, "reasoning", `{"thinking":{"type":"disabled"}}`},
	} {
		r := said(text("Hi."))
		row.change(r)
		require.Contains(t, written(t, r, chat.Options{Model: claude, MaxTokens: 4000}), row.claude, name)
		require.Equal(t, row.param, refused(t, r, chat.Options{Model: "meta.llama4", MaxTokens: 4000}), name)
		require.NotContains(t, written(t, r, chat.Options{Model: "meta.llama4", MaxTokens: 4000, DropUnsupported: true}), "additional", name)
		r.Model = "anthropic/claude"
		profile := "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc"
		require.Contains(t, written(t, r, chat.Options{Model: profile, MaxTokens: 4000}), row.claude, "an account's own profile does not name the author")
	}
	r := said(text("Hi."))
	r.Reasoning.Effort = "high"
	require.Contains(t, written(t, r, chat.Options{Model: "openai.gpt-oss"}), `"outputConfig":{"effort":"high"}}`)
	r.Reasoning = chat.Reasoning{Budget: 1500}
	require.Equal(t, "reasoning.max_tokens", refused(t, r, chat.Options{Model: claude, MaxTokens: 1500}), "less than the whole output")
	show := true
	r.Reasoning = chat.Reasoning{Show: &show}
	require.NotContains(t, written(t, r, chat.Options{Model: "x"}), "effort")
}

// TestWhatCannotBeSaidIsRefused by the caller's name for it; left out where the caller wants that, but never content or tools.
func TestWhatCannotBeSaidIsRefused(t *testing.T) {
	t.Parallel()
	no := false
	droppable := map[string]func(r *chat.Request){
		"n":                   func(r *chat.Request) { r.Choices = 2 },
		"frequency_penalty":   func(r *chat.Request) { r.FrequencyPenalty = "0.5" },
		"presence_penalty":    func(r *chat.Request) { r.PresencePenalty = "-1" },
		"seed":                func(r *chat.Request) { r.Seed = "7" },
		"user":                func(r *chat.Request) { r.User = "u" },
		"logit_bias":          func(r *chat.Request) { r.Unsupported = []string{"logit_bias"} },
		"service_tier":        func(r *chat.Request) { r.ServiceTier = "scale" },
		"response_format":     func(r *chat.Request) { r.Format.Kind = chat.JSONObject },
		"reasoning_effort":    func(r *chat.Request) { r.Reasoning.Effort = "heroic" },
		"messages[0].name":    func(r *chat.Request) { r.Messages[0].Name = "Ada" },
		"parallel_tool_calls": func(r *chat.Request) { r.Tools, r.ParallelTools = []chat.Tool{{Name: "f"}}, &no },
		"cache_control.ttl":   func(r *chat.Request) { r.Messages[0].Parts[0].CacheTTL = "1d" },
		"tool_choice": func(r *chat.Request) {
			r.Tools, r.ToolChoice.Mode = []chat.Tool{{Name: "f"}}, chat.ToolsNone
			r.Messages[0].Parts = append(r.Messages[0].Parts, chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: "c"}})
		},
		"cache_control": func(r *chat.Request) {
			inner := chat.Part{Kind: chat.Text, Text: "x", CacheTTL: "5m"}
			r.Messages[0].Parts = append(r.Messages[0].Parts, chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: "c", Parts: []chat.Part{inner}}})
		},
		"messages[0].content[1].image_url.detail": func(r *chat.Request) {
			r.Messages[0].Parts = append(r.Messages[0].Parts, chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/gif", Data: "aQ==", Detail: "low"}})
		},
	}
	for param, change := range droppable {
		r := said(text("Hi."))
		change(r)
		require.Equal(t, param, refused(t, r, chat.Options{Model: "x"}))
		require.Contains(t, written(t, r, chat.Options{Model: "x", DropUnsupported: true}), `{"text":"Hi."}`, param)
	}
	kept := map[string]*chat.Request{
		"messages":               {Messages: []chat.Message{{Role: chat.System, Parts: []chat.Part{text("Hi.")}}}},
		"messages[0].content[0]": said(chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "https://example.com/a.png"}}),
		"messages[0].content[1]": said(text("a"), chat.Part{Kind: chat.File, Media: &chat.Media{MIME: "application/zip", Data: "eg=="}}),
		"messages[0].content[2]": said(text("a"), text("b"), chat.Part{Kind: chat.Audio, Media: &chat.Media{MIME: "audio/midi", Data: "eg=="}}),
		"messages[0].content[3]": said(text("a"), text("b"), text("c"), chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/tiff", Data: "eg=="}}),
		"messages[0].content":    said(chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: "c", Parts: []chat.Part{{Kind: chat.Audio, Media: &chat.Media{}}}}}),
		"messages[0].tool_calls": {Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{{Kind: chat.ToolCall, Call: &chat.Call{ID: "c", Name: "f", Arguments: "[]"}}}}}},
		"tool_choice":            {Messages: said(text("a")).Messages, ToolChoice: chat.ToolChoice{Mode: chat.ToolsAny}},
		"tools[0]":               {Messages: said(text("a")).Messages, Tools: []chat.Tool{{Name: "f", Parameters: jsontext.Value(`true`)}}},
	}
	for param, r := range kept {
		require.Equal(t, param, refused(t, r, chat.Options{Model: "x", DropUnsupported: true}))
	}
}

// TestToolsThatMayNotBeCalledAreNotTold, as the vendor has no word for that.
func TestToolsThatMayNotBeCalledAreNotTold(t *testing.T) {
	t.Parallel()
	r := said(text("Hi."))
	r.Tools, r.ToolChoice.Mode = []chat.Tool{{Name: "f"}}, chat.ToolsNone
	require.NotContains(t, written(t, r, chat.Options{Model: "x"}), "tool")
	for mode, want := range map[chat.ToolMode]string{chat.ToolsAuto: `"toolChoice":{"auto":{}}`, chat.ToolsAny: `"toolChoice":{"any":{}}`, "": `{"toolSpec":{"name":"f",`} {
		r.ToolChoice.Mode = mode
		require.Contains(t, written(t, r, chat.Options{Model: "x"}), want)
	}
}

// TestPathsOfModels: one segment, whatever is in the name.
func TestPathsOfModels(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"amazon.nova-pro-v1:0": "model/amazon.nova-pro-v1%3A0/converse",
		"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x-v1:0": "model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x-v1%3A0/converse",
		"a b+c?d#e%2F~_": "model/a%20b%2Bc%3Fd%23e%252F~_/converse",
	} {
		require.Equal(t, want, bedrock.Path(model, false))
		require.Equal(t, want+"-stream", bedrock.Path(model, true))
		u := (&url.URL{Scheme: "https", Host: "bedrock-runtime.us-east-1.amazonaws.com", Path: "/"}).JoinPath(bedrock.Path(model, true))
		require.Equal(t, "/"+want+"-stream", u.EscapedPath(), "nothing on the way changes it")
		require.Equal(t, "/model/"+model+"/converse-stream", u.Path)
	}
}
