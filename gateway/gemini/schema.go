package gemini

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Bounds of a caller's schemas: how deep they lie in each other, and how many bytes are gone through for all of them, each
// level again.
const (
	maxDepth = 100
	maxWork  = 64 << 20
)

var (
	errDepth = errors.New("is nested too deeply")
	errWork  = errors.New("is one schema too many, or too large")
	errTwice = errors.New("has a schema with the same name twice")
)

// converter makes a JSON Schema of a schema of OpenAPI's kind, as responseSchema and parameters have it: types in lower case,
// nullable as the type null, bounds as numbers, the properties in the order that propertyOrdering asks for. What it does not
// know it leaves as it is. Errors say what is wrong with the schema.
type converter struct{ work int }

// keyword is a member of a schema.
type keyword struct {
	name  string
	value jsontext.Value
}

// keywords reads an object, in order.
func keywords(v jsontext.Value) []keyword {
	var w walker
	w.Strict(v)
	var all []keyword
	_ = w.object(func(name []byte) error { // it was read before
		k := keyword{name: string(name)}
		value, _, err := w.Value()
		k.value = value
		all = append(all, k)
		return err
	})
	return all
}

func (c *converter) schema(dst []byte, v jsontext.Value, depth int) ([]byte, error) {
	c.work += len(v)
	switch {
	case depth > maxDepth:
		return nil, errDepth
	case c.work > maxWork:
		return nil, errWork
	case v.Kind() != '{':
		return append(dst, v...), nil // true, false, or not for us to judge
	}
	all := keywords(v)
	if len(all) > maxMembers {
		return nil, errWork
	}
	var n nest
	for i := range all {
		k := &all[i]
		k.name = known(k.name)
		switch k.name {
		case "nullable":
			n.nullable = k.value.Kind() == 't'
		case "propertyOrdering":
			n.order = texts(k.value)
		case "type":
			n.typed = true
		}
	}
	dst = append(dst, '{')
	for i, k := range all {
		if slices.ContainsFunc(all[:i], func(before keyword) bool { return before.name == k.name }) {
			return nil, errTwice
		}
		var err error
		if dst, err = c.keyword(dst, &k, &n, depth); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// nest is what the members of a schema have to know of each other.
type nest struct {
	nullable, typed bool
	order           []string
}

// known is the name in camel case of a member that this package knows, in whatever way it is written.
func known(name string) string {
	switch c := camel(name); c {
	case "propertyOrdering", "anyOf", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "additionalProperties":
		return c
	case "example":
		return "examples"
	}
	return name
}

func (c *converter) keyword(dst []byte, k *keyword, n *nest, depth int) (_ []byte, err error) {
	switch k.name {
	case "nullable", "propertyOrdering":
		return dst, nil
	case "type":
		return appendType(key(dst, k.name), k.value, n.nullable), nil
	case "items", "additionalProperties":
		return c.schema(key(dst, k.name), k.value, depth+1)
	case "anyOf":
		dst = append(key(dst, k.name), '[')
		for _, one := range elements(k.value) {
			if dst, err = c.schema(comma(dst), one, depth+1); err != nil {
				return nil, err
			}
		}
		if n.nullable && !n.typed {
			dst = append(comma(dst), `{"type":"null"}`...)
		}
		return append(dst, ']'), nil
	case "properties":
		dst = append(key(dst, k.name), '{')
		for _, p := range ordered(keywords(k.value), n.order) {
			dst = append(jsonscan.AppendString(comma(dst), p.name), ':')
			if dst, err = c.schema(dst, p.value, depth+1); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
		return append(key(dst, k.name), count(k.value)...), nil
	case "examples":
		if k.value.Kind() != '[' {
			return append(append(append(key(dst, k.name), '['), k.value...), ']'), nil
		}
	case "enum":
		if n.nullable && k.value.Kind() == '[' {
			dst = append(key(dst, k.name), '[')
			for _, one := range elements(k.value) {
				dst = append(comma(dst), one...)
			}
			return append(comma(dst), "null]"...), nil
		}
	}
	dst = append(jsonscan.AppendString(comma(dst), k.name), ':')
	return append(dst, k.value...), nil
}

// count is a bound as a number: proto3 writes 64 bits as a string.
func count(v jsontext.Value) jsontext.Value {
	digits := bytes.Trim(v, `"`)
	if _, err := strconv.ParseUint(string(digits), 10, 63); err != nil || (len(digits) > 1 && digits[0] == '0') {
		return v
	}
	return digits
}

// appendType appends a type, with null beside it if the value may be that.
func appendType(dst []byte, v jsontext.Value, nullable bool) []byte {
	if v.Kind() != '"' {
		return append(dst, v...)
	}
	name := strings.ToLower(jsonscan.Unquoted(v))
	if !nullable || name == "null" {
		return jsonscan.AppendString(dst, name)
	}
	return append(jsonscan.AppendString(append(dst, '['), name), `,"null"]`...)
}

// elements are the values of an array, nothing for any other value.
func elements(v jsontext.Value) []jsontext.Value {
	if v.Kind() != '[' {
		return nil
	}
	var w walker
	w.Strict(v)
	var all []jsontext.Value
	_ = w.array(func() error { // it was read before
		one, _, err := w.Value()
		all = append(all, one)
		return err
	})
	return all
}

// texts are the strings of an array.
func texts(v jsontext.Value) []string {
	var all []string
	for _, one := range elements(v) {
		if one.Kind() == '"' {
			all = append(all, jsonscan.Unquoted(one))
		}
	}
	return all
}

// ordered puts the properties that an order names in front, in that order.
func ordered(all []keyword, order []string) []keyword {
	if len(order) == 0 {
		return all
	}
	place := make(map[string]int, len(order))
	for i, name := range order {
		place[name] = i
	}
	at := func(k keyword) int {
		if i, ok := place[k.name]; ok {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(all, func(a, b keyword) int { return at(a) - at(b) })
	return all
}
