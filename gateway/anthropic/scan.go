package anthropic

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// span is a range of bytes of a body; the zero span is none.
type span struct{ from, to int }

func (s span) given() bool { return s.to > s.from }

// scanner walks through a body that lies in memory as a whole.
type scanner struct {
	dec  jsontext.Decoder
	buf  bytes.Buffer
	body []byte
	name []byte // scratch of names with escapes
	last span   // where the object stands that was left last
}

// strict is for what callers send: valid UTF-8, and no name twice in an object, because whoever reads the second one would be
// asked for something else than what was admitted.
func (s *scanner) strict(body []byte) {
	s.body, s.buf = body, *bytes.NewBuffer(body) // from a bytes.Buffer the decoder reads in place and changes nothing
	s.dec.Reset(&s.buf)
}

// lenient is for what vendors send.
func (s *scanner) lenient(body []byte) {
	s.body, s.buf = body, *bytes.NewBuffer(body)
	s.dec.Reset(&s.buf, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// drop forgets the body.
func (s *scanner) drop() {
	s.body, s.buf = nil, bytes.Buffer{}
	s.dec.Reset(&s.buf)
}

// kind is that of the next value; 0 when there is none.
func (s *scanner) kind() jsontext.Kind { return s.dec.PeekKind() }

// value reads one value whole; it is a part of the body.
func (s *scanner) value() (jsontext.Value, span, error) {
	v, err := s.dec.ReadValue()
	if err != nil {
		return nil, span{}, s.broken(err)
	}
	end := int(s.dec.InputOffset())
	return v, span{end - len(v), end}, nil
}

// skip goes over one value.
func (s *scanner) skip() error {
	_, _, err := s.value()
	return err
}

func (s *scanner) step() error {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.broken(err)
	}
	return nil
}

// object walks through an object, if that is what comes, and goes over the value if not. member reads the value of the name, which
// is good until then.
func (s *scanner) object(member func(name []byte) error) (is bool, err error) {
	if s.kind() != '{' {
		return false, s.skip()
	}
	if err := s.step(); err != nil {
		return true, err
	}
	from := int(s.dec.InputOffset()) - 1
	for {
		if s.kind() == '}' {
			err := s.step()
			s.last = span{from, int(s.dec.InputOffset())}
			return true, err
		}
		raw, _, err := s.value()
		if err != nil {
			return true, err
		}
		name := raw[1 : len(raw)-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			// The decoder has found the string to be one, so that nothing is left to go wrong.
			s.name, _ = jsontext.AppendUnquote(s.name[:0], raw)
			name = s.name
		}
		if err := member(name); err != nil {
			return true, err
		}
	}
}

// array walks through an array, if that is what comes, and goes over the value if not. element reads one.
func (s *scanner) array(element func(i int) error) (is bool, err error) {
	if s.kind() != '[' {
		return false, s.skip()
	}
	if err := s.step(); err != nil {
		return true, err
	}
	for i := 0; ; i++ {
		if s.kind() == ']' {
			return true, s.step()
		}
		if err := element(i); err != nil {
			return true, err
		}
	}
}

// text reads a string into to; anything else leaves it as it was.
func (s *scanner) text(to *string) error {
	raw, _, err := s.value()
	if err == nil && raw.Kind() == '"' {
		*to = unquoted(raw)
	}
	return err
}

// broken says what is wrong with the JSON, without repeating any of it.
func (s *scanner) broken(cause error) error {
	switch {
	case errors.Is(cause, jsontext.ErrDuplicateName):
		return domain.Errorf(domain.CodeInvalid, "the body has the same name twice in one object (near byte %d)", s.dec.InputOffset())
	case !utf8.Valid(s.body):
		return domain.Errorf(domain.CodeInvalid, "the body is not valid UTF-8")
	}
	return domain.Errorf(domain.CodeInvalid, "the body is not valid JSON (near byte %d)", s.dec.InputOffset())
}

// only makes sure that nothing comes after the body's value.
func (s *scanner) only() error {
	if rest := bytes.TrimLeft(s.dec.UnreadBuffer(), " \t\r\n"); len(rest) > 0 {
		return s.broken(nil)
	}
	return nil
}

// whole walks through a body that is one object.
func (s *scanner) whole(member func(name []byte) error) error {
	if kind := s.kind(); kind != '{' && kind != 0 {
		return domain.Errorf(domain.CodeInvalid, "the body is not a JSON object")
	}
	if _, err := s.object(member); err != nil {
		return err
	}
	return s.only()
}

// unquoted is the text of a JSON string.
func unquoted(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	text, _ := jsontext.AppendUnquote(nil, raw) // found to be a string before
	return string(text)
}

// appendText appends a JSON string; broken UTF-8 is replaced.
func appendText(dst []byte, text string) []byte {
	quoted, err := jsontext.AppendQuote(dst, text)
	if err != nil && len(quoted) == len(dst) {
		return append(dst, `""`...)
	}
	return quoted
}
