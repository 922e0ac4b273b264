package scan

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// List puts commas between members or elements: call Next before each.
type List struct{ more bool }

// Next appends the comma that is due.
func (l *List) Next(dst []byte) []byte {
	if l.more {
		return append(dst, ',')
	}
	l.more = true
	return dst
}

// Name appends the comma that is due, and a member's name, which needs no escapes.
func (l *List) Name(dst []byte, name string) []byte {
	dst = append(append(l.Next(dst), '"'), name...)
	return append(dst, '"', ':')
}

// String appends a member with a text.
func (l *List) String(dst []byte, name, text string) []byte {
	return jsonscan.AppendString(l.Name(dst, name), text)
}

// Given appends a member with a text unless that is empty.
func (l *List) Given(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return l.String(dst, name, text)
}

// Raw appends a member with a value that is JSON already, unless it is empty.
func (l *List) Raw(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return append(l.Name(dst, name), value...)
}

// Bool appends a member with a truth value, nothing for nil.
func (l *List) Bool(dst []byte, name string, value *bool) []byte {
	if value == nil {
		return dst
	}
	return strconv.AppendBool(l.Name(dst, name), *value)
}

// Int appends a member with a number.
func (l *List) Int(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(l.Name(dst, name), n, 10)
}
