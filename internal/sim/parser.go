package sim

import (
	"bytes"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// Error codes of requests that do not pass, as OpenAI names them.
const (
	codeJSON     = "invalid_json"
	codeType     = "invalid_type"
	codeValue    = "invalid_value"
	codeMissing  = "missing_required_parameter"
	codeEmpty    = "empty_array"
	codeUnknown  = "unknown_parameter"
	codeKey      = "invalid_api_key"
	codeOrder    = "invalid_order"
	codeTooSmall = "integer_below_min_value"
	codeTooLarge = "integer_above_max_value"
)

// parser walks through a request's body token by token and keeps nothing of it but what a request holds.
type parser struct {
	dec     jsontext.Decoder
	scratch []byte
	name    []byte
	digest  xxhash.Digest
	where   []byte // of a walk: the place in the body
	manner  manner // of a walk
}

// path says where in the body something is. It becomes text only when there is a complaint.
type path struct {
	root  string
	index int // of the root's element
	field string
	part  int // of the field's element, or -1
	leaf  string
}

func top(name string) path { return path{root: name, index: -1, part: -1} }

func (a path) at(field string) path {
	if a.part >= 0 {
		a.leaf = field
	} else {
		a.field = field
	}
	return a
}

// String is the path as OpenAI writes it, such as messages[0].content[1].text.
func (a path) String() string {
	text := a.root
	if a.index >= 0 {
		text += "[" + strconv.Itoa(a.index) + "]"
	}
	if a.field != "" {
		text += "." + a.field
	}
	if a.part >= 0 {
		text += "[" + strconv.Itoa(a.part) + "]"
	}
	if a.leaf != "" {
		text += "." + a.leaf
	}
	return text
}

func wrongType(at path, want string, got jsontext.Kind) error {
	return invalid(codeType, at.String(), "Invalid type for '%s': expected %s, but got %s instead.", at, want, kindName(got))
}

func missing(at path) error {
	return invalid(codeMissing, at.String(), "Missing required parameter: '%s'.", at)
}

func kindName(kind jsontext.Kind) string {
	switch byte(kind) {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "a boolean"
}

// broken is the refusal of a body that is no JSON.
func (p *parser) broken() error {
	return invalid(codeJSON, "", "We could not parse the JSON body of your request (byte %d).", p.dec.InputOffset())
}

func (p *parser) reset(body *bytes.Buffer, options jsontext.Options) {
	p.dec.Reset(body, options)
	p.digest.Reset()
}

// enter goes into an object or an array.
func (p *parser) enter(kind jsontext.Kind, at path, want string) error {
	switch got := p.dec.PeekKind(); got {
	case kind:
	case 0:
		return p.broken()
	default:
		return wrongType(at, want, got)
	}
	return p.step()
}

// step goes over one token.
func (p *parser) step() error {
	if _, err := p.dec.ReadToken(); err != nil {
		return p.broken()
	}
	return nil
}

// skip goes over one value and returns it as sent; it is good until the next call.
func (p *parser) skip() (jsontext.Value, error) {
	value, err := p.dec.ReadValue()
	if err != nil {
		return nil, p.broken()
	}
	return value, nil
}

// field reads an object's next name, or says that the object ended. The name is good until the next field.
func (p *parser) field() (name []byte, more bool, err error) {
	if p.dec.PeekKind() == '}' {
		return nil, false, p.step()
	}
	raw, err := p.skip()
	if err != nil {
		return nil, false, err
	}
	p.name = unquote(p.name[:0], raw)
	return p.name, true, nil
}

// element says whether an array has another element, and leaves the array if not.
func (p *parser) element() (more bool, err error) {
	if p.dec.PeekKind() == ']' {
		return false, p.step()
	}
	return true, nil
}

// null goes over a null, if there is one. A null parameter counts as not given.
func (p *parser) null() (bool, error) {
	if p.dec.PeekKind() != 'n' {
		return false, nil
	}
	return true, p.step()
}

// text reads a string; it is good until the next call.
func (p *parser) text(at path) ([]byte, error) {
	if got := p.dec.PeekKind(); got != '"' && got != 0 {
		return nil, wrongType(at, "a string", got)
	}
	raw, err := p.skip()
	if err != nil {
		return nil, err
	}
	p.scratch = unquote(p.scratch[:0], raw)
	return p.scratch, nil
}

// unquote decodes a JSON string that the decoder has found to be one.
func unquote(b []byte, raw jsontext.Value) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return append(b, raw[1:len(raw)-1]...)
	}
	// The decoder has validated the string, so that nothing is left to go wrong.
	b, _ = jsontext.AppendUnquote(b, raw)
	return b
}

// optional reads a boolean that is as stated when it is null.
func (p *parser) optional(at path, otherwise bool) (bool, error) {
	if isNull, err := p.null(); isNull || err != nil {
		return otherwise, err
	}
	return p.boolean(at)
}

func (p *parser) boolean(at path) (bool, error) {
	switch got := p.dec.PeekKind(); got {
	case 'n', 'f':
		return false, p.step()
	case 't':
		return true, p.step()
	case 0:
		return false, p.broken()
	default:
		return false, wrongType(at, "a boolean", got)
	}
}

// integer reads a whole number in its plain form; given is false for null.
func (p *parser) integer(at path, least, most int64) (n int64, given bool, err error) {
	if isNull, err := p.null(); isNull || err != nil {
		return 0, false, err
	}
	if got := p.dec.PeekKind(); got != '0' && got != 0 {
		return 0, false, wrongType(at, "an integer", got)
	}
	raw, err := p.skip()
	if err != nil {
		return 0, false, err
	}
	if bytes.ContainsAny(raw, ".eE") {
		return 0, false, invalid(codeType, at.String(), "Invalid type for '%s': expected an integer, but got a decimal number instead.", at)
	}
	n, err = strconv.ParseInt(string(raw), 10, 64)
	switch {
	case n < least:
		return 0, false, invalid(codeTooSmall, at.String(), "Invalid '%s': integer below minimum value. Expected a value >= %d.", at, least)
	case n > most || err != nil:
		return 0, false, invalid(codeTooLarge, at.String(), "Invalid '%s': integer above maximum value. Expected a value <= %d.", at, most)
	}
	return n, true, nil
}

// number checks that a number, if there is one, lies in a range.
func (p *parser) number(at path, least, most float64) error {
	if isNull, err := p.null(); isNull || err != nil {
		return err
	}
	if got := p.dec.PeekKind(); got != '0' && got != 0 {
		return wrongType(at, "a decimal", got)
	}
	raw, err := p.skip()
	if err != nil {
		return err
	}
	switch n, err := strconv.ParseFloat(string(raw), 64); {
	case n < least:
		return invalid("decimal_below_min_value", at.String(), "Invalid '%s': decimal below minimum value. Expected a value >= %g.", at, least)
	case n > most || err != nil:
		return invalid("decimal_above_max_value", at.String(), "Invalid '%s': decimal above maximum value. Expected a value <= %g.", at, most)
	}
	return nil
}

// end makes sure that nothing comes after the body's value.
func (p *parser) end() error {
	if len(bytes.TrimLeft(p.dec.UnreadBuffer(), " \t\r\n")) > 0 {
		return p.broken()
	}
	return nil
}
