package inference

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// client is the caller's side of a call: gateway.Client over HTTP.
type client struct {
	w       http.ResponseWriter
	control *http.ResponseController
	patient time.Duration // how long the caller may take to read what was written
}

func newClient(w http.ResponseWriter, patience time.Duration) *client {
	return &client{w: w, control: http.NewResponseController(w), patient: patience}
}

// Admitted sets the header that every answer has from now on.
func (c *client) Admitted(generation string) { c.w.Header()["X-Generation-Id"] = []string{generation} }

// Whole sends an answer in one piece.
func (c *client) Whole(body []byte, replayed bool) error {
	h := c.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	mark(h, replayed)
	c.hurry()
	if _, err := c.w.Write(body); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// Open begins an event stream, which nobody on the way shall keep or collect.
func (c *client) Open(replayed bool) error {
	h := c.w.Header()
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	h["Cache-Control"] = []string{"no-cache"}
	h["X-Accel-Buffering"] = []string{"no"}
	mark(h, replayed)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// Write sends bytes of the stream at once.
func (c *client) Write(p []byte) error {
	c.hurry()
	if _, err := c.w.Write(p); err != nil {
		return fmt.Errorf("write to the stream: %w", err)
	}
	if err := c.control.Flush(); err != nil {
		return fmt.Errorf("flush the stream: %w", err)
	}
	return nil
}

// Failure is the error object for a stream that has begun.
func (c *client) Failure(err error) []byte {
	f, _ := shown(err)
	return f.object()
}

// hurry keeps a caller who does not read from holding the call for ever. The server takes the deadline back when the
// request has ended.
func (c *client) hurry() { _ = c.control.SetWriteDeadline(time.Now().Add(c.patient)) } // not every writer has deadlines

func mark(h http.Header, replayed bool) {
	if replayed {
		h["Idempotent-Replayed"] = []string{"true"}
	}
}
