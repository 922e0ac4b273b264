// Package sse writes server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html.
package sse

import (
	"fmt"
	"net/http"
	"time"
)

// Writer is the server's side of an event stream. Only Expire may be called from other goroutines than the handler's.
type Writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	patient time.Duration
}

// NewWriter makes one. A client that takes longer than patience to read what was written loses its connection.
func NewWriter(w http.ResponseWriter, patience time.Duration) *Writer {
	return &Writer{w: w, control: http.NewResponseController(w), patient: patience}
}

// Open begins the stream, which nobody on the way shall keep or collect.
func (s *Writer) Open(cacheControl string) {
	h := s.w.Header()
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	h["Cache-Control"] = []string{cacheControl}
	h["X-Accel-Buffering"] = []string{"no"}
	s.w.WriteHeader(http.StatusOK)
}

// Write sends bytes of the stream at once.
func (s *Writer) Write(p []byte) error {
	s.Hurry()
	return s.Send(p)
}

// Send is Write without a new deadline.
func (s *Writer) Send(p []byte) error {
	if _, err := s.w.Write(p); err != nil {
		return fmt.Errorf("write to the stream: %w", err)
	}
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("flush the stream: %w", err)
	}
	return nil
}

// Hurry keeps a client that does not read from holding its handler for ever. The server takes the deadline back when the
// request has ended.
func (s *Writer) Hurry() { s.Expire(time.Now().Add(s.patient)) }

// Expire ends writes, also one under way, at a time.
func (s *Writer) Expire(at time.Time) { _ = s.control.SetWriteDeadline(at) } // not every writer has deadlines
