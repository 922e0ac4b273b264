// Package sse reads server-sent events as vendors send them (WHATWG HTML, 9.2).
package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrEventTooLong means that a vendor sent an event that does not fit into the memory a stream may have.
var ErrEventTooLong = errors.New("an event of the stream is too long")

// Events reads the names and data of server-sent events. It keeps no more than one event and what came with it.
type Events struct {
	r     io.Reader
	buf   []byte // buf[from:] was read and not yet returned
	from  int
	limit int
	joint []byte // data of an event with several data lines
}

// NewEvents reads from r with a first buffer, which it may replace by one of at most limit bytes.
func NewEvents(r io.Reader, buf []byte, limit int) *Events {
	return &Events{r: r, buf: buf[:0], limit: limit}
}

// Next returns the name, nil if it has none, and the data of the next event that has data; both are good until the next call. Errors are io.EOF after the last one,
// ErrEventTooLong, and the reader's.
func (e *Events) Next() (name, data []byte, err error) {
	for {
		event, ok := e.event()
		if !ok {
			if err := e.fill(); err != nil {
				return nil, nil, err
			}
			continue
		}
		if name, data = e.parts(event); len(data) > 0 {
			return name, data, nil
		}
	}
}

// Waiting says whether another whole event has been read already.
func (e *Events) Waiting() bool {
	_, _, ok := boundary(e.buf[e.from:])
	return ok
}

// Buffer is the memory in use, to be used again.
func (e *Events) Buffer() []byte { return e.buf[:0] }

// event takes the next whole event off the buffer.
func (e *Events) event() ([]byte, bool) {
	rest := e.buf[e.from:]
	end, next, ok := boundary(rest)
	if !ok {
		return nil, false
	}
	e.from += next
	return rest[:end], true
}

// boundary finds the blank line that ends an event: where the event ends, and where the next one begins.
func boundary(b []byte) (end, next int, ok bool) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return 0, 0, false
		}
		at += i + 1
		switch rest := b[at:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return at, at + 1, true
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return at, at + 2, true
		}
	}
}

func (e *Events) fill() error {
	if e.from > 0 {
		e.buf = e.buf[:copy(e.buf, e.buf[e.from:])]
		e.from = 0
	}
	if len(e.buf) == cap(e.buf) {
		if cap(e.buf) >= e.limit {
			return ErrEventTooLong
		}
		grown := make([]byte, len(e.buf), min(max(2*cap(e.buf), 4<<10), e.limit))
		copy(grown, e.buf)
		e.buf = grown
	}
	n, err := e.r.Read(e.buf[len(e.buf):cap(e.buf)])
	e.buf = e.buf[:len(e.buf)+n]
	switch {
	case n > 0, err == nil:
		return nil // an error comes again
	case errors.Is(err, io.EOF):
		return e.end()
	}
	return fmt.Errorf("read the stream: %w", err)
}

// end is what the end of the input means. A last event may lack its blank line; whether it is whole shows when its data is
// read.
func (e *Events) end() error {
	if len(bytes.TrimRight(e.buf, "\r\n")) == 0 {
		return io.EOF
	}
	e.buf = append(e.buf, "\n\n"...)
	return nil
}

// parts takes an event's name, and joins its data lines; empty if it has none.
func (e *Events) parts(event []byte) (name, data []byte) {
	lines := 0
	for len(event) > 0 {
		var line []byte
		line, event, _ = bytes.Cut(event, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		value, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			if named, ok := bytes.CutPrefix(line, []byte("event:")); ok {
				name = bytes.TrimPrefix(named, []byte(" "))
			}
			continue
		}
		value = bytes.TrimPrefix(value, []byte(" "))
		switch lines++; lines {
		case 1:
			data = value
		case 2:
			e.joint = append(append(append(e.joint[:0], data...), '\n'), value...)
			data = e.joint
		default:
			e.joint = append(append(e.joint, '\n'), value...)
			data = e.joint
		}
	}
	return name, data
}
