package inference

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/http/sse"
)

// client is the caller's side of a call: gateway.Client over HTTP.
type client struct {
	*sse.Writer
	w   http.ResponseWriter
	d   *dialect
	cut bool
}

// newClient gives the caller so long to read what was written.
func newClient(w http.ResponseWriter, patience time.Duration, d *dialect) *client {
	return &client{Writer: sse.NewWriter(w, patience), w: w, d: d}
}

// Admitted sets the header that every answer has from now on.
func (c *client) Admitted(generation string) { c.w.Header()["X-Generation-Id"] = []string{generation} }

// Routed sets the header with the explanation.
func (c *client) Routed(explanation []byte) {
	c.w.Header()[RoutingHeader] = []string{string(explanation)}
}

// Cached sets the headers that say what the cache had to do with the call.
func (c *client) Cached(s gateway.CacheStatus) { setCacheStatus(c.w.Header(), s) }

// Whole sends an answer in one piece.
func (c *client) Whole(media string, body []byte, replayed bool) error {
	if media == "" {
		media = mediaJSON
	}
	h := c.w.Header()
	h["Content-Type"] = []string{media}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	mark(h, replayed)
	c.Hurry()
	if _, err := c.w.Write(body); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// Open begins a stream.
func (c *client) Open(media string, replayed bool) error {
	mark(c.w.Header(), replayed)
	if media != "" {
		c.w.Header()["Content-Type"] = []string{media}
		c.w.WriteHeader(http.StatusOK)
		return nil
	}
	c.Writer.Open("no-cache")
	return nil
}

// Cut ends the connection when the call is over.
func (c *client) Cut() { c.cut = true }

// Failure is the error object for a stream that has begun.
func (c *client) Failure(err error) []byte {
	f, _ := shown(err)
	return c.d.object(f)
}

func mark(h http.Header, replayed bool) {
	if replayed {
		h["Idempotent-Replayed"] = []string{"true"}
	}
}
