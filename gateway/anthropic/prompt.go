package anthropic

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Prompt gathers what an estimate of the prompt's tokens needs. It walks the body again, because nearly no call needs it.
func (s *Scanner) Prompt(q *Request) (meter.Prompt, error) {
	s.Strict(q.body)
	defer s.Drop()
	p := prompt{Scanner: s}
	if err := s.Whole(p.parameter); err != nil {
		return meter.Prompt{}, err
	}
	return meter.Prompt{Text: p.text.String(), Messages: int64(q.messages), Images: q.images}, nil
}

type prompt struct {
	*Scanner
	text strings.Builder
}

func (p *prompt) parameter(name []byte) error {
	switch string(name) {
	case "system":
		return p.content()
	case "messages":
		_, err := p.Array(func(int) error {
			_, err := p.Object(func(name []byte) error {
				if string(name) == "content" {
					return p.content()
				}
				return p.Skip()
			})
			return err
		})
		return err
	case "tools", "output_config":
		return p.add() // definitions reach the model in a form much like the one they are sent in
	}
	return p.Skip()
}

// content is a text or blocks.
func (p *prompt) content() error {
	if p.Kind() != '[' {
		return p.add()
	}
	_, err := p.Array(func(int) error {
		_, err := p.Object(p.block)
		return err
	})
	return err
}

func (p *prompt) block(name []byte) error {
	switch string(name) {
	case "text", "thinking", "name", "input":
		return p.add()
	case "content":
		return p.content()
	}
	return p.Skip()
}

// add takes a string's text, or any other value as it was sent.
func (p *prompt) add() error {
	raw, _, err := p.Value()
	switch {
	case err != nil || raw.Kind() == 'n':
		return err
	case raw.Kind() == '"':
		p.text.WriteString(jsonscan.Unquoted(raw))
	default:
		p.text.Write(raw)
	}
	return nil
}
