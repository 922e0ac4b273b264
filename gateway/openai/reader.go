package openai

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// span is a range of bytes of a body; the zero span is none.
type span struct{ from, to int }

func (s span) of(body []byte) []byte { return body[s.from:s.to] }

func (s span) given() bool { return s.to > s.from }

// Reader reads requests, answers and chunks that lie in memory as a whole. The zero value is ready; one Reader serves
// one call after another, never two at once.
type Reader struct {
	dec  jsontext.Decoder
	buf  bytes.Buffer
	body []byte
	name []byte // scratch of names with escapes
}

// strict is for what callers send: valid UTF-8, and no name twice in an object, because whoever reads the second one
// would be asked for something else than what was admitted.
func (r *Reader) strict(body []byte) {
	r.body, r.buf = body, *bytes.NewBuffer(body) // from a bytes.Buffer the decoder reads in place and changes nothing
	r.dec.Reset(&r.buf)
}

// lenient is for what vendors send: the caller's client is the judge of it.
func (r *Reader) lenient(body []byte) {
	r.body, r.buf = body, *bytes.NewBuffer(body)
	r.dec.Reset(&r.buf, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// drop forgets the body.
func (r *Reader) drop() {
	r.body, r.buf = nil, bytes.Buffer{}
	r.dec.Reset(&r.buf)
}

// value reads one value whole; it is a part of the body.
func (r *Reader) value() (jsontext.Value, span, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, span{}, r.broken(err)
	}
	end := int(r.dec.InputOffset())
	return v, span{end - len(v), end}, nil
}

// member reads an object's next name, or says that the object ended. The name is good until the next one.
func (r *Reader) member() (name []byte, at span, more bool, err error) {
	if r.dec.PeekKind() == '}' {
		return nil, span{}, false, r.step()
	}
	raw, at, err := r.value()
	if err != nil {
		return nil, span{}, false, err
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], at, true, nil
	}
	// The decoder has found the string to be one, so that nothing is left to go wrong.
	r.name, _ = jsontext.AppendUnquote(r.name[:0], raw)
	return r.name, at, true, nil
}

// element says whether an array has another element, and leaves the array if not.
func (r *Reader) element() (more bool, err error) {
	if r.dec.PeekKind() == ']' {
		return false, r.step()
	}
	return true, nil
}

// step goes over one token.
func (r *Reader) step() error {
	if _, err := r.dec.ReadToken(); err != nil {
		return r.broken(err)
	}
	return nil
}

// enter goes into an object or array, if that is what comes; otherwise it goes over the value.
func (r *Reader) enter(kind jsontext.Kind) (bool, error) {
	if r.dec.PeekKind() == kind {
		return true, r.step()
	}
	_, _, err := r.value()
	return false, err
}

// skip goes over one value.
func (r *Reader) skip() error {
	_, _, err := r.value()
	return err
}

// broken says what is wrong with the JSON, without repeating any of it.
func (r *Reader) broken(cause error) error {
	switch {
	case errors.Is(cause, jsontext.ErrDuplicateName):
		return domain.Errorf(domain.CodeInvalid, "the body has the same name twice in one object (near byte %d)", r.dec.InputOffset())
	case !utf8.Valid(r.body):
		return domain.Errorf(domain.CodeInvalid, "the body is not valid UTF-8")
	}
	return domain.Errorf(domain.CodeInvalid, "the body is not valid JSON (near byte %d)", r.dec.InputOffset())
}

// only makes sure that nothing comes after the body's value.
func (r *Reader) only() error {
	if rest := bytes.TrimLeft(r.dec.UnreadBuffer(), " \t\r\n"); len(rest) > 0 {
		return r.broken(nil)
	}
	return nil
}

// unquoted is the text of a JSON string.
func unquoted(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	text, _ := jsontext.AppendUnquote(nil, raw) // found to be a string before
	return string(text)
}
