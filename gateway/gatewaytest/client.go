package gatewaytest

import (
	"errors"
	"strings"
	"sync"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
)

// ErrHungUp is what a Client returns that takes no more.
var ErrHungUp = errors.New("the caller hung up")

// Client notes what a caller gets.
type Client struct {
	// OnWrite, if set, is called with each piece of a stream before it is noted. An error of it is the caller hanging up.
	OnWrite func(p string) error

	mu         sync.Mutex
	generation string
	routing    string
	body       string
	media      string
	cut        bool
	pieces     []string
	cached     gateway.CacheStatus
	opened     bool
	replayed   bool
}

var _ gateway.Client = (*Client)(nil)

// NewClient makes a Client.
func NewClient() *Client { return new(Client) }

// Admitted implements gateway.Client.
func (c *Client) Admitted(generation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation = generation
}

// Routed implements gateway.Client.
func (c *Client) Routed(explanation []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.routing = string(explanation)
}

// Routing is how the call was routed, as it was told; "" if it was not.
func (c *Client) Routing() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.routing
}

// Cached implements gateway.Client.
func (c *Client) Cached(s gateway.CacheStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cached = s
}

// CacheStatus is what the cache had to do with the call, as it was told.
func (c *Client) CacheStatus() gateway.CacheStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cached
}

// Whole implements gateway.Client.
func (c *Client) Whole(media string, body []byte, replayed bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.media, c.body, c.replayed = media, string(body), replayed
	return nil
}

// Open implements gateway.Client.
func (c *Client) Open(media string, replayed bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.media, c.opened, c.replayed = media, true, replayed
	return nil
}

// Write implements gateway.Client.
func (c *Client) Write(p []byte) error {
	if c.OnWrite != nil {
		if err := c.OnWrite(string(p)); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pieces = append(c.pieces, string(p))
	return nil
}

// Failure implements gateway.Client.
func (c *Client) Failure(err error) []byte {
	return []byte(`{"code":500,"metadata":{"error_type":"` + string(domain.CodeOf(err)) + `"}}`)
}

// Cut implements gateway.Client.
func (c *Client) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
}

// WasCut says whether the connection was ended in the middle of an answer.
func (c *Client) WasCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}

// Media is the media type of the answer; "" for JSON and events.
func (c *Client) Media() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.media
}

// Generation is the id that was told.
func (c *Client) Generation() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation
}

// Body is the whole answer, or all of the stream.
func (c *Client) Body() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.body + strings.Join(c.pieces, "")
}

// Opened says whether a stream has begun.
func (c *Client) Opened() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened
}

// Replayed says whether it was an earlier answer.
func (c *Client) Replayed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replayed
}

// Comments counts the keep-alive comments, Data lists the data of the events.
func (c *Client) Comments() int { return strings.Count(c.Body(), ": keep-alive\n\n") }

// Data lists the data of the events of the stream.
func (c *Client) Data() []string {
	var out []string
	for event := range strings.SplitSeq(c.Body(), "\n\n") {
		if data, ok := strings.CutPrefix(event, "data: "); ok {
			out = append(out, data)
		}
	}
	return out
}
