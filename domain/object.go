package domain

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Object appends one JSON object, byte for byte as json.Marshal would write the struct with the same fields in the
// same order. It exists for the events of every call, where reflection costs more than the decision. Names are
// constants that need no escaping.
type Object struct {
	b     []byte
	start int
	err   error
}

// BeginObject starts an object at the end of dst.
func BeginObject(dst []byte) Object {
	return Object{b: append(dst, '{'), start: len(dst) + 1}
}

// End closes the object; the error is that of the first value that has no JSON form.
func (o *Object) End() ([]byte, error) {
	if o.err != nil {
		return nil, o.err
	}
	return append(o.b, '}'), nil
}

func (o *Object) name(name string) {
	if len(o.b) > o.start {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

// ID appends an id.
func (o *Object) ID(name string, id uuid.UUID) {
	o.name(name)
	o.b = appendID(o.b, id)
}

// String appends text.
func (o *Object) String(name, s string) {
	o.name(name)
	o.b = AppendString(o.b, s)
}

// Int appends a number.
func (o *Object) Int(name string, n int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, n, 10)
}

// Bool appends true or false.
func (o *Object) Bool(name string, v bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, v)
}

// Time appends a time in RFC 3339 form.
func (o *Object) Time(name string, t time.Time) {
	o.name(name)
	o.b = append(o.b, '"')
	b, err := t.AppendText(o.b)
	if err != nil {
		o.fail(name, err)
		return
	}
	o.b = append(b, '"')
}

// Value appends what add appends.
func (o *Object) Value(name string, add func(dst []byte) ([]byte, error)) {
	o.name(name)
	b, err := add(o.b)
	if err != nil {
		o.fail(name, err)
		return
	}
	o.b = b
}

func (o *Object) fail(name string, err error) {
	if o.err == nil {
		o.err = fmt.Errorf("encode %s: %w", name, err)
	}
}

func appendID(b []byte, id uuid.UUID) []byte {
	b = append(b, '"')
	b = append(hex.AppendEncode(b, id[:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return append(hex.AppendEncode(b, id[10:]), '"')
}

// AppendJSON appends a value's JSON: what its own AppendJSON method appends when it has one, else what json.Marshal
// writes. A struct that embeds a value with the method must have one itself.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	if a, ok := v.(interface{ AppendJSON([]byte) ([]byte, error) }); ok {
		return a.AppendJSON(dst)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(dst, b...), nil
}

// AppendString appends a JSON string as json.Marshal writes it.
func AppendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
