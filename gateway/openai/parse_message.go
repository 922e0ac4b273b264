package openai

import (
	"github.com/massrouter/massrouter/gateway/chat"
)

// said is a message as it stands, before its role says what it means.
type said struct {
	role, name, callID string
	content            []chat.Part
	message            // thoughts, refusal, calls, pictures
}

// message reads a message. The messages of tools that follow one another become one message.
func (p *parser) message(int) error {
	m := new(said)
	if err := p.Object(func(name []byte) error { return p.messageMember(m, name) }); err != nil {
		return err
	}
	r := p.Request
	switch m.role {
	case "system", "developer":
		r.Messages = append(r.Messages, chat.Message{Role: chat.System, Name: m.name, Parts: m.content})
	case "user":
		r.Messages = append(r.Messages, chat.Message{Role: chat.User, Name: m.name, Parts: m.content})
	case "assistant":
		r.Messages = append(r.Messages, chat.Message{Role: chat.Assistant, Name: m.name, Parts: p.assistant(m)})
		return nil
	case "tool":
		return p.result(m)
	case "":
		return p.Refuse("a message needs a role")
	case "function":
		return p.Cannot("functions were replaced by tools")
	default:
		return p.Refuse("the role of a message is system, developer, user, assistant or tool")
	}
	if len(m.calls) > 0 {
		return p.Refuse("only the assistant's messages have tool_calls")
	}
	return nil
}

func (p *parser) messageMember(m *said, name []byte) (err error) {
	switch string(name) {
	case "role":
		m.role, err = p.String()
	case "name":
		m.name, err = p.String()
	case "content":
		m.content, err = p.content()
	case "tool_call_id":
		m.callID, err = p.String()
	case "refusal":
		m.refusal, err = p.String()
	case "tool_calls":
		err = p.Array(func(int) error { return p.call(m) })
	case "reasoning", "reasoning_content":
		thought, readErr := p.String()
		if err = readErr; m.thought == "" {
			m.thought = thought
		}
	case "reasoning_details":
		err = p.Array(func(int) error {
			d, err := readDetail(&p.Scanner)
			m.details = append(m.details, d)
			return err
		})
	case "images":
		err = p.Array(func(int) error { return p.Object(func(name []byte) error { return p.picture(m, name) }) })
	case "audio":
		err = p.RefuseGiven("an earlier answer's sound is known to its vendor only")
	case "function_call":
		err = p.RefuseGiven("functions were replaced by tools")
	case "annotations", "model", "id": // of an answer that is sent back as it came
		err = p.Skip()
	default:
		err = p.Inner("messages", name)
	}
	return err
}

// assistant puts a message of the model together, in the order in which a model comes to its parts.
func (p *parser) assistant(m *said) []chat.Part {
	parts, signatures := m.thoughts()
	parts = append(parts, m.content...)
	if m.refusal != "" {
		parts = append(parts, chat.Part{Kind: chat.Refusal, Text: m.refusal})
	}
	for i := range m.calls {
		c := &m.calls[i]
		part := chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: c.id, Name: c.name, Arguments: c.arguments}}
		if signed, ok := signatures[c.id]; ok {
			part.Signature, part.Origin = signed.Signature, signed.Origin
		}
		parts = append(parts, part)
		if p.names == nil {
			p.names = make(map[string]string)
		}
		p.names[c.id] = c.name
	}
	return append(parts, m.images...)
}

// result takes what a tool gave.
func (p *parser) result(m *said) error {
	if m.callID == "" {
		return p.Refuse("a tool's message needs a tool_call_id")
	}
	part := chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: m.callID, Name: m.name, Parts: m.content}}
	if part.Result.Name == "" {
		part.Result.Name = p.names[m.callID]
	}
	if n := len(m.content) - 1; n >= 0 {
		part.CacheTTL, m.content[n].CacheTTL = m.content[n].CacheTTL, ""
	}
	for i := range m.content {
		switch m.content[i].Kind {
		case chat.Text, chat.Image, chat.File:
		case chat.Refusal, chat.Audio, chat.Thinking, chat.Redacted, chat.ToolCall, chat.ToolResult:
			return p.Cannot("a tool gives text, images and files")
		}
	}
	r := p.Request
	if n := len(r.Messages) - 1; n >= 0 && r.Messages[n].Role == chat.User && onlyResults(r.Messages[n].Parts) {
		r.Messages[n].Parts = append(r.Messages[n].Parts, part)
		return nil
	}
	r.Messages = append(r.Messages, chat.Message{Role: chat.User, Parts: []chat.Part{part}})
	return nil
}

func onlyResults(parts []chat.Part) bool {
	for i := range parts {
		if parts[i].Kind != chat.ToolResult {
			return false
		}
	}
	return len(parts) > 0
}

// call reads a call of an earlier answer.
func (p *parser) call(m *said) error {
	var c callPiece
	kind := "function"
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			c.id, err = p.String()
		case "type":
			kind, err = p.String()
		case "function":
			err = p.Object(func(name []byte) (err error) {
				switch string(name) {
				case "name":
					c.name, err = p.String()
				case "arguments":
					c.arguments, err = p.String()
				default:
					err = p.Inner("messages.tool_calls.function", name)
				}
				return err
			})
		case "custom":
			err = p.RefuseGiven("only functions can be called")
		case "index": // of a stream that was put together
			err = p.Skip()
		default:
			err = p.Inner("messages.tool_calls", name)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case kind != "function":
		return p.Cannot("only functions can be called")
	case c.id == "" || c.name == "":
		return p.Refuse("a tool call needs an id and its function a name")
	}
	m.calls = append(m.calls, c)
	return nil
}

// picture reads a picture that an earlier answer had.
func (p *parser) picture(m *said, name []byte) error {
	if string(name) != "image_url" {
		return p.Skip()
	}
	media, err := p.imageURL()
	if err == nil && media != nil {
		m.images = append(m.images, chat.Part{Kind: chat.Image, Media: media})
	}
	return err
}
