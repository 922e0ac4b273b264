package gemini_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
)

// TestRequestsSurvive: what Gemini can say comes back as it was, after the merges that the package's comment names.
func TestRequestsSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := requests().Draw(t, "request")
		model := rapid.SampledFrom([]string{"gemini-2.5-flash", "gemini-3-pro", "gemini-flash-latest", "gemma-3"}).Draw(t, "model")
		body, err := gemini.AppendRequest([]byte("head"), r, chat.Options{Model: model, MaxTokens: r.MaxTokens})
		require.NoError(t, err)
		require.Equal(t, "head", string(body[:4]))
		require.True(t, json.Valid(body[4:]), "%s", body[4:])
		got, err := gemini.ParseRequest(body[4:], r.Model, r.Stream)
		require.NoError(t, err, "%s", body)
		require.Equal(t, merged(r, model), got, "%s", body)

		again, err := gemini.AppendRequest(nil, got, chat.Options{Model: model, MaxTokens: r.MaxTokens})
		require.NoError(t, err)
		twice, err := gemini.ParseRequest(again, r.Model, r.Stream)
		require.NoError(t, err)
		require.Equal(t, got, twice, "a second time changes nothing")
	})
}

func TestPath(t *testing.T) {
	t.Parallel()
	require.Equal(t, "models/gemini-3-pro:generateContent", gemini.Path("gemini-3-pro", false))
	require.Equal(t, "models/gemini-3-pro:streamGenerateContent", gemini.Path("gemini-3-pro", true))
	require.Equal(t, "tunedModels/a:generateContent", gemini.Path("tunedModels/a", false))
	require.Equal(t, "publishers/google/models/g%3Fx%23:generateContent", gemini.Path("publishers/google/models/g?x#", false))
	require.Equal(t, "alt=sse", gemini.StreamQuery)
}

func user(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.User, Parts: parts} }

func assistant(parts ...chat.Part) chat.Message {
	return chat.Message{Role: chat.Assistant, Parts: parts}
}

func said(text string) chat.Part { return chat.Part{Kind: chat.Text, Text: text} }

func call(id, arguments string) chat.Part {
	return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: id, Name: "f", Arguments: arguments}}
}

func result(id string, parts ...chat.Part) chat.Part {
	return chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: id, Parts: parts}}
}

func image(m chat.Media) chat.Part { return chat.Part{Kind: chat.Image, Media: &m} }

func TestWhatGeminiCannotSay(t *testing.T) {
	t.Parallel()
	no := false
	tool := []chat.Tool{{Name: "f"}}
	picture := image(chat.Media{URL: "https://example.com/a.png"})
	coarse := image(chat.Media{URL: "https://example.com/a.png", Detail: "low"})
	for name, row := range map[string]struct {
		r     chat.Request
		field string
		drops bool // whether it may be left out
	}{
		"parallel":       {chat.Request{ParallelTools: &no, Tools: tool}, "parallel_tool_calls", true},
		"tier":           {chat.Request{ServiceTier: "flex"}, "service_tier", true},
		"user":           {chat.Request{User: "u"}, "user", true},
		"speaker":        {chat.Request{Messages: []chat.Message{{Role: chat.User, Name: "Ann", Parts: []chat.Part{said("a")}}}}, "messages[0].name", true},
		"choices":        {chat.Request{Choices: 9}, "n", true},
		"stops":          {chat.Request{Stop: []string{"1", "2", "3", "4", "5", "6"}}, "stop", true},
		"description":    {chat.Request{Format: chat.Format{Kind: chat.JSONSchema, Description: "d"}}, "response_format.json_schema.description", true},
		"effort":         {chat.Request{Reasoning: chat.Reasoning{Effort: "xhigh"}}, "reasoning_effort", true},
		"detail":         {chat.Request{Messages: []chat.Message{user(picture, coarse)}}, "image_url.detail", true},
		"odd effort":     {chat.Request{Reasoning: chat.Reasoning{Effort: "some"}}, "reasoning_effort", false},
		"no tools":       {chat.Request{ToolChoice: chat.ToolChoice{Mode: chat.ToolsAny}}, "tool_choice", false},
		"nothing said":   {chat.Request{Messages: []chat.Message{{Role: chat.System, Parts: []chat.Part{said("a")}}, user(said(""))}}, "messages", false},
		"image for all":  {chat.Request{Messages: []chat.Message{{Role: chat.System, Parts: []chat.Part{picture}}, user(said("a"))}}, "messages[0]", false},
		"user's call":    {chat.Request{Messages: []chat.Message{user(call("1", "{}"))}}, "messages[0]", false},
		"model's result": {chat.Request{Messages: []chat.Message{assistant(call("1", "{}"), result("1"))}}, "messages[0]", false},
		"lost result":    {chat.Request{Messages: []chat.Message{user(result("1"))}}, "messages[0].tool_call_id", false},
		"bad arguments":  {chat.Request{Messages: []chat.Message{assistant(call("1", `{"a":`))}}, "messages[0].tool_calls.arguments", false},
		"a list":         {chat.Request{Messages: []chat.Message{assistant(call("1", `[]`))}}, "messages[0].tool_calls.arguments", false},
		"two meanings":   {chat.Request{Messages: []chat.Message{assistant(call("1", `{"a":1,"a":2}`))}}, "messages[0].tool_calls.arguments", false},
		"odd result":     {chat.Request{Messages: []chat.Message{assistant(call("1", "")), user(result("1", call("2", "")))}}, "messages[1].content", false},
		"unknown type":   {chat.Request{Messages: []chat.Message{user(image(chat.Media{Data: "AAAA"}))}}, "messages[0].content", false},
		"empty image":    {chat.Request{Messages: []chat.Message{user(image(chat.Media{}))}}, "messages[0].content", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.r.Messages == nil {
				row.r.Messages = []chat.Message{user(said("hello"))}
			}
			dst, err := gemini.AppendRequest([]byte("head"), &row.r, chat.Options{Model: "gemini-3-pro", MaxTokens: 1})
			requireRefused(t, err, row.field)
			require.Equal(t, "head", string(dst))
			body, err := gemini.AppendRequest(nil, &row.r, chat.Options{Model: "gemini-3-pro", MaxTokens: 1, DropUnsupported: true})
			if !row.drops {
				requireRefused(t, err, row.field)
				return
			}
			require.NoError(t, err)
			require.True(t, json.Valid(body), "%s", body)
		})
	}
}

// sent is the body for some messages.
func sent(t *testing.T, model string, messages ...chat.Message) string {
	t.Helper()
	body, err := gemini.AppendRequest(nil, &chat.Request{Messages: messages}, chat.Options{Model: model, MaxTokens: 7})
	require.NoError(t, err)
	return string(body)
}

func TestSignaturesThatAreSent(t *testing.T) {
	t.Parallel()
	own := chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "1", Name: "f"}, Signature: "T3du", Origin: "gemini"}
	foreign := chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "1", Name: "f"}, Signature: "T3du", Origin: "anthropic"}
	for _, row := range []struct {
		model string
		parts []chat.Part
		want  string
	}{
		{"gemini-3-pro", []chat.Part{own, call("2", "")}, `{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"T3du"},{"functionCall":{"id":"2","name":"f","args":{}}}`},
		{"gemini-3-pro", []chat.Part{foreign, own}, `{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"T3du"}`},
		{"gemini-pro-latest", []chat.Part{call("2", "")}, `{"functionCall":{"id":"2","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}`},
		{"publishers/google/models/gemini-10-x", []chat.Part{call("2", "")}, `{"functionCall":{"id":"2","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}`},
		{"gemini-2.5-pro", []chat.Part{foreign}, `{"functionCall":{"id":"1","name":"f","args":{}}}`},
		{"gemma-3", []chat.Part{foreign}, `{"functionCall":{"id":"1","name":"f","args":{}}}`},
		{"gemini-3-pro", []chat.Part{{Kind: chat.Thinking, Text: "hm", Signature: "x", Origin: "anthropic"}, {Kind: chat.Redacted, Signature: "x", Origin: "anthropic"}}, `{"text":"hm","thought":true}`},
		{"gemini-3-pro", []chat.Part{{Kind: chat.Text, Signature: "T3du", Origin: "gemini"}}, `{"text":"","thoughtSignature":"T3du"}`},
	} {
		require.Equal(t, `{"contents":[{"role":"model","parts":[`+row.want+`]}],"generationConfig":{"maxOutputTokens":7}}`,
			sent(t, row.model, assistant(row.parts...)), row.model)
	}
}

func TestTypesThatShow(t *testing.T) {
	t.Parallel()
	for data, mime := range map[string]string{
		"iVBORw0KGgoAAAA=": "image/png", "/9j/4AAQ": "image/jpeg", "R0lGODlh": "image/gif", "JVBERi0x": "application/pdf",
		"UklGRiQAAABXRUJQVlA4IHh4eHg=": "image/webp", "UklGRv/+/fxXQVZFVlA4IHh4eHg=": "audio/wav", "SUQzBAAA": "audio/mpeg",
		"T2dnUwAC": "audio/ogg", "ZkxhQwAA": "audio/flac",
	} {
		require.Contains(t, sent(t, "m", user(image(chat.Media{Data: data}))), `{"inlineData":{"mimeType":"`+mime+`","data":"`+data+`"}}`)
	}
	require.Contains(t, sent(t, "m", user(image(chat.Media{URL: "https://a/b"}))), `{"fileData":{"fileUri":"https://a/b"}}`)
}

func TestEfforts(t *testing.T) {
	t.Parallel()
	yes := true
	for _, row := range []struct {
		model string
		r     chat.Reasoning
		want  string
	}{
		{"gemini-2.5-pro", chat.Reasoning{Effort: "medium"}, `{"thinkingBudget":8192}`},
		{"gemini-3-pro", chat.Reasoning{Effort: "medium", Show: &yes}, `{"includeThoughts":true,"thinkingLevel":"medium"}`},
		{"gemini-3-pro", chat.Reasoning{Effort: "max"}, `{"thinkingLevel":"high"}`},
		{"gemini-3-pro", chat.Reasoning{Effort: "none"}, `{"thinkingBudget":0}`},
		{"gemini-3-pro", chat.Reasoning{Off: true}, `{"thinkingBudget":0}`},
		{"gemini-2.5-pro", chat.Reasoning{Budget: 77}, `{"thinkingBudget":77}`},
	} {
		body, err := gemini.AppendRequest(nil, &chat.Request{Messages: []chat.Message{user(said("a"))}, Reasoning: row.r},
			chat.Options{Model: row.model, MaxTokens: 7, DropUnsupported: true})
		require.NoError(t, err)
		require.Contains(t, string(body), `,"generationConfig":{"maxOutputTokens":7,"thinkingConfig":`+row.want+`}}`)
	}
}
