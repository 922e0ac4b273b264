package anthropic_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
)

func user(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.User, Parts: parts} }

func assistant(parts ...chat.Part) chat.Message {
	return chat.Message{Role: chat.Assistant, Parts: parts}
}

func system(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.System, Parts: parts} }

func result(id string, parts ...chat.Part) chat.Part {
	return chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: id, Parts: parts}}
}

func hello() *chat.Request {
	return &chat.Request{Model: "m", Choices: 1, Messages: []chat.Message{user(text("hi"))}}
}

func options() chat.Options { return chat.Options{Model: "claude", MaxTokens: 100} }

func TestWhatIsWritten(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, row := range map[string]struct {
		change func(r *chat.Request)
		want   string // behind the model and the cap; with a leading comma
	}{
		"plain": {func(*chat.Request) {}, `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]`},
		"system": {func(r *chat.Request) {
			r.Messages = []chat.Message{system(text("a"), text("")), user(text("x")), system(text("b")), user(text("y"))}
		}, `,"system":"a\n\nb","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}]`},
		"system, cached": {func(r *chat.Request) {
			r.Messages = []chat.Message{system(chat.Part{Kind: chat.Text, Text: "a", CacheTTL: "1h"}), system(text("b")), user(text("x"))}
		}, `,"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"b"}],"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]`},
		"results first": {func(r *chat.Request) {
			r.Messages = []chat.Message{
				user(text("x")), assistant(call("functions.f:0", "f", `{"a":1}`), call("b", "g", " ")), user(text("and")),
				user(result("functions.f:0", text("1")), text("then")), user(result("b", text("2"), text("3"))),
			}
		}, `,"messages":[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_d6bdd4de328a22edd610f954","name":"f","input":{"a":1}},{"type":"tool_use","id":"b","name":"g","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_d6bdd4de328a22edd610f954","content":"1"},{"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"2"},{"type":"text","text":"3"}]},{"type":"text","text":"and"},{"type":"text","text":"then"}]}]`},
		"reasoning of others": {func(r *chat.Request) {
			r.Messages = []chat.Message{
				user(text("x")), assistant(chat.Part{Kind: chat.Thinking, Text: "t", Signature: "s", Origin: "gemini"}), user(text("y")),
				assistant(chat.Part{Kind: chat.Thinking, Text: "t", Signature: "s", Origin: "anthropic"}, chat.Part{Kind: chat.Redacted, Signature: "d", Origin: "anthropic"}),
			}
		}, `,"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"d"}]}]`},
		"media": {func(r *chat.Request) {
			r.Messages = []chat.Message{user(
				chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: "AA=="}},
				chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "https://x/y.png"}},
				chat.Part{Kind: chat.File, Media: &chat.Media{MIME: "application/pdf", Data: "AA==", Name: "n"}, CacheTTL: "5m"},
				chat.Part{Kind: chat.File, Media: &chat.Media{URL: "https://x/y.pdf"}},
				chat.Part{Kind: chat.File, Media: &chat.Media{MIME: "text/plain", Data: "w6k="}},
			)}
		}, `,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}},{"type":"image","source":{"type":"url","url":"https://x/y.png"}},` +
			`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AA=="},"title":"n","cache_control":{"type":"ephemeral"}},{"type":"document","source":{"type":"url","url":"https://x/y.pdf"}},` +
			`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"é"}}]}]`},
		"tools": {func(r *chat.Request) {
			r.Tools = []chat.Tool{{Name: "f", Description: "d", Parameters: []byte(`{"type":"object"}`), Strict: &yes, CacheTTL: "5m"}, {Name: "g"}}
			r.ParallelTools = &no
		}, `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"}},` +
			`{"name":"g","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`},
		"one tool": {func(r *chat.Request) {
			r.Tools, r.ToolChoice = []chat.Tool{{Name: "g"}}, chat.ToolChoice{Mode: chat.ToolsOne, Name: "g"}
		}, `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"tools":[{"name":"g","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"tool","name":"g"}`},
		"parameters": {func(r *chat.Request) {
			r.Temperature, r.TopP, r.TopK, r.Stop, r.User, r.Stream, r.ServiceTier = "0.70", "1e-1", "5", []string{"a", "b"}, "u", true, "default"
		}, `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"temperature":0.70,"top_p":1e-1,"top_k":5,"stop_sequences":["a","b"],"metadata":{"user_id":"u"},"stream":true,"service_tier":"standard_only"`},
		"a budget": {
			func(r *chat.Request) { r.Reasoning = chat.Reasoning{Budget: 1024, Show: &no}; r.MaxTokens = 1025 },
			`,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"}`,
		},
		"an effort": {func(r *chat.Request) {
			r.Reasoning = chat.Reasoning{Effort: "minimal", Show: &yes}
			r.Format = chat.Format{Kind: chat.JSONSchema, Name: "n", Schema: []byte(`{"type":"object"}`)}
		}, `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}`},
		"no thinking": {
			func(r *chat.Request) { r.Reasoning = chat.Reasoning{Effort: "none"} },
			`,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"thinking":{"type":"disabled"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := hello()
			row.change(r)
			o := options()
			o.MaxTokens = max(r.MaxTokens, o.MaxTokens)
			got, err := anthropic.AppendRequest(nil, r, o)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf(`{"model":"claude","max_tokens":%d`, o.MaxTokens)+row.want+`}`, string(got))
		})
	}
}

// What the dialect cannot say is refused by its name in OpenAI's chat completions, or left out where that was asked for.
func TestWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(r *chat.Request){
		"n":                    func(r *chat.Request) { r.Choices = 2 },
		"frequency_penalty":    func(r *chat.Request) { r.FrequencyPenalty = "0.1" },
		"presence_penalty":     func(r *chat.Request) { r.PresencePenalty = "-1e-3" },
		"seed":                 func(r *chat.Request) { r.Seed = "0" },
		"logit_bias":           func(r *chat.Request) { r.Unsupported = []string{"logit_bias", "logprobs"} },
		"response_format":      func(r *chat.Request) { r.Format.Kind = chat.JSONObject },
		"stop":                 func(r *chat.Request) { r.Stop = []string{"\n"} },
		"service_tier":         func(r *chat.Request) { r.ServiceTier = "flex" },
		"reasoning.max_tokens": func(r *chat.Request) { r.Reasoning.Budget = 1024 },
		"reasoning_effort":     func(r *chat.Request) { r.Reasoning.Effort = "extreme" },
		"cache_control.ttl":    func(r *chat.Request) { r.Messages[0].Parts[0].CacheTTL = "30m" },
		"messages[0].name":     func(r *chat.Request) { r.Messages[0].Name = "Ann" },
		"messages[0].content[0].image_url.detail": func(r *chat.Request) {
			r.Messages[0].Parts = []chat.Part{{Kind: chat.Image, Media: &chat.Media{URL: "https://x", Detail: "low"}}, text("hi")}
		},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			r := hello()
			change(r)
			requireUnsupported(t, field, r, options())
			o := options()
			o.DropUnsupported = true
			got, err := anthropic.AppendRequest(nil, r, o)
			require.NoError(t, err)
			want, err := anthropic.AppendRequest(nil, hello(), o)
			require.NoError(t, err)
			require.Equal(t, string(want), strings.Replace(string(got), `{"type":"image","source":{"type":"url","url":"https://x"}},`, "", 1))
		})
	}
}

func requireUnsupported(t *testing.T, field string, r *chat.Request, o chat.Options) {
	t.Helper()
	got, err := anthropic.AppendRequest(nil, r, o)
	require.Nil(t, got)
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, domain.CodeInvalid, e.Code)
	require.Equal(t, field, e.Details["param"], e.Message)
}

// Content and tools are never left out.
func TestContentThatCannotBeSaid(t *testing.T) {
	t.Parallel()
	in := func(parts ...chat.Part) []chat.Message { return []chat.Message{user(text("x")), user(parts...)} }
	media := func(kind chat.PartKind, m chat.Media) chat.Part { return chat.Part{Kind: kind, Media: &m} }
	for name, row := range map[string]struct {
		field  string
		change func(r *chat.Request)
	}{
		"sound": {"messages[1].content[0]", func(r *chat.Request) { r.Messages = in(media(chat.Audio, chat.Media{Data: "AA=="})) }},
		"a picture's type": {"messages[1].content[1]", func(r *chat.Request) {
			r.Messages = in(text("a"), media(chat.Image, chat.Media{MIME: "image/tiff", Data: "AA=="}))
		}},
		"a file's type": {"messages[1].content[0]", func(r *chat.Request) {
			r.Messages = in(media(chat.File, chat.Media{MIME: "application/zip", Data: "AA=="}))
		}},
		"a text by address": {"messages[1].content[0]", func(r *chat.Request) {
			r.Messages = in(media(chat.File, chat.Media{MIME: "text/plain", URL: "https://x"}))
		}},
		"no base64":        {"messages[1].content[0]", func(r *chat.Request) { r.Messages = in(media(chat.File, chat.Media{MIME: "text/plain", Data: "?"})) }},
		"no media":         {"messages[1].content[0]", func(r *chat.Request) { r.Messages = in(chat.Part{Kind: chat.Image}) }},
		"no such part":     {"messages[1].content[0]", func(r *chat.Request) { r.Messages = in(chat.Part{}) }},
		"a call of a user": {"messages[1].content[0]", func(r *chat.Request) { r.Messages = in(call("a", "f", "{}")) }},
		"within a result":  {"messages[1].content", func(r *chat.Request) { r.Messages = in(result("a", media(chat.Audio, chat.Media{Data: "AA=="}))) }},
		"result, no id":    {"messages[1].tool_call_id", func(r *chat.Request) { r.Messages = in(result("")) }},
		"picture, assistant": {"messages[0].content[0]", func(r *chat.Request) {
			r.Messages = []chat.Message{assistant(media(chat.Image, chat.Media{URL: "https://x"}))}
		}},
		"result, assistant": {"messages[0].content[0]", func(r *chat.Request) { r.Messages = []chat.Message{assistant(result("a"))} }},
		"call, no id":       {"messages[0].tool_calls", func(r *chat.Request) { r.Messages = []chat.Message{assistant(call("", "f", "{}"))} }},
		"call, no JSON":     {"messages[0].tool_calls", func(r *chat.Request) { r.Messages = []chat.Message{assistant(call("a", "f", `{"a":`))} }},
		"call, an array":    {"messages[0].tool_calls", func(r *chat.Request) { r.Messages = []chat.Message{assistant(call("a", "f", `[1]`))} }},
		"call, two objects": {"messages[0].tool_calls", func(r *chat.Request) { r.Messages = []chat.Message{assistant(call("a", "f", `{},"x":{}`))} }},
		"system, a picture": {"messages[0].content[0]", func(r *chat.Request) {
			r.Messages = []chat.Message{system(media(chat.Image, chat.Media{URL: "https://x"}))}
		}},
		"another role": {"messages[0].role", func(r *chat.Request) { r.Messages[0].Role = `x","y":"` }},
		"nothing":      {"messages", func(r *chat.Request) { r.Messages = []chat.Message{system(text("a")), user(text(""))} }},
		"no schema":    {"tools[1]", func(r *chat.Request) { r.Tools = []chat.Tool{{Name: "f"}, {Name: "g", Parameters: []byte(`true`)}} }},
		"no tool":      {"tool_choice", func(r *chat.Request) { r.ToolChoice.Mode = chat.ToolsAny }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := hello()
			row.change(r)
			o := options()
			o.DropUnsupported = true
			requireUnsupported(t, row.field, r, o)
		})
	}
}
