package openai

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// appendMessages appends the messages. A message with the results of tools is taken apart: each becomes a message of its own, and
// so does what stands between them, in place.
func appendMessages(dst []byte, messages []chat.Message) (_ []byte, err error) {
	var l scan.List
	for i := range messages {
		m := &messages[i]
		if m.Role == chat.Assistant {
			if dst, err = appendAssistant(l.Next(dst), m, i); err != nil {
				return dst, err
			}
			continue
		}
		for rest, first := m.Parts, true; first || len(rest) > 0; first = false {
			if len(rest) > 0 && rest[0].Kind == chat.ToolResult {
				if dst, err = appendResult(l.Next(dst), rest[0].Result, i); err != nil {
					return dst, err
				}
				rest = rest[1:]
				continue
			}
			n := 0
			for n < len(rest) && rest[n].Kind != chat.ToolResult {
				n++
			}
			if dst, err = appendTurn(l.Next(dst), m, rest[:n], i); err != nil {
				return dst, err
			}
			rest = rest[n:]
		}
	}
	return dst, nil
}

// appendTurn appends a message of the system or of the user.
func appendTurn(dst []byte, m *chat.Message, parts []chat.Part, at int) ([]byte, error) {
	var l scan.List
	dst = l.String(append(dst, '{'), "role", string(m.Role))
	dst = l.Given(dst, "name", m.Name)
	dst, err := appendContent(l.Name(dst, "content"), parts, at)
	return append(dst, '}'), err
}

func appendResult(dst []byte, r *chat.Result, at int) ([]byte, error) {
	var l scan.List
	dst = l.String(append(dst, '{'), "role", "tool")
	dst = l.String(dst, "tool_call_id", r.CallID)
	dst, err := appendContent(l.Name(dst, "content"), r.Parts, at)
	return append(dst, '}'), err
}

func appendAssistant(dst []byte, m *chat.Message, at int) (_ []byte, err error) {
	var l scan.List
	var content, thoughts, calls []chat.Part
	for i := range m.Parts {
		switch p := &m.Parts[i]; p.Kind {
		case chat.Thinking, chat.Redacted:
			if p.Origin == OriginOpenAI && p.Signature != "" {
				thoughts = append(thoughts, *p)
			}
		case chat.ToolCall:
			if p.Origin != OriginOpenAI {
				calls = append(calls, chat.Part{Kind: chat.ToolCall, Call: p.Call})
			} else {
				calls = append(calls, *p)
			}
		case chat.Text, chat.Refusal:
			content = append(content, *p)
		case chat.Image, chat.File, chat.Audio, chat.ToolResult:
			return dst, chat.Unsupported(here(at), "messages of the assistant are text and tool calls")
		}
	}
	dst = l.String(append(dst, '{'), "role", string(chat.Assistant))
	dst = l.Given(dst, "name", m.Name)
	switch {
	case len(content) == 0 && len(calls) > 0:
		dst = l.Raw(dst, "content", "null")
	case len(content) == 1 && content[0].Kind == chat.Refusal:
		dst = l.String(l.Raw(dst, "content", "null"), "refusal", content[0].Text)
	default:
		if dst, err = appendContent(l.Name(dst, "content"), content, at); err != nil {
			return dst, err
		}
	}
	dst = appendDetails(&l, dst, append(thoughts, calls...))
	return append(appendCalls(&l, dst, calls), '}'), nil
}

// appendContent appends a content: a string where it is one text, which is what all vendors understand.
func appendContent(dst []byte, parts []chat.Part, at int) (_ []byte, err error) {
	switch {
	case len(parts) == 0:
		return append(dst, `""`...), nil
	case len(parts) == 1 && parts[0].Kind == chat.Text:
		return jsonscan.AppendString(dst, parts[0].Text), nil
	}
	var l scan.List
	dst = append(dst, '[')
	for i := range parts {
		if dst, err = appendPart(l.Next(dst), &parts[i], at); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendPart(dst []byte, p *chat.Part, at int) ([]byte, error) {
	var l scan.List
	switch p.Kind {
	case chat.Text:
		dst = jsonscan.AppendString(append(dst, `{"type":"text","text":`...), p.Text)
		return append(dst, '}'), nil
	case chat.Refusal:
		dst = jsonscan.AppendString(append(dst, `{"type":"refusal","refusal":`...), p.Text)
		return append(dst, '}'), nil
	case chat.Image:
		return appendImage(dst, p.Media), nil
	case chat.File:
		name := p.Media.Name
		if name == "" && p.Media.Data != "" {
			name = "document.pdf" // data needs a name
		}
		dst = append(dst, `{"type":"file","file":{`...)
		dst = l.Given(dst, "filename", name)
		dst = l.String(dst, "file_data", AddressOf(p.Media, "application/pdf"))
		return append(dst, "}}"...), nil
	case chat.Audio:
		if p.Media.Data == "" {
			return dst, chat.Unsupported(here(at), "sound is sent as data, not by its address")
		}
		dst = append(dst, `{"type":"input_audio","input_audio":{`...)
		dst = l.String(dst, "data", p.Media.Data)
		dst = l.String(dst, "format", audioFormat(p.Media.MIME))
		return append(dst, "}}"...), nil
	case chat.Thinking, chat.Redacted, chat.ToolCall, chat.ToolResult:
	}
	return dst, chat.Unsupported(here(at), "a part of it belongs into another message")
}
