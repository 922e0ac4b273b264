package domain

import (
	"bytes"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Fields reads one JSON object as Object writes it: the fields in their order, no space, no escapes. It understands
// nothing else, and says so: then encoding/json has to read the whole again. Whatever it does understand has the
// meaning that encoding/json gives it.
type Fields struct {
	b     []byte
	begun bool
	off   bool // something was not as expected
}

// ReadObject starts to read the object at the beginning of b.
func ReadObject(b []byte) Fields {
	if len(b) == 0 || b[0] != '{' {
		return Fields{off: true}
	}
	return Fields{b: b[1:]}
}

// End closes the object and returns what follows it; ok is false when anything was not as expected.
func (f *Fields) End() (rest []byte, ok bool) {
	if f.off || len(f.b) == 0 || f.b[0] != '}' {
		return nil, false
	}
	return f.b[1:], true
}

// Has says whether the next field has this name.
func (f *Fields) Has(name string) bool {
	b := f.b
	if f.begun {
		if len(b) == 0 || b[0] != ',' {
			return false
		}
		b = b[1:]
	}
	return len(b) > len(name)+3 && b[0] == '"' && string(b[1:1+len(name)]) == name && b[1+len(name)] == '"' && b[2+len(name)] == ':'
}

// Value reads a field's value with a function that returns what follows the value.
func (f *Fields) Value(name string, read func(b []byte) (rest []byte, ok bool)) {
	if !f.Has(name) {
		f.off = true
		return
	}
	skip := len(name) + 3
	if f.begun {
		skip++
	}
	f.begun = true
	rest, ok := read(f.b[skip:])
	if !ok {
		f.off = true
		return
	}
	f.b = rest
}

// ID reads an id.
func (f *Fields) ID(name string) (id uuid.UUID) {
	f.Value(name, func(b []byte) ([]byte, bool) {
		if len(b) < 38 || b[0] != '"' || b[9] != '-' || b[14] != '-' || b[19] != '-' || b[24] != '-' || b[37] != '"' {
			return nil, false
		}
		for _, part := range [5][3]int{{0, 1, 9}, {4, 10, 14}, {6, 15, 19}, {8, 20, 24}, {10, 25, 37}} {
			if _, err := hex.Decode(id[part[0]:], b[part[1]:part[2]]); err != nil {
				return nil, false
			}
		}
		return b[38:], true
	})
	return id
}

// String reads text.
func (f *Fields) String(name string) (s string) {
	f.Value(name, func(b []byte) (rest []byte, ok bool) {
		text, rest, ok := ReadString(b)
		s = string(text)
		return rest, ok
	})
	return s
}

// ReadString reads a quoted string that needs no unescaping.
func ReadString(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	end := bytes.IndexByte(b[1:], '"')
	if end < 0 {
		return nil, nil, false
	}
	s, plain := b[1:1+end], true
	for _, c := range s {
		if c == '\\' || c < ' ' {
			return nil, nil, false
		}
		plain = plain && c < utf8.RuneSelf
	}
	return s, b[2+end:], plain || utf8.Valid(s)
}

// Int reads a number of at most 18 digits.
func (f *Fields) Int(name string) (n int64) {
	f.Value(name, func(b []byte) (rest []byte, ok bool) {
		n, rest, ok = ReadInt(b)
		return rest, ok
	})
	return n
}

// ReadInt reads a whole number of at most 18 digits.
func ReadInt(b []byte) (n int64, rest []byte, ok bool) {
	digits, negative := b, false
	if len(b) > 0 && b[0] == '-' {
		digits, negative = b[1:], true
	}
	size := 0
	for size < len(digits) && digits[size] >= '0' && digits[size] <= '9' {
		n = n*10 + int64(digits[size]-'0')
		if size++; size > 18 {
			return 0, nil, false
		}
	}
	if size == 0 || size == len(digits) || (digits[0] == '0' && size > 1) {
		return 0, nil, false
	}
	if c := digits[size]; c != ',' && c != '}' && c != ']' {
		return 0, nil, false
	}
	if negative {
		n = -n
	}
	return n, digits[size:], true
}

// Bool reads true or false.
func (f *Fields) Bool(name string) (v bool) {
	f.Value(name, func(b []byte) ([]byte, bool) {
		if rest, ok := bytes.CutPrefix(b, []byte("true")); ok {
			v = true
			return rest, true
		}
		return bytes.CutPrefix(b, []byte("false"))
	})
	return v
}

// Time reads a time in RFC 3339 form.
func (f *Fields) Time(name string) (t time.Time) {
	f.Value(name, func(b []byte) ([]byte, bool) {
		text, rest, ok := ReadString(b)
		return rest, ok && t.UnmarshalText(text) == nil
	})
	return t
}

// ReadList reads a list with a function for each element; it returns what follows the list.
func ReadList(b []byte, element func(b []byte) (rest []byte, ok bool)) (rest []byte, ok bool) {
	if len(b) < 2 || b[0] != '[' {
		return nil, false
	}
	if b[1] == ']' {
		return b[2:], true
	}
	for b = b[1:]; ; b = b[1:] {
		if b, ok = element(b); !ok || len(b) == 0 {
			return nil, false
		}
		if b[0] == ']' {
			return b[1:], true
		}
		if b[0] != ',' {
			return nil, false
		}
	}
}
