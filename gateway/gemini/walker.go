package gemini

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// span is a range of bytes of a body; the zero span is none.
type span struct{ from, to int }

func (s span) given() bool { return s.to > s.from }

// walker goes through one JSON text that lies in memory as a whole. The zero value is ready; it serves one text after
// another.
type walker struct {
	dec  jsontext.Decoder
	buf  bytes.Buffer
	body []byte
	name []byte // scratch of names with escapes
}

// strict is for what callers send: valid UTF-8, and no name twice in an object.
func (w *walker) strict(body []byte) {
	w.body, w.buf = body, *bytes.NewBuffer(body) // from a bytes.Buffer the decoder reads in place and changes nothing
	w.dec.Reset(&w.buf)
}

// lenient is for what vendors send.
func (w *walker) lenient(body []byte) {
	w.body, w.buf = body, *bytes.NewBuffer(body)
	w.dec.Reset(&w.buf, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// drop forgets the body.
func (w *walker) drop() {
	w.body, w.buf = nil, bytes.Buffer{}
	w.dec.Reset(&w.buf)
}

func (w *walker) peek() jsontext.Kind { return w.dec.PeekKind() }

// at is where the walker stands in the body.
func (w *walker) at() int { return int(w.dec.InputOffset()) }

// value reads one value whole; it is a part of the body.
func (w *walker) value() (jsontext.Value, span, error) {
	v, err := w.dec.ReadValue()
	if err != nil {
		return nil, span{}, w.broken(err)
	}
	end := w.at()
	return v, span{end - len(v), end}, nil
}

// skip goes over one value.
func (w *walker) skip() error {
	_, _, err := w.value()
	return err
}

// step goes over one token.
func (w *walker) step() error {
	if _, err := w.dec.ReadToken(); err != nil {
		return w.broken(err)
	}
	return nil
}

// object goes through an object, if that is what comes, and over any other value. member reads the value; its name is good
// until then.
func (w *walker) object(member func(name []byte) error) error {
	if w.peek() != '{' {
		return w.skip()
	}
	if err := w.step(); err != nil {
		return err
	}
	return w.members(member)
}

// members goes through an object that was entered, and leaves it.
func (w *walker) members(member func(name []byte) error) error {
	for w.peek() != '}' {
		raw, _, err := w.value()
		if err != nil {
			return err
		}
		if err := member(w.plain(raw)); err != nil {
			return err
		}
	}
	return w.step()
}

// plain is the text of a name.
func (w *walker) plain(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	// The decoder has found the string to be one, so that nothing is left to go wrong.
	w.name, _ = jsontext.AppendUnquote(w.name[:0], raw)
	return w.name
}

// array goes through an array, if that is what comes. A single object stands for an array of one, as Google's servers
// read it; other values are gone over.
func (w *walker) array(element func() error) error {
	switch w.peek() {
	case '[':
	case '{':
		return element()
	default:
		return w.skip()
	}
	if err := w.step(); err != nil {
		return err
	}
	for w.peek() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	return w.step()
}

// text reads a string; "" for any other value.
func (w *walker) text() (string, error) {
	raw, _, err := w.value()
	if err != nil || raw.Kind() != '"' {
		return "", err
	}
	return unquoted(raw), nil
}

// truth reads true; any other value is false.
func (w *walker) truth() (bool, error) {
	raw, _, err := w.value()
	return err == nil && raw.Kind() == 't', err
}

// broken says what is wrong with the JSON, without repeating any of it.
func (w *walker) broken(cause error) error {
	switch {
	case errors.Is(cause, jsontext.ErrDuplicateName):
		return domain.Errorf(domain.CodeInvalid, "the body has the same name twice in one object (near byte %d)", w.at())
	case !utf8.Valid(w.body):
		return domain.Errorf(domain.CodeInvalid, "the body is not valid UTF-8")
	}
	return domain.Errorf(domain.CodeInvalid, "the body is not valid JSON (near byte %d)", w.at())
}

// only makes sure that nothing comes after the body's value.
func (w *walker) only() error {
	if rest := bytes.TrimLeft(w.dec.UnreadBuffer(), " \t\r\n"); len(rest) > 0 {
		return w.broken(nil)
	}
	return nil
}

// unquoted is the text of a JSON string.
func unquoted(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return sound(string(raw[1 : len(raw)-1]))
	}
	text, _ := jsontext.AppendUnquote(nil, raw) // found to be a string before
	return string(text)
}

// sound replaces broken UTF-8.
func sound(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
