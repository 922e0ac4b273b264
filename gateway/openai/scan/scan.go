// Package scan reads JSON that lies in memory, member by member and without building a tree of it.
package scan

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// Scanner reads one body after another. The zero value is ready. Null counts as a value that is not given: it gives zero
// values. Values of another type than the one asked for are refused when the body is a caller's, and count as not given when
// it is a vendor's.
type Scanner struct {
	dec    jsontext.Decoder
	buf    bytes.Buffer
	body   []byte
	name   []byte // scratch of names with escapes
	strict bool
}

// Strict begins to read what a caller sent: valid UTF-8, and no name twice in an object. Errors are invalid_request, with the
// detail "param" where one parameter is to blame.
func (s *Scanner) Strict(body []byte) {
	s.body, s.buf, s.strict = body, *bytes.NewBuffer(body), true // from a bytes.Buffer the decoder reads in place
	s.dec.Reset(&s.buf)
}

// Lenient begins to read what a vendor sent.
func (s *Scanner) Lenient(body []byte) {
	s.body, s.buf, s.strict = body, *bytes.NewBuffer(body), false
	s.dec.Reset(&s.buf, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Drop forgets the body.
func (s *Scanner) Drop() {
	s.body, s.buf = nil, bytes.Buffer{}
	s.dec.Reset(&s.buf)
}

// Kind says what comes next: one of { [ " 0 t f n, or 0 if it is no JSON.
func (s *Scanner) Kind() jsontext.Kind { return s.dec.PeekKind() }

// Raw reads a value as it stands; it is a part of the body. Null is nil.
func (s *Scanner) Raw() (jsontext.Value, error) {
	v, err := s.dec.ReadValue()
	switch {
	case err != nil:
		return nil, s.broken(err)
	case v.Kind() == 'n':
		return nil, nil
	}
	return v, nil
}

// Skip goes over a value.
func (s *Scanner) Skip() error {
	if err := s.dec.SkipValue(); err != nil {
		return s.broken(err)
	}
	return nil
}

// Object reads an object. member reads the value of each of its members; the name is good until something is read.
func (s *Scanner) Object(member func(name []byte) error) error {
	if s.dec.PeekKind() != '{' {
		return s.other("an object")
	}
	if err := s.step(); err != nil {
		return err
	}
	for s.dec.PeekKind() != '}' {
		raw, err := s.dec.ReadValue()
		if err != nil {
			return s.broken(err)
		}
		name := []byte(raw[1 : len(raw)-1])
		if bytes.IndexByte(name, '\\') >= 0 {
			// The decoder has found it to be a string, so that nothing is left to go wrong.
			s.name, _ = jsontext.AppendUnquote(s.name[:0], raw)
			name = s.name
		}
		if err := member(name); err != nil {
			return err
		}
	}
	return s.step()
}

// Array reads an array; element reads each of its elements.
func (s *Scanner) Array(element func(i int) error) error {
	if s.dec.PeekKind() != '[' {
		return s.other("an array")
	}
	if err := s.step(); err != nil {
		return err
	}
	for i := 0; s.dec.PeekKind() != ']'; i++ {
		if err := element(i); err != nil {
			return err
		}
	}
	return s.step()
}

// String reads a string; broken UTF-8 in it is replaced.
func (s *Scanner) String() (string, error) {
	if s.dec.PeekKind() != '"' {
		return "", s.other("a string")
	}
	raw, err := s.dec.ReadValue()
	if err != nil {
		return "", s.broken(err)
	}
	return Unquoted(raw), nil
}

// Number reads a number as it is written.
func (s *Scanner) Number() (string, error) {
	if s.dec.PeekKind() != '0' {
		return "", s.other("a number")
	}
	raw, err := s.dec.ReadValue()
	if err != nil {
		return "", s.broken(err)
	}
	return string(raw), nil
}

// Bool reads a truth value; nil is none.
func (s *Scanner) Bool() (*bool, error) {
	kind := s.dec.PeekKind()
	if kind != 't' && kind != 'f' {
		return nil, s.other("true or false")
	}
	if err := s.step(); err != nil {
		return nil, err
	}
	yes := kind == 't'
	return &yes, nil
}

// Whole reads a whole number from least to most; given is false for none.
func (s *Scanner) Whole(least, most int64) (n int64, given bool, err error) {
	if s.dec.PeekKind() != '0' {
		return 0, false, s.other("a whole number")
	}
	raw, err := s.dec.ReadValue()
	if err != nil {
		return 0, false, s.broken(err)
	}
	n, err = strconv.ParseInt(string(raw), 10, 64)
	switch {
	case bytes.ContainsAny(raw, ".eE"):
		return 0, false, s.wrong("a whole number")
	case err != nil || n < least || n > most:
		return 0, false, s.wrong("between " + strconv.FormatInt(least, 10) + " and " + strconv.FormatInt(most, 10))
	}
	return n, true, nil
}

// End makes sure that nothing comes after what was read.
func (s *Scanner) End() error {
	if rest := bytes.TrimLeft(s.dec.UnreadBuffer(), " \t\r\n"); len(rest) > 0 {
		return s.broken(nil)
	}
	return nil
}

// Refuse refuses the value that was read last.
func (s *Scanner) Refuse(format string, args ...any) *domain.Error {
	e := domain.Errorf(domain.CodeInvalid, format, args...)
	if at := s.Here(); at != "" {
		e = e.With("param", at)
	}
	return e
}

// Here is where the value stands that was read last, such as messages[2].content.
func (s *Scanner) Here() string {
	var path strings.Builder
	for token := range s.dec.StackPointer().Tokens() {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil {
			path.WriteString("[" + token + "]")
			continue
		}
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		path.WriteString(token)
	}
	return path.String()
}

func (s *Scanner) step() error {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.broken(err)
	}
	return nil
}

// other goes over a value that is not of the wanted type.
func (s *Scanner) other(wanted string) error {
	kind := s.dec.PeekKind()
	if err := s.Skip(); err != nil || kind == 'n' {
		return err
	}
	return s.wrong(wanted)
}

func (s *Scanner) wrong(wanted string) error {
	if !s.strict {
		return nil
	}
	at := s.Here()
	if at == "" {
		return domain.Errorf(domain.CodeInvalid, "the body is not %s", strings.Replace(wanted, "an object", "a JSON object", 1))
	}
	return s.Refuse("%s is not %s", at, wanted)
}

// broken says what is wrong with the JSON, without repeating any of it.
func (s *Scanner) broken(cause error) error {
	switch {
	case errors.Is(cause, jsontext.ErrDuplicateName):
		return domain.Errorf(domain.CodeInvalid, "the body has the same name twice in one object (near byte %d)", s.dec.InputOffset())
	case !utf8.Valid(s.body):
		return domain.Errorf(domain.CodeInvalid, "the body is not valid UTF-8")
	}
	return domain.Errorf(domain.CodeInvalid, "the body is not valid JSON (near byte %d)", s.dec.InputOffset())
}

// Unquoted is the text of a JSON string.
func Unquoted(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	text, _ := jsontext.AppendUnquote(nil, raw) // found to be a string before; broken UTF-8 comes out replaced
	return string(text)
}
