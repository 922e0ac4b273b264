package sim

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// manner is how a vendor writes the place of a complaint and words it.
type manner uint8

const (
	openaiManner    manner = iota // input[0].content[1].text
	anthropicManner               // messages.0.content.1.text
	geminiManner                  // contents[0].parts[1].function_call
)

// maxPlace is how many bytes of a place are said back.
const maxPlace = 512

// The methods of this file walk through a body and remember where they are, for the dialects that nest deeper than a path.

// begin starts a walk at the top of the body.
func (p *parser) begin(body *bytes.Buffer, options jsontext.Options, m manner) {
	p.reset(body, options)
	p.where, p.manner = p.where[:0], m
}

// push goes down to a member and returns what pop needs.
func (p *parser) push(name []byte) (mark int) {
	mark = len(p.where)
	if mark > 0 {
		p.where = append(p.where, '.')
	}
	p.where = append(p.where, name...)
	return mark
}

func (p *parser) pop(mark int) { p.where = p.where[:mark] }

// members reads an object. each reads the value of the member of that name; the name is good until then.
func (p *parser) members(each func(name []byte) error) error {
	if err := p.into('{', "an object"); err != nil {
		return err
	}
	for {
		name, more, err := p.field()
		if err != nil || !more {
			return err
		}
		mark := p.push(name)
		if err := each(name); err != nil {
			return err
		}
		p.pop(mark)
	}
}

// items reads an array, and returns how many elements there were.
func (p *parser) items(each func(i int) error) (n int, err error) {
	if err := p.into('[', "a list"); err != nil {
		return 0, err
	}
	for {
		more, err := p.element()
		if err != nil || !more {
			return n, err
		}
		mark := p.pushIndex(n)
		if err := each(n); err != nil {
			return n, err
		}
		p.pop(mark)
		n++
	}
}

func (p *parser) pushIndex(i int) (mark int) {
	mark = len(p.where)
	if p.manner == anthropicManner {
		p.where = append(p.where, '.')
		p.where = strconv.AppendInt(p.where, int64(i), 10)
		return mark
	}
	p.where = append(p.where, '[')
	p.where = strconv.AppendInt(p.where, int64(i), 10)
	p.where = append(p.where, ']')
	return mark
}

func (p *parser) into(kind jsontext.Kind, want string) error {
	if err := p.expect(kind, want); err != nil {
		return err
	}
	return p.step()
}

// expect complains if the next value is of another kind.
func (p *parser) expect(kind jsontext.Kind, want string) error {
	switch got := p.dec.PeekKind(); got {
	case kind:
		return nil
	case 0:
		return p.broken()
	default:
		return p.wrong(want, got)
	}
}

// word reads a string; it is good until the next call.
func (p *parser) word() ([]byte, error) {
	if err := p.expect('"', "a string"); err != nil {
		return nil, err
	}
	raw, err := p.skip()
	if err != nil {
		return nil, err
	}
	p.scratch = unquote(p.scratch[:0], raw)
	return p.scratch, nil
}

// truth reads a boolean.
func (p *parser) truth() (bool, error) {
	switch got := p.dec.PeekKind(); got {
	case 't', 'f':
		return got == 't', p.step()
	case 0:
		return false, p.broken()
	default:
		return false, p.wrong("a boolean", got)
	}
}

// whole reads a whole number in a range.
func (p *parser) whole(least, most int64) (int64, error) {
	if err := p.expect('0', "an integer"); err != nil {
		return 0, err
	}
	raw, err := p.skip()
	if err != nil {
		return 0, err
	}
	if bytes.ContainsAny(raw, ".eE") {
		return 0, p.wrong("an integer", '0')
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	switch {
	case n < least:
		return 0, p.outside(codeTooSmall, "greater", strconv.FormatInt(least, 10))
	case n > most || err != nil:
		return 0, p.outside(codeTooLarge, "less", strconv.FormatInt(most, 10))
	}
	return n, nil
}

// decimal checks that a number lies in a range.
func (p *parser) decimal(least, most float64) (float64, error) {
	if err := p.expect('0', "a number"); err != nil {
		return 0, err
	}
	raw, err := p.skip()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case n < least:
		return 0, p.outside("decimal_below_min_value", "greater", strconv.FormatFloat(least, 'g', -1, 64))
	case n > most || err != nil:
		return 0, p.outside("decimal_above_max_value", "less", strconv.FormatFloat(most, 'g', -1, 64))
	}
	return n, nil
}

// raw goes over a value of a kind and returns it as sent; it is good until the next call.
func (p *parser) raw(kind jsontext.Kind, want string) (jsontext.Value, error) {
	if err := p.expect(kind, want); err != nil {
		return nil, err
	}
	return p.skip()
}

// pass goes over a value.
func (p *parser) pass() error {
	_, err := p.skip()
	return err
}

func (p *parser) wrong(want string, got jsontext.Kind) error {
	at := p.here()
	switch p.manner {
	case anthropicManner:
		return invalid(codeType, at, "%s: Input should be %s, not %s", at, want, kindName(got))
	case geminiManner:
		return invalid(codeType, at, "Invalid value at '%s': expected %s, but got %s.", at, want, kindName(got))
	case openaiManner:
	}
	return invalid(codeType, at, "Invalid type for '%s': expected %s, but got %s instead.", at, want, kindName(got))
}

func (p *parser) outside(code, than, bound string) error {
	at := p.here()
	if p.manner == anthropicManner {
		return invalid(code, at, "%s: Input should be %s than or equal to %s", at, than, bound)
	}
	return invalid(code, at, "Invalid value at '%s': it must be %s than or equal to %s.", at, than, bound)
}

// lacks complains about a member that is not there.
func (p *parser) lacks(name string) error {
	mark := p.push([]byte(name))
	at := p.here()
	p.pop(mark)
	switch p.manner {
	case anthropicManner:
		return invalid(codeMissing, at, "%s: Field required", at)
	case geminiManner:
		return invalid(codeMissing, at, "* %s: is required", at)
	case openaiManner:
	}
	return invalid(codeMissing, at, "Missing required parameter: '%s'.", at)
}

// unknown complains about the member that the walk is at.
func (p *parser) unknown() error {
	at := p.here()
	switch p.manner {
	case anthropicManner:
		return invalid(codeUnknown, at, "%s: Extra inputs are not permitted", at)
	case geminiManner:
		if dot := strings.LastIndexByte(at, '.'); dot >= 0 {
			return invalid(codeUnknown, at, "Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", at[dot+1:], at[:dot])
		}
		return invalid(codeUnknown, at, "Invalid JSON payload received. Unknown name %q: Cannot find field.", at)
	case openaiManner:
	}
	return invalid(codeUnknown, at, "Unknown parameter: '%s'.", at)
}

// bad complains about the value that the walk is at.
func (p *parser) bad(format string, args ...any) error {
	at, text := p.here(), fmt.Sprintf(format, args...)
	switch p.manner {
	case anthropicManner:
		return invalid(codeValue, at, "%s: %s", at, text)
	case geminiManner:
		return invalid(codeValue, at, "Invalid value at '%s': %s", at, text)
	case openaiManner:
	}
	return invalid(codeValue, at, "Invalid value for '%s': %s", at, text)
}

// here is the walk's place as the vendor writes it, or its beginning if a caller made it long.
func (p *parser) here() string {
	where := p.where[:min(len(p.where), maxPlace)]
	if p.manner != geminiManner {
		return string(where)
	}
	b := make([]byte, 0, len(where)+8)
	for _, c := range where {
		if c >= 'A' && c <= 'Z' {
			b = append(b, '_', c+'a'-'A')
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// set is the texts of a list, so that long lists can be held against each other.
func set(list []string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, text := range list {
		out[text] = true
	}
	return out
}
