package domain

import (
	"bytes"
	"encoding/binary"
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
	_, ok := f.value(name)
	return ok
}

// value is what follows the name of the next field, when that is its name.
func (f *Fields) value(name string) (b []byte, ok bool) {
	b = f.b
	if f.begun {
		if len(b) == 0 || b[0] != ',' {
			return nil, false
		}
		b = b[1:]
	}
	n := len(name)
	if len(b) <= n+3 || b[0] != '"' || b[1] != name[0] || b[1+n] != '"' || b[2+n] != ':' || string(b[1:1+n]) != name {
		return nil, false
	}
	return b[3+n:], true
}

// read goes on after a value.
func (f *Fields) read(rest []byte, ok bool) {
	f.begun = true
	if !ok {
		f.off = true
		return
	}
	f.b = rest
}

// Value reads a field's value with a function that returns what follows the value.
func (f *Fields) Value(name string, read func(b []byte) (rest []byte, ok bool)) {
	b, ok := f.value(name)
	if !ok {
		f.off = true
		return
	}
	f.read(read(b))
}

// ID reads an id.
func (f *Fields) ID(name string) (id uuid.UUID) {
	b, ok := f.value(name)
	if !ok || len(b) < 38 || b[0] != '"' || b[9] != '-' || b[14] != '-' || b[19] != '-' || b[24] != '-' || b[37] != '"' {
		f.off = true
		return id
	}
	var digits [32]byte
	copy(digits[:8], b[1:9])
	copy(digits[8:12], b[10:14])
	copy(digits[12:16], b[15:19])
	copy(digits[16:20], b[20:24])
	copy(digits[20:], b[25:37])
	for i := range 4 {
		part, hex := unhex(binary.BigEndian.Uint64(digits[8*i:]))
		binary.BigEndian.PutUint32(id[4*i:], part)
		ok = ok && hex
	}
	f.read(b[38:], ok)
	return id
}

// unhex reads eight hexadecimal digits at once. The low four bits of a digit are its value, to which a letter, known by its
// bit 6, adds nine; ok says that writing the values again gives the same digits, but for the letters' case.
func unhex(digits uint64) (n uint32, ok bool) {
	const (
		each   = 0x0101010101010101
		nibble = 0x0f * each
		space  = ' ' * each
	)
	values := digits&nibble + digits>>6&each*9
	letters := (values + 6*each) >> 4 & each
	again := values + '0'*each + letters*('a'-'0'-10)
	ok = values&^nibble == 0 && again == digits|space && (digits|digits>>1)&space == space
	values = (values | values>>4) & 0x00ff00ff00ff00ff
	values = (values | values>>8) & 0x0000ffff0000ffff
	return uint32(values | values>>16), ok //nolint:gosec // the upper half is not wanted
}

// String reads text.
func (f *Fields) String(name string) string {
	b, ok := f.value(name)
	if !ok {
		f.off = true
		return ""
	}
	text, rest, ok := ReadString(b)
	f.read(rest, ok)
	return string(text)
}

// ReadString reads a quoted string that needs no unescaping.
func ReadString(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	end, high := plainWords(b)
	for ; end < len(b); end++ {
		c := b[end]
		if c == '"' {
			s = b[1:end]
			return s, b[end+1:], high < utf8.RuneSelf || utf8.Valid(s)
		}
		if c == '\\' || c < ' ' {
			break
		}
		high |= c
	}
	return nil, nil, false
}

// plainWords passes over whole words of characters that neither end a string nor are refused in one, from the second byte
// on; high has the highest bit of those that it passed.
func plainWords(b []byte) (end int, high byte) {
	const (
		each   = 0x0101010101010101
		top    = 0x80 * each
		spaces = ' ' * each
	)
	seen := uint64(0)
	for end = 1; end+8 <= len(b); end += 8 {
		w := binary.LittleEndian.Uint64(b[end:])
		quote, slash := w^'"'*each, w^'\\'*each
		// The top bit of a byte below 1, or below a space, is set by the subtraction; bytes above it may be taken for such.
		if ((quote-each)&^quote|(slash-each)&^slash|(w-spaces)&^w)&top != 0 {
			break
		}
		seen |= w & top
	}
	if seen != 0 {
		high = utf8.RuneSelf
	}
	return end, high
}

// Int reads a number of at most 18 digits.
func (f *Fields) Int(name string) (n int64) {
	b, ok := f.value(name)
	if !ok {
		f.off = true
		return 0
	}
	n, rest, ok := ReadInt(b)
	f.read(rest, ok)
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
func (f *Fields) Bool(name string) bool {
	b, ok := f.value(name)
	if !ok {
		f.off = true
		return false
	}
	if rest, ok := bytes.CutPrefix(b, []byte("true")); ok {
		f.read(rest, true)
		return true
	}
	f.read(bytes.CutPrefix(b, []byte("false")))
	return false
}

// Time reads a time in RFC 3339 form.
func (f *Fields) Time(name string) (t time.Time) {
	b, ok := f.value(name)
	if !ok {
		f.off = true
		return t
	}
	text, rest, ok := ReadString(b)
	f.read(rest, ok && t.UnmarshalText(text) == nil)
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
