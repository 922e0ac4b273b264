package gemini

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Prompt gathers what an estimate of the prompt's tokens needs. It walks the body again, because nearly no call needs it.
func (s *Scanner) Prompt(q *Request) (meter.Prompt, error) {
	s.begin(q.body)
	defer s.Drop()
	var text strings.Builder
	err := s.fields(func(name string) error {
		switch name {
		case "contents", "systemInstruction":
			return s.list(func(int) error { return s.spoken(&text) })
		case "tools":
			return s.add(&text) // definitions reach the model in a form much like the one they are sent in
		case "generationConfig":
			return s.fields(func(name string) error {
				if name == "responseSchema" || name == "responseJsonSchema" {
					return s.add(&text)
				}
				return s.Skip()
			})
		}
		return s.Skip()
	})
	return meter.Prompt{Text: text.String(), Messages: q.contents, Images: q.images}, err
}

// spoken adds the texts of a turn.
func (s *Scanner) spoken(text *strings.Builder) error {
	return s.fields(func(name string) error {
		if name != "parts" {
			return s.Skip()
		}
		return s.list(func(int) error {
			return s.fields(func(name string) error {
				switch name {
				case "text", "functionCall", "functionResponse", "executableCode", "codeExecutionResult":
					return s.add(text)
				}
				return s.Skip()
			})
		})
	})
}

// add takes a string's text, or any other value as it was sent.
func (s *Scanner) add(text *strings.Builder) error {
	v, _, err := s.Value()
	switch {
	case err != nil || v.Kind() == 'n':
	case v.Kind() == '"':
		text.WriteString(jsonscan.Unquoted(v))
	default:
		text.Write(v)
	}
	return err
}
