package gemini

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Answer is what the gateway has to know of an answer object that passes through: a whole answer, or an event of a stream. It
// refers to the body, which must not change.
type Answer struct {
	ID      string // the vendor's own
	Report  meter.Report
	Finish  chat.Finish // the last one that stands in it
	Native  string      // as the vendor calls it
	Failure *chat.Failure

	body             []byte
	id, model, usage jsonscan.Span
	veil             []jsonscan.Span // texts of thoughts that are left out
	close            int             // where the last brace stands
}

// Answer reads a whole answer or the data of an event; what was produced is added to p. An error means that it is neither, nor a
// vendor's error.
func (s *Scanner) Answer(body []byte, p *meter.Produced) (Answer, error) {
	s.Lenient(body)
	defer s.Drop()
	a := Answer{body: body}
	if s.Kind() != '{' {
		return a, domain.Errorf(domain.CodeInvalid, "the answer is not a JSON object")
	}
	shaped, block := false, ""
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "candidates":
			shaped = true
			next := 0
			err = s.array(func() error {
				next++
				return s.candidate(&a, next-1, p)
			})
		case "promptFeedback":
			shaped = true
			err = s.object(func(name []byte) (err error) {
				if string(name) != "blockReason" {
					return s.Skip()
				}
				block, err = s.text()
				return err
			})
		case "usageMetadata":
			shaped = true
			a.usage, err = s.report(&a.Report)
		case "responseId":
			a.ID, a.id, err = s.word()
		case "modelVersion":
			_, a.model, err = s.word()
		case "error":
			a.Failure, err = s.failure()
		default:
			err = s.Skip()
		}
		return err
	})
	a.close = s.At() - 1
	if a.Finish == "" && block != "" {
		a.Finish, a.Native = chat.ContentFilter, block
	}
	switch {
	case err != nil:
		return a, err
	case !shaped && a.Failure == nil:
		return a, domain.Errorf(domain.CodeInvalid, "the answer is not one of generateContent")
	}
	return a, s.End()
}

// word reads a string and says where it stands; "" for any other value.
func (s *Scanner) word() (string, jsonscan.Span, error) {
	v, at, err := s.Value()
	if err != nil || v.Kind() != '"' {
		return "", at, err
	}
	return jsonscan.Unquoted(v), at, nil
}

// candidate reads what a candidate brings. Its index may come after its content, which then counts for its place.
func (s *Scanner) candidate(a *Answer, index int, p *meter.Produced) error {
	native := ""
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "index":
			index, err = s.index(index)
		case "finishReason":
			native, err = s.text()
		case "groundingMetadata":
			err = s.grounding(&a.Report)
		case "content":
			calls := 0
			err = s.object(func(name []byte) error {
				if string(name) != "parts" {
					return s.Skip()
				}
				return s.array(func() error { return s.produced(a, index, &calls, p) })
			})
		default:
			err = s.Skip()
		}
		return err
	})
	if finish := finished(native, s.called); finish != "" {
		a.Finish, a.Native = finish, native
	}
	return err
}

// produced reads one part.
func (s *Scanner) produced(a *Answer, choice int, calls *int, p *meter.Produced) error {
	var said jsontext.Value
	var at jsonscan.Span
	kind := meter.Visible
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "text":
			said, at, err = s.Value()
		case "thought":
			var is bool
			if is, err = s.truth(); is {
				kind = meter.Reasoning
			}
		case "functionCall":
			s.called = true
			*calls++
			err = s.callProduced(choice, *calls-1, p)
		case "inlineData", "fileData":
			p.Mark()
			err = s.Skip()
		default:
			err = s.Skip()
		}
		return err
	})
	if err == nil && said.Kind() == '"' {
		p.Add(choice, 0, kind, said)
		if s.hide && kind == meter.Reasoning {
			a.veil = append(a.veil, at)
		}
	}
	return err
}

func (s *Scanner) callProduced(choice, call int, p *meter.Produced) error {
	return s.object(func(name []byte) error {
		wanted := string(name)
		v, _, err := s.Value()
		switch {
		case err != nil:
		case wanted == "name" && v.Kind() == '"':
			p.Add(choice, call, meter.CallName, v)
		case wanted == "args" && v.Kind() == '{':
			s.quoted, _ = jsontext.AppendQuote(s.quoted[:0], v) // broken UTF-8 is replaced
			p.Add(choice, call, meter.CallArguments, s.quoted)
		}
		return err
	})
}
