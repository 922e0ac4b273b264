package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

const (
	callTimeout = 60 * time.Second
	readBuffer  = 16 << 10
)

// conn is one keep-alive connection that sends ready-made requests. It is a minimal HTTP/1.1 client: the load generator
// runs beside what it measures, so it should cost as little as possible.
type conn struct {
	address string
	end     []byte // of a whole stream
	stamps  stamps
	net     net.Conn
	in      *bufio.Reader
	scratch []byte
}

// do sends one request and reads its answer to the end. token is called for each token that says when it was made, in
// nanoseconds since 1970. A call that fails closes the connection; the next one opens it again.
func (c *conn) do(ctx context.Context, q request, token func(made int64)) error {
	err := c.exchange(ctx, q, token)
	if err != nil {
		c.close()
	}
	return err
}

func (c *conn) close() {
	if c.net != nil {
		_ = c.net.Close() // nothing to lose
		c.net = nil
	}
}

func (c *conn) exchange(ctx context.Context, q request, token func(made int64)) error {
	if c.net == nil {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", c.address)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		c.net = conn
		if c.in == nil {
			c.in = bufio.NewReaderSize(conn, readBuffer)
		} else {
			c.in.Reset(conn)
		}
	}
	if err := c.net.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return fmt.Errorf("set the time limit: %w", err)
	}
	parts := net.Buffers{q.head, q.body} // one write
	if _, err := parts.WriteTo(c.net); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	head, err := c.head()
	if err != nil {
		return err
	}
	c.stamps = stamps{}
	body, err := c.body(head, token)
	switch {
	case err != nil:
		return err
	case head.status != 200:
		return fmt.Errorf("status %d: %.300s", head.status, body)
	case head.stream && !bytes.Contains(body, c.end):
		return fmt.Errorf("the stream ended without %s", c.end)
	}
	return nil
}

// answerHead is what has to be known of an answer's header.
type answerHead struct {
	status int
	length int64 // -1: chunked
	stream bool
}

func (c *conn) head() (answerHead, error) {
	h := answerHead{length: -1}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return h, fmt.Errorf("read the status: %w", err)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return h, fmt.Errorf("read the status: not HTTP/1.1: %.40q", line)
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return h, fmt.Errorf("read the status: %w", err)
	}
	chunked := false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return h, fmt.Errorf("read the header: %w", err)
		}
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case len(name) == 0:
			if !chunked && h.length < 0 {
				return h, errors.New("read the header: neither a length nor chunks")
			}
			return h, nil
		case bytes.EqualFold(name, []byte("Content-Length")):
			if h.length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return h, fmt.Errorf("read the length: %w", err)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Content-Type")):
			h.stream = bytes.HasPrefix(value, []byte("text/event-stream"))
		}
	}
}

// body reads to the answer's end and returns the last bytes of it; the slice is good until the next call.
func (c *conn) body(h answerHead, token func(made int64)) ([]byte, error) {
	c.scratch = c.scratch[:0]
	if h.length >= 0 {
		return c.take(h.length, token)
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("read a chunk: %w", err)
		}
		size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("read a chunk: %w", err)
		}
		if size == 0 {
			_, err := c.in.Discard(2)
			return c.scratch, err
		}
		if _, err := c.take(size, token); err != nil {
			return nil, err
		}
		if _, err := c.in.Discard(2); err != nil {
			return nil, fmt.Errorf("read a chunk: %w", err)
		}
	}
}

const keepTail = 4 << 10

// take reads n bytes and keeps the last ones.
func (c *conn) take(n int64, token func(made int64)) ([]byte, error) {
	for n > 0 {
		if _, err := c.in.Peek(1); err != nil { // waits for more
			return nil, fmt.Errorf("read the body: %w", err)
		}
		size := int(min(n, int64(c.in.Buffered())))
		part, err := c.in.Peek(size)
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		c.stamps.scan(part, token)
		c.keep(part)
		if _, err := c.in.Discard(size); err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		n -= int64(size)
	}
	return c.scratch, nil
}

// keep appends to the tail, dropping what is too old.
func (c *conn) keep(part []byte) {
	part = part[max(0, len(part)-keepTail):]
	if over := len(c.scratch) + len(part) - keepTail; over > 0 {
		c.scratch = append(c.scratch[:0], c.scratch[over:]...)
	}
	c.scratch = append(c.scratch, part...)
}
