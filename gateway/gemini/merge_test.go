package gemini_test

import (
	"encoding/json"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// merged is what the package's comment promises of a request that went to Gemini's form and came back.
func merged(r *chat.Request, model string) *chat.Request {
	out := *r
	out.Messages = mergedMessages(r.Messages)
	if len(out.Stop) == 0 {
		out.Stop = nil
	}
	strict := len(r.Tools) > 0 && r.Tools[0].Strict != nil
	switch {
	case strict && (r.ToolChoice.Mode == "" || r.ToolChoice.Mode == chat.ToolsAuto):
		out.ToolChoice.Mode = chat.ToolsAuto
	default: // in all other modes arguments fit the schema anyway
		out.Tools = nil
		for _, tool := range r.Tools {
			tool.Strict = nil
			out.Tools = append(out.Tools, tool)
		}
	}
	if strings.Contains(model, "gemini-2") && r.Reasoning.Effort != "" {
		out.Reasoning.Budget = map[string]int64{"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}[r.Reasoning.Effort]
		out.Reasoning.Effort = ""
	}
	return &out
}

func mergedMessages(messages []chat.Message) []chat.Message {
	system := chat.Message{Role: chat.System}
	var out []chat.Message
	names := map[string]string{}
	results := false
	for _, m := range messages {
		for _, p := range m.Parts {
			if p.Kind == chat.Refusal {
				p.Kind = chat.Text
			}
			if p.Text == "" && p.Signature == "" && (p.Kind == chat.Text || p.Kind == chat.Thinking) {
				continue
			}
			if m.Role == chat.System {
				system.Parts = append(system.Parts, p)
				continue
			}
			switch p.Kind {
			case chat.ToolCall:
				call := *p.Call
				call.Arguments = strings.Trim(call.Arguments, " \t\r\n")
				p.Call, names[call.ID] = &call, call.Name
			case chat.ToolResult:
				p.Result = mergedResult(p.Result, names)
			}
			last := len(out) - 1
			if is := p.Kind == chat.ToolResult; last < 0 || out[last].Role != m.Role || results != is {
				out, results = append(out, chat.Message{Role: m.Role}), is
				last++
			}
			out[last].Parts = append(out[last].Parts, p)
		}
	}
	if len(system.Parts) > 0 {
		out = append([]chat.Message{system}, out...)
	}
	return out
}

func mergedResult(r *chat.Result, names map[string]string) *chat.Result {
	out := &chat.Result{CallID: r.CallID, Name: names[r.CallID], Error: r.Error}
	var texts []string
	var media []chat.Part
	for _, p := range r.Parts {
		if p.Kind == chat.Text {
			texts = append(texts, p.Text)
		} else {
			media = append(media, p)
		}
	}
	said := strings.Join(texts, "\n")
	if !r.Error && strings.HasPrefix(strings.Trim(said, " \t\r\n"), "{") && json.Valid([]byte(said)) {
		said = strings.Trim(said, " \t\r\n")
	}
	if said != "" {
		out.Parts = append(out.Parts, chat.Part{Kind: chat.Text, Text: said})
	}
	out.Parts = append(out.Parts, media...)
	return out
}
