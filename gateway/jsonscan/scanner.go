package jsonscan

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// Scanner goes through one text after another, never two at once. The zero value is ready. What it gives are parts of the text, which must
// not change. Errors are invalid_request, and repeat nothing of the text.
type Scanner struct {
	dec   jsontext.Decoder
	buf   bytes.Buffer
	text  []byte
	name  []byte // scratch of names with escapes
	named Span
	last  Span
}

// Strict begins a text that a caller sent: valid UTF-8, and no name twice in an object, because whoever reads the second one would be
// asked for something else than what was admitted.
func (s *Scanner) Strict(text []byte) {
	s.text, s.buf = text, *bytes.NewBuffer(text) // from a bytes.Buffer the decoder reads in place and changes nothing
	s.dec.Reset(&s.buf)
}

// Lenient begins a text that a vendor sent: the caller's client is the judge of it.
func (s *Scanner) Lenient(text []byte) {
	s.text, s.buf = text, *bytes.NewBuffer(text)
	s.dec.Reset(&s.buf, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Drop forgets the text.
func (s *Scanner) Drop() {
	s.text, s.buf = nil, bytes.Buffer{}
	s.dec.Reset(&s.buf)
}

// Text is what the scanner goes through.
func (s *Scanner) Text() []byte { return s.text }

// Kind says what comes next: one of { } [ ] " 0 t f n, or 0 if it is no JSON.
func (s *Scanner) Kind() jsontext.Kind { return s.dec.PeekKind() }

// At is where the scanner stands: behind what was read last.
func (s *Scanner) At() int { return int(s.dec.InputOffset()) }

// Named is where the name of the member stands whose value comes next.
func (s *Scanner) Named() Span { return s.named }

// Last is where the object stands that was left last.
func (s *Scanner) Last() Span { return s.last }

// Pointer is where the value stands that was read last.
func (s *Scanner) Pointer() jsontext.Pointer { return s.dec.StackPointer() }

// Value reads one value whole.
func (s *Scanner) Value() (jsontext.Value, Span, error) {
	v, err := s.dec.ReadValue()
	if err != nil {
		return nil, Span{}, s.broken(err)
	}
	end := s.At()
	return v, Span{end - len(v), end}, nil
}

// Skip goes over one value.
func (s *Scanner) Skip() error {
	if _, err := s.dec.ReadValue(); err != nil {
		return s.broken(err)
	}
	return nil
}

// Step goes over one token.
func (s *Scanner) Step() error {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.broken(err)
	}
	return nil
}

// Enter goes into an object or array, if that is what comes; otherwise it goes over the value.
func (s *Scanner) Enter(kind jsontext.Kind) (bool, error) {
	if s.Kind() == kind {
		return true, s.Step()
	}
	return false, s.Skip()
}

// Member reads the next name of an object that was entered, or leaves it when there is no more. The name is good until the next one.
func (s *Scanner) Member() (name []byte, at Span, more bool, err error) {
	if s.Kind() == '}' {
		return nil, Span{}, false, s.Step()
	}
	raw, at, err := s.Value()
	if err != nil {
		return nil, Span{}, false, err
	}
	s.named = at
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], at, true, nil
	}
	// The decoder has found the string to be one, so that nothing is left to go wrong.
	s.name, _ = jsontext.AppendUnquote(s.name[:0], raw)
	return s.name, at, true, nil
}

// Element says whether an array that was entered has another element, and leaves it if not.
func (s *Scanner) Element() (more bool, err error) {
	if s.Kind() == ']' {
		return false, s.Step()
	}
	return true, nil
}

// Object goes through an object, if that is what comes, and over any other value. See Members.
func (s *Scanner) Object(member func(name []byte) error) (is bool, err error) {
	if s.Kind() != '{' {
		return false, s.Skip()
	}
	return true, s.Members(member)
}

// Members goes through an object, which comes. member reads a value; its name is good until then.
func (s *Scanner) Members(member func(name []byte) error) error {
	if err := s.Step(); err != nil {
		return err
	}
	from := s.At() - 1
	for {
		name, _, more, err := s.Member()
		if err != nil {
			return err
		}
		if !more {
			s.last = Span{from, s.At()}
			return nil
		}
		if err := member(name); err != nil {
			return err
		}
	}
}

// Array goes through an array, if that is what comes, and over any other value. See Elements.
func (s *Scanner) Array(element func(i int) error) (is bool, err error) {
	if s.Kind() != '[' {
		return false, s.Skip()
	}
	return true, s.Elements(element)
}

// Elements goes through an array, which comes. element reads one.
func (s *Scanner) Elements(element func(i int) error) error {
	if err := s.Step(); err != nil {
		return err
	}
	for i := 0; s.Kind() != ']'; i++ {
		if err := element(i); err != nil {
			return err
		}
	}
	return s.Step()
}

// Whole goes through a text that is one object.
func (s *Scanner) Whole(member func(name []byte) error) error {
	if kind := s.Kind(); kind != '{' && kind != 0 {
		return domain.Errorf(domain.CodeInvalid, "the body is not a JSON object")
	}
	if _, err := s.Object(member); err != nil {
		return err
	}
	return s.End()
}

// End makes sure that nothing comes after what was read.
func (s *Scanner) End() error {
	if rest := bytes.TrimLeft(s.dec.UnreadBuffer(), " \t\r\n"); len(rest) > 0 {
		return s.broken(nil)
	}
	return nil
}

// broken says what is wrong with the JSON, without repeating any of it.
func (s *Scanner) broken(cause error) error {
	switch {
	case errors.Is(cause, jsontext.ErrDuplicateName):
		return domain.Errorf(domain.CodeInvalid, "the body has the same name twice in one object (near byte %d)", s.At())
	case !utf8.Valid(s.text):
		return domain.Errorf(domain.CodeInvalid, "the body is not valid UTF-8")
	}
	return domain.Errorf(domain.CodeInvalid, "the body is not valid JSON (near byte %d)", s.At())
}

// Unquoted is the text of a JSON string that was read before; broken UTF-8 in it is replaced.
func Unquoted(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	text, _ := jsontext.AppendUnquote(nil, raw)
	return string(text)
}

// AppendString appends a JSON string; broken UTF-8 is replaced.
func AppendString(dst []byte, text string) []byte {
	n := len(dst)
	if quoted, err := jsontext.AppendQuote(dst, text); err == nil || len(quoted) > n {
		return quoted
	}
	return append(dst[:n], `""`...)
}
