package cache

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Entry is an answer of a vendor as it came, from which the answer for a caller is made again.
type Entry struct {
	Generation uuid.UUID // the call that it was made for, and paid with
	Dialect    string    // of the vendor
	Model      string
	Provider   string // the vendor's name
	Charge     string // what the call was charged, a decimal
	Created    int64  // Unix seconds, as the first caller was told
	Streamed   bool
	Answer     []byte    // the body, or for a stream its events, each as AppendEvent puts it
	StoredAt   time.Time // in milliseconds
}

// layout is the first byte of an encoded entry.
const layout = 2

var errEntry = errors.New("this is no entry of the cache")

// encode is the layout, the generation, four texts, two numbers, a flag and the answer, all behind their lengths.
func (e *Entry) encode() []byte {
	b := make([]byte, 0, len(e.Answer)+128)
	b = append(b, layout)
	b = append(b, e.Generation[:]...)
	for _, text := range []string{e.Dialect, e.Model, e.Provider, e.Charge} {
		b = appendBytes(b, text)
	}
	b = binary.AppendVarint(b, e.Created)
	b = binary.AppendVarint(b, e.StoredAt.UnixMilli())
	if e.Streamed {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return appendBytes(b, e.Answer)
}

// decode reads what encode has written, and nothing else. The entry refers to b.
func decode(b []byte) (Entry, error) {
	var e Entry
	if len(b) < 1+len(e.Generation) || b[0] != layout {
		return e, errEntry
	}
	copy(e.Generation[:], b[1:])
	b = b[1+len(e.Generation):]
	var ok bool
	for _, text := range []*string{&e.Dialect, &e.Model, &e.Provider, &e.Charge} {
		var raw []byte
		if raw, b, ok = cut(b); !ok {
			return e, errEntry
		}
		*text = string(raw)
	}
	var numbers [2]int64
	for i := range numbers {
		v, n := binary.Varint(b)
		if n <= 0 {
			return e, errEntry
		}
		numbers[i], b = v, b[n:]
	}
	e.Created, e.StoredAt = numbers[0], time.UnixMilli(numbers[1])
	if len(b) == 0 || b[0] > 1 {
		return e, errEntry
	}
	e.Streamed = b[0] == 1
	if e.Answer, b, ok = cut(b[1:]); !ok || len(b) > 0 {
		return e, errEntry
	}
	return e, nil
}

// AppendEvent appends an event of a stream.
func AppendEvent(dst []byte, name string, data []byte) []byte {
	return appendBytes(appendBytes(dst, name), data)
}

// Event takes the first event off a stream; ok is false when there is none, or none that can be read.
func Event(stream []byte) (name string, data, rest []byte, ok bool) {
	raw, rest, ok := cut(stream)
	if !ok {
		return "", nil, nil, false
	}
	data, rest, ok = cut(rest)
	return string(raw), data, rest, ok
}

func appendBytes[T string | []byte](dst []byte, v T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

func cut(b []byte) (v, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) { //nolint:gosec // a size that was read is no more than there is
		return nil, nil, false
	}
	b = b[size:]
	return b[:n:n], b[n:], true
}
