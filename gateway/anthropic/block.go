package anthropic

import (
	"bytes"

	"github.com/massrouter/massrouter/gateway/chat"
)

// block is a block of a vendor's content as far as this gateway knows such.
type block struct {
	kind string // its type
	text string // text or thinking
	id   string
	name string
	data string // of redacted_thinking
	sign string // of thinking
	json []byte // input, a part of the body
}

// block reads one; wrong types leave a member empty.
func (s *scanner) block() (block, bool, error) {
	var b block
	is, err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			return s.text(&b.kind)
		case "text", "thinking":
			return s.text(&b.text)
		case "id":
			return s.text(&b.id)
		case "name":
			return s.text(&b.name)
		case "data":
			return s.text(&b.data)
		case "signature":
			return s.text(&b.sign)
		case "input":
			b.json, _, err = s.Value()
			return err
		}
		return s.Skip()
	})
	return b, is, err
}

// header is the part without the text that deltas bring. ok is false for blocks that have no place in the canonical form: the
// vendor's own tools, which no canonical request asks for.
func (b *block) header() (p chat.Part, ok bool) {
	switch b.kind {
	case "text":
		return chat.Part{Kind: chat.Text}, true
	case "thinking":
		return chat.Part{Kind: chat.Thinking, Origin: Origin}, true
	case "redacted_thinking":
		return chat.Part{Kind: chat.Redacted, Origin: Origin}, true
	case "tool_use":
		return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: b.id, Name: b.name}}, true
	}
	return chat.Part{}, false
}

// arguments is a call's input as text, "" while it is empty.
func (b *block) arguments() string {
	if b.json == nil || string(bytes.Trim(b.json, "{} \t\r\n")) == "" || string(b.json) == "null" {
		return ""
	}
	return string(b.json)
}

// part is the whole part.
func (b *block) part() (p chat.Part, ok bool) {
	if p, ok = b.header(); !ok {
		return p, false
	}
	switch p.Kind {
	case chat.ToolCall:
		if p.Call.Arguments = b.arguments(); p.Call.Arguments == "" {
			p.Call.Arguments = "{}"
		}
	case chat.Redacted:
		p.Signature = b.data
	default:
		p.Text, p.Signature = b.text, b.sign
	}
	return p, true
}
