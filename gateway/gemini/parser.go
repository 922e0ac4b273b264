package gemini

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Bounds of what a caller may send.
const (
	MaxContents    = 10_000
	MaxTools       = 10_000
	MaxCap         = 10_000_000 // output tokens
	maxMembers     = 64         // of one object of the dialect
	maxUnsupported = 64
	maxName        = 64 // bytes of a member's name
	maxDigits      = 40 // of a number
)

// parser reads a caller's body strictly, and knows where it is.
type parser struct {
	walker
	path        []string
	unsupported []string
	seen        jsonscan.Span // of the last whole number
}

// here is where the parser is, such as contents[3].parts[0].text.
func (p *parser) here() string {
	var b strings.Builder
	for _, step := range p.path {
		if b.Len() > 0 && step[0] != '[' {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// refuse says what is wrong with the value that the parser is at.
func (p *parser) refuse(what string) error {
	param := p.here()
	if param == "" {
		return domain.Errorf(domain.CodeInvalid, "the body %s", what)
	}
	return domain.Errorf(domain.CodeInvalid, "%s %s", param, what).With("param", param)
}

// leaveOut notes a member that the canonical form has no place for. Positions in arrays do not count.
func (p *parser) leaveOut() error {
	if err := p.Skip(); err != nil {
		return err
	}
	return p.note()
}

func (p *parser) note() error {
	steps := slices.DeleteFunc(slices.Clone(p.path), func(step string) bool { return step[0] == '[' })
	name := strings.Join(steps, ".")
	switch {
	case slices.Contains(p.unsupported, name):
		return nil
	case len(p.unsupported) == maxUnsupported:
		return p.refuse("is one of too many members that are not known")
	}
	p.unsupported = append(p.unsupported, name)
	return nil
}

// fields goes through an object; null is an empty one. Names reach member in camel case, however they were written; two
// spellings of one name in an object are refused, as the same name twice is.
func (p *parser) fields(member func(name string) error) error {
	switch p.Kind() {
	case '{':
	case 'n':
		return p.Skip()
	default:
		if err := p.Skip(); err != nil {
			return err
		}
		return p.refuse("is an object")
	}
	var seen []string
	return p.object(func(raw []byte) error {
		if len(raw) > maxName || len(raw) == 0 {
			return p.refuse("has a member that is not known")
		}
		written := string(raw)
		name := camel(written)
		switch {
		case len(seen) == maxMembers:
			return p.refuse("has too many members")
		case slices.Contains(seen, name):
			return p.refuse("has " + name + " twice")
		}
		seen = append(seen, name)
		p.path = append(p.path, written)
		defer func() { p.path = p.path[:len(p.path)-1] }()
		return member(name)
	})
}

// camel is a name of proto3 JSON in camel case.
func camel(name string) string {
	if strings.IndexByte(name, '_') <= 0 {
		return name
	}
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] == '_' && i+1 < len(name) && 'a' <= name[i+1] && name[i+1] <= 'z' {
			i++
			b = append(b, name[i]-'a'+'A')
			continue
		}
		b = append(b, name[i])
	}
	return string(b)
}

// list goes through an array of objects; null is an empty one, and an object alone stands for an array of one.
func (p *parser) list(element func(i int) error) error {
	switch p.Kind() {
	case '[', '{', 'n':
	default:
		if err := p.Skip(); err != nil {
			return err
		}
		return p.refuse("is an array")
	}
	i := 0
	return p.array(func() error {
		p.path = append(p.path, "["+strconv.Itoa(i)+"]")
		defer func() { p.path = p.path[:len(p.path)-1] }()
		i++
		return element(i - 1)
	})
}

// string reads a string; null is "".
func (p *parser) string() (string, error) {
	v, _, err := p.Value()
	if err != nil || v.Kind() == 'n' {
		return "", err
	}
	if v.Kind() != '"' {
		return "", p.refuse("is a string")
	}
	return jsonscan.Unquoted(v), nil
}

// strings reads an array of at most so many strings.
func (p *parser) strings(most int) ([]string, error) {
	if kind := p.Kind(); kind != '[' && kind != 'n' {
		if err := p.Skip(); err != nil {
			return nil, err
		}
		return nil, p.refuse("is an array of strings")
	}
	var all []string
	return all, p.array(func() error {
		one, err := p.string()
		if err == nil && len(all) == most {
			err = p.refuse("has more than " + strconv.Itoa(most) + " elements")
		}
		all = append(all, one)
		return err
	})
}

// boolean reads true or false; nil for null.
func (p *parser) boolean() (*bool, error) {
	v, _, err := p.Value()
	if err != nil || v.Kind() == 'n' {
		return nil, err
	}
	is := v.Kind() == 't'
	if !is && v.Kind() != 'f' {
		return nil, p.refuse("is true or false")
	}
	return &is, nil
}

// number reads a number with its digits; "" for null.
func (p *parser) number() (chat.Number, error) {
	v, _, err := p.Value()
	switch {
	case err != nil || v.Kind() == 'n':
		return "", err
	case v.Kind() != '0':
		return "", p.refuse("is a number")
	case len(v) > maxDigits:
		return "", p.refuse("has too many digits")
	}
	return chat.Number(v), nil
}

// whole reads a whole number between two bounds; given is false, and the number 0, for null.
func (p *parser) whole(least, most int64) (n int64, given bool, err error) {
	v, at, err := p.Value()
	p.seen = at
	if err != nil || v.Kind() == 'n' {
		return 0, false, err
	}
	if v.Kind() != '0' || bytes.ContainsAny(v, ".eE") {
		return 0, false, p.refuse("is a whole number")
	}
	n, err = strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < least || n > most {
		return 0, false, p.refuse("is between " + strconv.FormatInt(least, 10) + " and " + strconv.FormatInt(most, 10))
	}
	return n, true, nil
}

// anything reads a value as it is written; nil for null.
func (p *parser) anything() (jsontext.Value, error) {
	v, _, err := p.Value()
	if err != nil || v.Kind() == 'n' {
		return nil, err
	}
	return v.Clone(), nil
}
