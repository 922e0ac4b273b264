package anthropic

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// system is a text or text blocks.
func (p *parser) system() error {
	switch p.Kind() {
	case 'n':
		return p.Skip()
	case '"':
		parts, err := p.plain()
		p.systemPrompt = parts
		return err
	case '[':
		p.top = true
		_, err := p.Array(func(int) error {
			part, err := p.readBlock()
			if err == nil && part.Kind != chat.Text {
				err = refuse("system", "system has blocks of type text only")
			}
			p.systemPrompt = append(p.systemPrompt, part)
			return err
		})
		p.top = false
		return err
	default:
		return refuse("system", "system is a string or an array of text blocks")
	}
}

// plain reads a text as the parts that it is: one, or none if it is empty.
func (p *parser) plain() ([]chat.Part, error) {
	raw, _, err := p.Value()
	if err != nil || len(raw) == len(`""`) {
		return nil, err
	}
	return []chat.Part{{Kind: chat.Text, Text: jsonscan.Unquoted(raw)}}, nil
}

func (p *parser) messages() error {
	is, err := p.Array(func(i int) error {
		if i == MaxMessages {
			return refuse("messages", "messages has more than %d elements", MaxMessages)
		}
		p.turns = true
		p.message = i
		defer func() { p.message = -1 }()
		return p.readMessage()
	})
	if err == nil && !is {
		err = refuse("messages", "messages is an array")
	}
	return err
}

func (p *parser) readMessage() error {
	var m chat.Message
	var role string
	content := false
	is, err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "role":
			return p.need("role", &role)
		case "content":
			content = true
			m.Parts, err = p.content()
			return err
		}
		return p.unknown("messages.", name, "role", "content")
	})
	m.Role = chat.Role(role)
	switch {
	case err != nil:
		return err
	case !is:
		return refuse("messages", "a message is an object")
	case m.Role != chat.User && m.Role != chat.Assistant:
		return refuse(p.path("role"), "role is user or assistant")
	case !content:
		return refuse(p.path("content"), "content is a string or an array of blocks")
	}
	for i := range m.Parts {
		if p.block = i; !belongs(m.Role, m.Parts[i].Kind) {
			return refuse(p.path("type"), "a message of this role has no such block")
		}
	}
	p.block = -1
	p.request.Messages = append(p.request.Messages, m)
	return nil
}

// belongs says whether a part can stand in a message of a role.
func belongs(role chat.Role, kind chat.PartKind) bool {
	switch kind {
	case chat.Thinking, chat.Redacted, chat.ToolCall:
		return role == chat.Assistant
	case chat.File, chat.ToolResult:
		return role == chat.User
	default:
		return true // a picture may be an answer of another dialect's vendor
	}
}

// content is a text or blocks, of a message or of the result of a tool.
func (p *parser) content() (parts []chat.Part, err error) {
	switch p.Kind() {
	case '"':
		return p.plain()
	case '[':
		_, err := p.Array(func(i int) error {
			if !p.result {
				p.block = i
			}
			part, err := p.readBlock()
			if err == nil && part.Kind == chat.Redacted && signCall(parts, part.Signature) {
				return nil
			}
			parts = append(parts, part)
			return err
		})
		if !p.result {
			p.block = -1
		}
		return parts, err
	default:
		return nil, refuse(p.path("content"), "content is a string or an array of blocks")
	}
}
