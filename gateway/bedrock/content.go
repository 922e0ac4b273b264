package bedrock

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
)

// block is a piece of content, whole or in a stream, as far as this gateway knows such. Its kind is the name of its one member.
type block struct {
	kind     chat.PartKind
	text     string
	sign     string // of reasoning
	redacted string // base64
	id, name string // of a call
	input    jsontext.Value
	piece    string // of a call's arguments, in a stream
}

// read reads one; wrong types leave a member empty.
func (b *block) read(s *scanner) error {
	_, err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "text":
			b.kind = chat.Text
			return s.text(&b.text)
		case "reasoningContent":
			return b.reasoning(s)
		case "toolUse":
			b.kind = chat.ToolCall
			_, err = s.Object(func(name []byte) error { return b.call(s, name) })
			return err
		}
		return s.Skip()
	})
	return err
}

// reasoning reads what is reasoningText in an answer and a part of it in a stream.
func (b *block) reasoning(s *scanner) error {
	if b.kind == 0 {
		b.kind = chat.Thinking
	}
	_, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "reasoningText":
			return b.reasoning(s)
		case "text":
			return s.text(&b.text)
		case "signature":
			return s.text(&b.sign)
		case "redactedContent":
			b.kind = chat.Redacted
			return s.text(&b.redacted)
		}
		return s.Skip()
	})
	return err
}

func (b *block) call(s *scanner, name []byte) (err error) {
	switch string(name) {
	case "toolUseId":
		return s.text(&b.id)
	case "name":
		return s.text(&b.name)
	case "input":
		if s.Kind() == '"' {
			return s.text(&b.piece)
		}
		b.input, _, err = s.Value()
		return err
	}
	return s.Skip()
}

// header is the part without the text that deltas bring.
func (b *block) header() chat.Part {
	switch b.kind {
	case chat.ToolCall:
		return chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: b.id, Name: b.name}}
	case chat.Thinking, chat.Redacted:
		return chat.Part{Kind: b.kind, Origin: Origin}
	default:
		return chat.Part{Kind: b.kind}
	}
}

// addBlock reads a block of an answer. What has no place in the canonical form (citations, results of the vendor's own tools), and no canonical
// request asks for, is passed over.
func addBlock(s *scanner, c *chat.Choice) error {
	var b block
	if err := b.read(s); err != nil || b.kind == 0 {
		return err
	}
	p := b.header()
	switch p.Kind {
	case chat.ToolCall:
		p.Call.Arguments = b.arguments()
	case chat.Redacted:
		p.Signature = b.redacted
	default:
		p.Text, p.Signature = b.text, b.sign
	}
	c.Parts = append(c.Parts, p)
	return nil
}

// arguments are a whole call's input as text.
func (b *block) arguments() string {
	switch {
	case b.input == nil || b.input.Kind() == 'n':
		return "{}"
	case len(bytes.Trim(b.input, "{} \t\r\n")) == 0:
		return "{}"
	}
	return string(b.input)
}
