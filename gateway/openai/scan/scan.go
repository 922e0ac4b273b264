// Package scan reads and writes JSON as OpenAI's dialects want it: values of a wanted type, and refusals that name the parameter.
package scan

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Scanner reads one body after another. The zero value is ready. Null counts as a value that is not given: it gives zero
// values. Values of another type than the one asked for are refused when the body is a caller's, and count as not given when
// it is a vendor's.
type Scanner struct {
	jsonscan.Scanner
	strict bool
}

// Strict begins to read what a caller sent. Errors are invalid_request, with the detail "param" where one parameter is to blame.
func (s *Scanner) Strict(body []byte) {
	s.Scanner.Strict(body)
	s.strict = true
}

// Lenient begins to read what a vendor sent.
func (s *Scanner) Lenient(body []byte) {
	s.Scanner.Lenient(body)
	s.strict = false
}

// Raw reads a value as it stands; it is a part of the body. Null is nil.
func (s *Scanner) Raw() (jsontext.Value, error) {
	v, _, err := s.Value()
	if err != nil || v.Kind() == 'n' {
		return nil, err
	}
	return v, nil
}

// Object reads an object. member reads the value of each of its members; the name is good until something is read.
func (s *Scanner) Object(member func(name []byte) error) error {
	if s.Kind() != '{' {
		return s.other("an object")
	}
	return s.Members(member)
}

// Array reads an array; element reads each of its elements.
func (s *Scanner) Array(element func(i int) error) error {
	if s.Kind() != '[' {
		return s.other("an array")
	}
	return s.Elements(element)
}

// String reads a string; broken UTF-8 in it is replaced.
func (s *Scanner) String() (string, error) {
	if s.Kind() != '"' {
		return "", s.other("a string")
	}
	raw, _, err := s.Value()
	if err != nil {
		return "", err
	}
	return jsonscan.Unquoted(raw), nil
}

// Number reads a number as it is written.
func (s *Scanner) Number() (string, error) {
	if s.Kind() != '0' {
		return "", s.other("a number")
	}
	raw, _, err := s.Value()
	if err != nil {
		return "", err
	}
	return string(raw), nil
}

// Bool reads a truth value; nil is none.
func (s *Scanner) Bool() (*bool, error) {
	kind := s.Kind()
	if kind != 't' && kind != 'f' {
		return nil, s.other("true or false")
	}
	if err := s.Step(); err != nil {
		return nil, err
	}
	yes := kind == 't'
	return &yes, nil
}

// Whole reads a whole number from least to most; given is false for none.
func (s *Scanner) Whole(least, most int64) (n int64, given bool, err error) {
	if s.Kind() != '0' {
		return 0, false, s.other("a whole number")
	}
	raw, _, err := s.Value()
	if err != nil {
		return 0, false, err
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
	for token := range s.Pointer().Tokens() {
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

// other goes over a value that is not of the wanted type.
func (s *Scanner) other(wanted string) error {
	kind := s.Kind()
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

// maxModel is longer than any model's name, in bytes.
const maxModel = 256

// Model reads a model's name, and where it stands.
func (s *Scanner) Model() (name string, at jsonscan.Span, err error) {
	raw, at, err := s.Value()
	if err == nil && (raw.Kind() != '"' || len(raw) > maxModel) {
		err = Refuse("model", "model is a string, and not longer than any model's name")
	}
	if err != nil {
		return "", at, err
	}
	return jsonscan.Unquoted(raw), at, nil
}

// Refuse is invalid_request for a parameter.
func Refuse(param, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("param", param)
}
