// Package frames reads the binary event streams of Amazon's APIs (application/vnd.amazon.eventstream): messages with headers and a payload, each
// with its length before it and checksums of both.
package frames

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Exception begins the name of a message that is an error in place of an event; the class of the error follows.
const Exception = "exception:"

var (
	// ErrTooLong means that a vendor sent a message that does not fit into the memory a stream may have.
	ErrTooLong = errors.New("a message of the stream is too long")
	// ErrBroken means that the bytes are no message, or that a checksum is wrong.
	ErrBroken = errors.New("the stream has a message that is broken")
)

// The parts of a message: its length and that of its headers with a checksum of both, headers, payload, and a checksum of all before it.
const (
	lengths = 8
	prelude = lengths + 4
	least   = prelude + 4
	firstly = 4 << 10 // the smallest buffer, in bytes
)

// Frames reads the names and payloads of messages. It keeps no more than one message and what came with it.
type Frames struct {
	r       io.Reader
	buf     []byte // buf[from:] was read and not yet returned
	from    int
	limit   int
	decoder *eventstream.Decoder
	payload []byte
	bytes   bytes.Reader
}

// New reads from r with a first buffer, which it may replace by one of at most limit bytes.
func New(r io.Reader, buf []byte, limit int) *Frames {
	return &Frames{r: r, buf: buf[:0], limit: limit, decoder: eventstream.NewDecoder()}
}

// Next returns the name and the payload of the next event or error; both are good until the next call. An error has the name Exception and
// its class, and a payload that is a JSON object with its message. Errors are io.EOF after the last message, io.ErrUnexpectedEOF within
// one, ErrTooLong, ErrBroken, and the reader's.
func (f *Frames) Next() (name, data []byte, err error) {
	for {
		size, err := f.size()
		switch {
		case err != nil:
			return nil, nil, err
		case size > 0 && len(f.buf)-f.from >= size:
			name, data, err := f.message(f.buf[f.from : f.from+size])
			f.from += size
			if err != nil || len(name) > 0 {
				return name, data, err
			}
		default:
			if err := f.fill(size); err != nil {
				return nil, nil, err
			}
		}
	}
}

// Waiting says whether another whole message, or the end of what can be read, has come already.
func (f *Frames) Waiting() bool {
	size, err := f.size()
	return err == nil && size > 0 && len(f.buf)-f.from >= size
}

// Buffer is the memory in use, to be used again.
func (f *Frames) Buffer() []byte { return f.buf[:0] }

// size is that of the message under way, 0 while it is not known. The checksum of the lengths is checked first: nothing is waited for because
// of a length that is none.
func (f *Frames) size() (int, error) {
	b := f.buf[f.from:]
	if len(b) < prelude {
		return 0, nil
	}
	total, headers := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	switch {
	case crc32.ChecksumIEEE(b[:lengths]) != binary.BigEndian.Uint32(b[lengths:]):
		return 0, fmt.Errorf("%w: the checksum of its length is wrong", ErrBroken)
	case total < least || headers > total-least:
		return 0, fmt.Errorf("%w: its lengths are wrong", ErrBroken)
	case uint64(total) > uint64(f.limit): //nolint:gosec // a limit is not negative
		return 0, ErrTooLong
	}
	return int(total), nil
}

// fill reads more, with room for a message of that size.
func (f *Frames) fill(size int) error {
	if f.from > 0 {
		f.buf = f.buf[:copy(f.buf, f.buf[f.from:])]
		f.from = 0
	}
	if len(f.buf) == cap(f.buf) || size > cap(f.buf) {
		grown := make([]byte, len(f.buf), max(size, min(max(2*cap(f.buf), firstly), f.limit), prelude))
		copy(grown, f.buf)
		f.buf = grown
	}
	n, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
	f.buf = f.buf[:len(f.buf)+n]
	switch {
	case n > 0, err == nil:
		return nil // an error comes again
	case errors.Is(err, io.EOF) && len(f.buf) > 0:
		return io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return fmt.Errorf("read the stream: %w", err)
}

// message reads one; without a name for one that is neither an event nor an error.
func (f *Frames) message(raw []byte) (name, data []byte, err error) {
	f.bytes.Reset(raw)
	m, err := f.decoder.Decode(&f.bytes, f.payload)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if m.Payload != nil {
		f.payload = m.Payload
	}
	switch word(m.Headers, ":message-type") {
	case "event":
		return []byte(word(m.Headers, ":event-type")), orObject(m.Payload), nil
	case "exception":
		return []byte(Exception + word(m.Headers, ":exception-type")), orObject(m.Payload), nil
	case "error":
		said := append(jsonscan.AppendString([]byte(`{"message":`), word(m.Headers, ":error-message")), '}')
		return []byte(Exception + word(m.Headers, ":error-code")), said, nil
	}
	return nil, nil, nil
}

// word is a header that is a text, "" if there is none.
func word(headers eventstream.Headers, name string) string {
	if v, ok := headers.Get(name).(eventstream.StringValue); ok {
		return string(v)
	}
	return ""
}

// orObject is a payload, or an object for one without a character.
func orObject(payload []byte) []byte {
	if len(bytes.TrimSpace(payload)) == 0 {
		return []byte("{}")
	}
	return payload
}
