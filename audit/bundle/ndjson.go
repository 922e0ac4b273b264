package bundle

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/massrouter/massrouter/eventstore"
)

// fieldStarts are the bytes before the value of each field, which an export always writes in this order.
func fieldStarts() [16]string {
	return [16]string{
		`{"shard":`, `,"position":`, `,"stream_id":"`, `,"stream_version":`, `,"event_id":"`, `,"type":"`, `,"schema_version":`,
		`,"recorded_at":"`, `,"effective_at":"`, `,"actor":"`, `,"correlation_id":"`, `,"causation_id":"`, `,"command_id":"`, `,"salt":"`,
		`,"body":"`, `,"leaf_hash":"`,
	}
}

var errLine = errors.New("the line is not as an export writes it")

// readLines reads lines in place: what is unescaped is never longer.
func readLines(chunk []byte) ([]eventstore.Event, error) {
	starts := fieldStarts()
	events := make([]eventstore.Event, 0, bytes.Count(chunk, []byte{'\n'}))
	for len(chunk) > 0 {
		var c cells
		for i, start := range starts {
			if len(chunk) < len(start) || string(chunk[:len(start)]) != start {
				return events, errLine
			}
			var ok bool
			if c[i], chunk, ok = value(chunk[len(start):], start[len(start)-1] == '"'); !ok {
				return events, errLine
			}
		}
		if len(chunk) < 2 || chunk[0] != '}' || chunk[1] != '\n' {
			return events, errLine
		}
		chunk = chunk[2:]
		e, err := c.event()
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

// value reads a number, or the rest of a string.
func value(b []byte, quoted bool) (v, rest []byte, ok bool) {
	if quoted {
		return unquote(b)
	}
	end := bytes.IndexAny(b, ",}")
	if end < 0 {
		return nil, nil, false
	}
	return b[:end], b[end:], true
}

// unquote reads a JSON string after its opening quote, in place.
func unquote(b []byte) (s, rest []byte, ok bool) {
	n := 0
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c == '"':
			return b[:n:n], b[i+1:], true
		case c < ' ':
			return nil, nil, false
		case c != '\\':
			b[n] = c
			n++
			i++
		default:
			size, taken := unescape(b[n:], b[i:])
			if taken == 0 {
				return nil, nil, false
			}
			n += size
			i += taken
		}
	}
	return nil, nil, false
}

// unescape writes the character of an escape sequence to the beginning of to; nothing is taken of what is none.
func unescape(to, b []byte) (written, taken int) {
	if len(b) < 2 {
		return 0, 0
	}
	if plain := bytes.IndexByte([]byte(`"\/bfnrt`), b[1]); plain >= 0 {
		to[0] = "\"\\/\b\f\n\r\t"[plain]
		return 1, 2
	}
	r, ok := hexRune(b)
	if !ok {
		return 0, 0
	}
	taken = 6
	if utf16.IsSurrogate(r) {
		low, ok := hexRune(b[taken:])
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, 0
		}
		taken += 6
	}
	return utf8.EncodeRune(to, r), taken
}

// hexRune reads \u and four hexadecimal digits.
func hexRune(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), c|' ')
		if digit < 0 {
			return 0, false
		}
		r = r<<4 | rune(digit) //nolint:gosec // below 16
	}
	return r, true
}
