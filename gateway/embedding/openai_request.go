package embedding

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

func (q *Request) readOpenAI() error {
	var s scan.Scanner
	s.Strict(q.body)
	defer s.Drop()
	if err := s.Object(func(name []byte) error { return q.member(&s, name) }); err != nil {
		return err
	}
	if err := s.End(); err != nil {
		return err
	}
	switch {
	case q.Model == "":
		return scan.Refuse("model", "model is required")
	case len(q.inputs) == 0:
		return scan.Refuse("input", "input is required and not empty")
	}
	return nil
}

// member reads one member.
func (q *Request) member(s *scan.Scanner, name []byte) (err error) {
	switch string(name) {
	case "model":
		var at jsonscan.Span
		q.Model, at, err = s.Model()
		q.names = []jsonscan.Span{at}
	case "input":
		return q.readInput(s)
	case "encoding_format":
		var format string
		if format, err = s.String(); err == nil && format != "" && format != "float" && format != "base64" {
			err = scan.Refuse("encoding_format", "encoding_format is float or base64")
		}
		q.base64 = format == "base64"
	case "dimensions":
		q.dimensions, _, err = s.Whole(1, MaxDimensions)
	case "input_type":
		var text string
		text, err = s.String()
		if q.purpose = purpose(text); text != "" && q.purpose.gemini() == "" {
			q.without("input_type")
		}
	default:
		if chat.Steers(name) {
			return q.steer(s, string(name), 0)
		}
		if err = s.Lookalike(name, "model", "input", "provider", "encoding_format", "dimensions", "input_type"); err != nil {
			return err
		}
		if s.Kind() != 'n' {
			q.without(string(name))
		}
		err = s.Skip()
	}
	return err
}

// readInput reads a text, a list of texts, a list of tokens, a list of such lists, or OpenRouter's list of objects with parts.
func (q *Request) readInput(s *scan.Scanner) error {
	if s.Kind() != '[' {
		return q.element(s, 0)
	}
	tokens := int64(0)
	err := s.Array(func(i int) error {
		if s.Kind() == '0' {
			tokens++
			return token(s)
		}
		if i >= MaxInputs {
			return scan.Refuse("input", "input has at most %d elements", MaxInputs)
		}
		return q.element(s, i)
	})
	switch {
	case err != nil:
		return err
	case tokens == 0:
		return nil
	case len(q.inputs) > 0:
		return scan.Refuse("input", "input has either tokens or texts")
	}
	q.inputs = append(q.inputs, input{tokens: tokens, other: "input"})
	return nil
}

// element reads one of the inputs.
func (q *Request) element(s *scan.Scanner, i int) error {
	name := "input[" + strconv.Itoa(i) + "]"
	switch s.Kind() {
	case '"':
		raw, err := s.Raw()
		if err == nil && len(raw) <= len(`""`) {
			err = scan.Refuse(name, "%s is an empty text", name)
		}
		q.inputs = append(q.inputs, input{texts: []jsontext.Value{raw}})
		return err
	case '[':
		tokens := int64(0)
		err := s.Array(func(int) error {
			tokens++
			return token(s)
		})
		if err == nil && tokens == 0 {
			err = scan.Refuse(name, "%s is an empty list", name)
		}
		q.inputs = append(q.inputs, input{tokens: tokens, other: name})
		return err
	case '{':
		in := input{other: name}
		err := q.multimodal(s, &in)
		q.inputs = append(q.inputs, in)
		return err
	default:
		if err := s.Skip(); err != nil {
			return err
		}
		return scan.Refuse(name, "%s is neither a text nor a list of tokens", name)
	}
}

// token goes over one token.
func token(s *scan.Scanner) error {
	if s.Kind() != '0' {
		if err := s.Skip(); err != nil {
			return err
		}
		return s.Refuse("%s is not a token", s.Here())
	}
	raw, err := s.Raw()
	if err == nil && bytes.ContainsAny(raw, ".eE-") {
		err = s.Refuse("%s is not a token", s.Here())
	}
	return err
}

// multimodal weighs the parts of an input that is not only text.
func (q *Request) multimodal(s *scan.Scanner, in *input) error {
	name, parts := in.other, 0
	err := s.Object(func(member []byte) error {
		if string(member) != "content" {
			return s.Skip()
		}
		return s.Array(func(i int) error {
			if parts++; i == maxParts {
				return scan.Refuse(name+".content", "an input has at most %d parts", maxParts)
			}
			return q.part(s, in)
		})
	})
	if err == nil && parts == 0 {
		err = scan.Refuse(name+".content", "%s.content is required and not empty", name)
	}
	return err
}

// part weighs one part: a text is bounded by its bytes, an image by what an image may have, anything else by nothing.
func (q *Request) part(s *scan.Scanner, in *input) error {
	raw, err := s.Raw()
	if err != nil {
		return err
	}
	var kind string
	var inner scan.Scanner
	inner.Strict(raw)
	defer inner.Drop()
	url := 0
	err = inner.Object(func(member []byte) (err error) {
		switch string(member) {
		case "type":
			kind, err = inner.String()
		case "image_url":
			var value jsontext.Value
			value, err = inner.Raw()
			url = len(value)
		case "text":
			var value jsontext.Value
			if value, err = inner.Raw(); value.Kind() == '"' {
				in.texts = append(in.texts, value)
			}
		default:
			err = inner.Skip()
		}
		return err
	})
	switch kind {
	case "text":
	case "image_url":
		q.images, q.inline = q.images+1, q.inline+int64(url)
	default:
		q.opaque = true
	}
	if err != nil {
		return fmt.Errorf("read a part of an input: %w", err)
	}
	return nil
}

// appendOpenAI writes the texts for a vendor of OpenAI's form. Numbers are asked for as such: they keep their digits.
func (q *Request) appendOpenAI(dst []byte, model string) []byte {
	dst = jsonscan.AppendString(append(dst, `{"model":`...), model)
	dst = append(dst, `,"input":[`...)
	for i := range q.inputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, q.inputs[i].texts[0]...)
	}
	dst = append(dst, `],"encoding_format":"float"`...)
	if q.dimensions > 0 {
		dst = strconv.AppendInt(append(dst, `,"dimensions":`...), q.dimensions, 10)
	}
	return append(dst, '}')
}
