package responses

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// appendInput appends the messages as items: what belongs together in a content is one message, all else is an item of its own.
func appendInput(dst []byte, messages []chat.Message) (_ []byte, err error) {
	var l scan.List
	for i := range messages {
		m := &messages[i]
		for rest := m.Parts; len(rest) > 0; {
			n := 0
			for n < len(rest) && spoken(rest[n].Kind) {
				n++
			}
			if n > 0 {
				dst, err = appendMessage(l.Next(dst), m.Role, rest[:n], i)
			} else {
				n = 1
				dst, err = appendItem(&l, dst, m.Role, &rest[0], i)
			}
			if err != nil {
				return dst, err
			}
			rest = rest[n:]
		}
	}
	return dst, nil
}

// spoken says whether a part stands in the content of a message.
func spoken(kind chat.PartKind) bool {
	switch kind {
	case chat.Text, chat.Refusal, chat.Image, chat.File, chat.Audio:
		return true
	case chat.Thinking, chat.Redacted, chat.ToolCall, chat.ToolResult:
	}
	return false
}

func appendMessage(dst []byte, role chat.Role, parts []chat.Part, at int) ([]byte, error) {
	var l scan.List
	dst = l.String(append(dst, '{'), "type", "message")
	dst = l.String(dst, "role", string(role))
	dst, err := appendContent(l.Name(dst, "content"), role, parts, at)
	return append(dst, '}'), err
}

func appendContent(dst []byte, role chat.Role, parts []chat.Part, at int) (_ []byte, err error) {
	var l scan.List
	dst = append(dst, '[')
	for i := range parts {
		if dst, err = appendPart(l.Next(dst), role, &parts[i], at); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendPart(dst []byte, role chat.Role, p *chat.Part, at int) ([]byte, error) {
	var l scan.List
	dst = append(dst, '{')
	switch {
	case p.Kind == chat.Text && role == chat.Assistant:
		dst = l.String(l.String(dst, "type", "output_text"), "text", p.Text)
	case p.Kind == chat.Text:
		dst = l.String(l.String(dst, "type", "input_text"), "text", p.Text)
	case p.Kind == chat.Refusal && role == chat.Assistant:
		dst = l.String(l.String(dst, "type", "refusal"), "refusal", p.Text)
	case role == chat.Assistant:
		return dst, chat.Unsupported(here(at), "messages of the assistant are text and tool calls")
	case p.Kind == chat.Image:
		detail := p.Media.Detail
		if detail == "" {
			detail = "auto"
		}
		dst = l.String(l.String(dst, "type", "input_image"), "image_url", openai.AddressOf(p.Media, "image/png"))
		dst = l.String(dst, "detail", detail)
	case p.Kind == chat.File && p.Media.Data == "":
		dst = l.Given(l.String(l.String(dst, "type", "input_file"), "file_url", p.Media.URL), "filename", p.Media.Name)
	case p.Kind == chat.File:
		name := p.Media.Name
		if name == "" {
			name = "document.pdf" // data needs a name
		}
		dst = l.String(l.String(dst, "type", "input_file"), "file_data", openai.AddressOf(p.Media, "application/pdf"))
		dst = l.String(dst, "filename", name)
	default:
		return dst, chat.Unsupported(here(at), "Responses take text, images and files")
	}
	return append(dst, '}'), nil
}

// appendItem appends what is no part of a message; thoughts that OpenAI cannot read are left out.
func appendItem(list *scan.List, dst []byte, role chat.Role, p *chat.Part, at int) ([]byte, error) {
	var l scan.List
	switch {
	case p.Kind == chat.ToolResult && role == chat.User:
		dst = l.String(append(list.Next(dst), '{'), "type", "function_call_output")
		dst = l.String(dst, "call_id", p.Result.CallID)
		dst = l.Name(dst, "output")
		if parts := p.Result.Parts; len(parts) == 0 || len(parts) == 1 && parts[0].Kind == chat.Text {
			text := ""
			if len(parts) == 1 {
				text = parts[0].Text
			}
			return append(jsonscan.AppendString(dst, text), '}'), nil
		}
		dst, err := appendContent(dst, role, p.Result.Parts, at)
		return append(dst, '}'), err
	case role != chat.Assistant:
	case p.Kind == chat.ToolCall:
		dst = l.String(append(list.Next(dst), '{'), "type", "function_call")
		dst = l.String(dst, "call_id", p.Call.ID)
		dst = l.String(dst, "name", p.Call.Name)
		return append(l.String(dst, "arguments", p.Call.Arguments), '}'), nil
	case p.Kind != chat.Thinking && p.Kind != chat.Redacted:
	case p.Signature == "" || p.Origin != openai.OriginOpenAI:
		return dst, nil
	default:
		dst = l.String(append(list.Next(dst), '{'), "type", "reasoning")
		dst = append(l.Name(dst, "summary"), '[')
		if p.Kind == chat.Thinking {
			dst = append(jsonscan.AppendString(append(dst, `{"type":"summary_text","text":`...), p.Text), '}')
		}
		dst = append(dst, ']')
		return append(l.String(dst, "encrypted_content", p.Signature), '}'), nil
	}
	return dst, chat.Unsupported(here(at), "a part of it belongs into another message")
}

// here is the place of a message, as callers know it.
func here(i int) string { return "messages[" + strconv.Itoa(i) + "].content" }
