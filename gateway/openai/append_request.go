package openai

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// AppendRequest appends a canonical request as a chat completion for a vendor. Errors are invalid_request with the detail "param":
// what this dialect cannot say, unless o.DropUnsupported.
//
// A budget of reasoning tokens becomes the level that OpenRouter takes for such a share of the output cap. Thoughts are sent only
// with a signature that came in this dialect. Cache marks are left out: vendors of this dialect keep prompts by themselves. That a
// tool failed is left to the text it gave, and whether thoughts are shown to the one who writes the answer.
func AppendRequest(dst []byte, r *chat.Request, o chat.Options) ([]byte, error) {
	if r.TopK != "" && !o.DropUnsupported {
		return dst, chat.Unsupported("top_k", "OpenAI's dialect has nothing like it")
	}
	var l scan.List
	var err error
	dst = l.String(append(dst, '{'), "model", o.Model)
	if dst, err = appendMessages(append(l.Name(dst, "messages"), '['), r.Messages); err != nil {
		return dst, err
	}
	dst = append(dst, ']')
	if r.Stream {
		dst = l.Raw(dst, "stream", "true")
		if !o.NoStreamUsage {
			dst = l.Raw(dst, "stream_options", `{"include_usage":true}`)
		}
	}
	field := MaxTokens
	if o.CapField != "" {
		field = o.CapField
	}
	if o.MaxTokens > 0 {
		dst = l.Int(dst, field, o.MaxTokens)
	}
	if r.Choices > 1 {
		dst = l.Int(dst, "n", r.Choices)
	}
	dst = appendTools(&l, dst, r)
	dst = appendSampling(&l, dst, r)
	dst = appendFormat(&l, dst, &r.Format)
	dst = l.Given(dst, "reasoning_effort", effortOf(&r.Reasoning, o.MaxTokens))
	dst = l.Given(dst, "service_tier", r.ServiceTier)
	dst = l.Given(dst, "user", r.User)
	return append(dst, '}'), nil
}

func appendSampling(l *scan.List, dst []byte, r *chat.Request) []byte {
	dst = l.Raw(dst, "temperature", string(r.Temperature))
	dst = l.Raw(dst, "top_p", string(r.TopP))
	dst = l.Raw(dst, "frequency_penalty", string(r.FrequencyPenalty))
	dst = l.Raw(dst, "presence_penalty", string(r.PresencePenalty))
	dst = l.Raw(dst, "seed", string(r.Seed))
	if len(r.Stop) > 0 {
		var s scan.List
		dst = append(l.Name(dst, "stop"), '[')
		for _, stop := range r.Stop {
			dst = jsonscan.AppendString(s.Next(dst), stop)
		}
		dst = append(dst, ']')
	}
	return dst
}

func appendTools(l *scan.List, dst []byte, r *chat.Request) []byte {
	if len(r.Tools) > 0 {
		var s scan.List
		dst = append(l.Name(dst, "tools"), '[')
		for i := range r.Tools {
			dst = appendTool(s.Next(dst), &r.Tools[i])
		}
		dst = append(dst, ']')
	}
	switch r.ToolChoice.Mode {
	case chat.ToolsAuto, chat.ToolsNone:
		dst = l.String(dst, "tool_choice", string(r.ToolChoice.Mode))
	case chat.ToolsAny:
		dst = l.String(dst, "tool_choice", "required")
	case chat.ToolsOne:
		dst = jsonscan.AppendString(append(l.Name(dst, "tool_choice"), `{"type":"function","function":{"name":`...), r.ToolChoice.Name)
		dst = append(dst, "}}"...)
	case "":
	}
	return l.Bool(dst, "parallel_tool_calls", r.ParallelTools)
}

func appendTool(dst []byte, t *chat.Tool) []byte {
	var l scan.List
	dst = append(dst, `{"type":"function","function":{`...)
	dst = l.String(dst, "name", t.Name)
	dst = l.Given(dst, "description", t.Description)
	dst = l.Raw(dst, "parameters", string(t.Parameters))
	dst = l.Bool(dst, "strict", t.Strict)
	return append(dst, "}}"...)
}

func appendFormat(l *scan.List, dst []byte, f *chat.Format) []byte {
	if f.Kind == "" {
		return dst
	}
	var o, s scan.List
	dst = append(l.Name(dst, "response_format"), '{')
	dst = o.String(dst, "type", string(f.Kind))
	if f.Kind == chat.JSONSchema {
		name := f.Name
		if name == "" {
			name = "answer" // the dialect wants one, others have none
		}
		dst = append(o.Name(dst, "json_schema"), '{')
		dst = s.String(dst, "name", name)
		dst = s.Given(dst, "description", f.Description)
		dst = s.Raw(dst, "schema", string(f.Schema))
		dst = append(s.Bool(dst, "strict", f.Strict), '}')
	}
	return append(dst, '}')
}

// effortOf is the level for what was asked of reasoning: "" if nothing.
func effortOf(r *chat.Reasoning, limit int64) string {
	switch {
	case r.Off:
		return effortNone
	case r.Budget > 0:
		return effortOfBudget(r.Budget, limit)
	}
	return r.Effort
}

// effortOfBudget turns a budget into a level. OpenRouter gives levels these shares of the output cap, in per cent: minimal 10, low
// 20, medium 50, high 80, xhigh 95; the nearest level that the budget reaches is taken.
func effortOfBudget(budget, limit int64) string {
	const percent = 100
	level := "minimal"
	for _, step := range [...]struct {
		share int64
		level string
	}{{20, "low"}, {50, effortMedium}, {80, "high"}, {95, "xhigh"}} {
		if budget >= limit*step.share/percent {
			level = step.level
		}
	}
	return level
}

// here is the place of a message, as callers know it.
func here(i int) string { return "messages[" + strconv.Itoa(i) + "].content" }
