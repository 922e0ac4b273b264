package responses

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// AppendRequest appends a canonical request for a vendor that is to store nothing. Errors are invalid_request with the detail
// "param": what this dialect cannot say, unless o.DropUnsupported. Thoughts are sent only with a signature of OpenAI's own; cache
// marks are left out, and that a tool failed is left to the text it gave. A budget of reasoning tokens cannot be said.
func AppendRequest(dst []byte, r *chat.Request, o chat.Options) ([]byte, error) {
	if field := unsaid(r); field != "" && !o.DropUnsupported {
		return dst, chat.Unsupported(field, "OpenAI's Responses have nothing like it")
	}
	var l scan.List
	dst = l.String(append(dst, '{'), "model", o.Model)
	dst, err := appendInput(append(l.Name(dst, "input"), '['), r.Messages)
	if err != nil {
		return dst, err
	}
	dst = append(dst, ']')
	dst = l.Raw(l.Raw(dst, "store", "false"), "include", `["reasoning.encrypted_content"]`)
	if r.Stream {
		dst = l.Raw(dst, "stream", "true")
	}
	if o.MaxTokens > 0 {
		dst = l.Int(dst, "max_output_tokens", o.MaxTokens)
	}
	dst = appendTools(&l, dst, r)
	dst = l.Raw(dst, "temperature", string(r.Temperature))
	dst = l.Raw(dst, "top_p", string(r.TopP))
	dst = appendFormat(&l, dst, &r.Format)
	dst = appendReasoning(&l, dst, &r.Reasoning)
	dst = l.Given(dst, "service_tier", r.ServiceTier)
	dst = l.Given(dst, "user", r.User)
	return append(dst, '}'), nil
}

// unsaid is the first parameter that this dialect cannot say.
func unsaid(r *chat.Request) string {
	for i := range r.Messages {
		if r.Messages[i].Name != "" {
			return "messages[" + strconv.Itoa(i) + "].name"
		}
	}
	switch {
	case r.Choices > 1:
		return "n"
	case r.TopK != "":
		return "top_k"
	case r.FrequencyPenalty != "":
		return "frequency_penalty"
	case r.PresencePenalty != "":
		return "presence_penalty"
	case r.Seed != "":
		return "seed"
	case len(r.Stop) > 0:
		return "stop"
	case r.Reasoning.Budget > 0:
		return "reasoning.max_tokens"
	}
	return ""
}

func appendTools(l *scan.List, dst []byte, r *chat.Request) []byte {
	if len(r.Tools) > 0 {
		var s scan.List
		dst = append(l.Name(dst, "tools"), '[')
		for i := range r.Tools {
			t := &r.Tools[i]
			var m scan.List
			dst = m.String(append(s.Next(dst), '{'), "type", "function")
			dst = m.String(dst, "name", t.Name)
			dst = m.Given(dst, "description", t.Description)
			dst = m.Raw(dst, "parameters", string(t.Parameters))
			strict := t.Strict != nil && *t.Strict // here, unlike elsewhere, it is true unless said
			dst = append(m.Bool(dst, "strict", &strict), '}')
		}
		dst = append(dst, ']')
	}
	switch r.ToolChoice.Mode {
	case chat.ToolsAuto, chat.ToolsNone:
		dst = l.String(dst, "tool_choice", string(r.ToolChoice.Mode))
	case chat.ToolsAny:
		dst = l.String(dst, "tool_choice", "required")
	case chat.ToolsOne:
		dst = jsonscan.AppendString(append(l.Name(dst, "tool_choice"), `{"type":"function","name":`...), r.ToolChoice.Name)
		dst = append(dst, '}')
	case "":
	}
	return l.Bool(dst, "parallel_tool_calls", r.ParallelTools)
}

func appendFormat(l *scan.List, dst []byte, f *chat.Format) []byte {
	if f.Kind == "" {
		return dst
	}
	var o scan.List
	dst = append(l.Name(dst, "text"), `{"format":{`...)
	dst = o.String(dst, "type", string(f.Kind))
	if f.Kind == chat.JSONSchema {
		name := f.Name
		if name == "" {
			name = "answer" // the dialect wants one, others have none
		}
		dst = o.String(dst, "name", name)
		dst = o.Given(dst, "description", f.Description)
		dst = o.Raw(dst, "schema", string(f.Schema))
		strict := f.Strict != nil && *f.Strict
		dst = o.Bool(dst, "strict", &strict)
	}
	return append(dst, "}}"...)
}

func appendReasoning(l *scan.List, dst []byte, r *chat.Reasoning) []byte {
	effort := r.Effort
	if r.Off {
		effort = "none"
	}
	show := r.Show != nil && *r.Show
	if effort == "" && !show {
		return dst
	}
	var o scan.List
	dst = o.Given(append(l.Name(dst, "reasoning"), '{'), "effort", effort)
	if show {
		dst = o.String(dst, "summary", "auto")
	}
	return append(dst, '}')
}
