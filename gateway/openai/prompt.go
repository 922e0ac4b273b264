package openai

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Prompt gathers what an estimate of the prompt's tokens needs. It walks the body again, because nearly no call needs it.
func (r *Reader) Prompt(q *Request) (meter.Prompt, error) {
	r.Strict(q.body)
	defer r.Drop()
	p := prompt{reader: r}
	if err := p.object(p.parameter); err != nil {
		return meter.Prompt{}, err
	}
	return meter.Prompt{Text: p.text.String(), Messages: int64(q.messages), Images: q.images}, nil
}

type prompt struct {
	reader *Reader
	text   strings.Builder
}

// object walks through an object, if that is what comes.
func (p *prompt) object(member func(name string) error) error {
	if ok, err := p.reader.Enter('{'); err != nil || !ok {
		return err
	}
	for {
		name, _, more, err := p.reader.Member()
		if err != nil || !more {
			return err
		}
		if err := member(string(name)); err != nil {
			return err
		}
	}
}

// array walks through an array, if that is what comes.
func (p *prompt) array(element func() error) error {
	if ok, err := p.reader.Enter('['); err != nil || !ok {
		return err
	}
	for {
		more, err := p.reader.Element()
		if err != nil || !more {
			return err
		}
		if err := element(); err != nil {
			return err
		}
	}
}

func (p *prompt) parameter(name string) error {
	switch name {
	case "messages":
		return p.array(func() error { return p.object(p.message) })
	case "tools", "functions", "response_format":
		return p.add() // definitions reach the model in a form much like the one they are sent in
	}
	return p.reader.Skip()
}

func (p *prompt) message(name string) error {
	switch name {
	case "content":
		if p.reader.Kind() == '[' {
			return p.array(func() error { return p.object(p.part) })
		}
		return p.add()
	case "name", "tool_calls", "function_call", "refusal", "reasoning_content":
		return p.add()
	}
	return p.reader.Skip()
}

func (p *prompt) part(name string) error {
	if name == "text" || name == "refusal" {
		return p.add()
	}
	return p.reader.Skip()
}

// add takes a string's text, or any other value as it was sent.
func (p *prompt) add() error {
	raw, _, err := p.reader.Value()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case 'n':
		return nil
	case '"':
		p.text.WriteString(jsonscan.Unquoted(raw))
	default:
		p.text.Write(raw)
	}
	return nil
}
