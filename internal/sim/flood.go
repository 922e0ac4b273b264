package sim

import (
	"bytes"
	"compress/gzip"
	"net/http"
)

// floodBytes is how much a client is sent, unpacked, that does not leave before.
const (
	floodBytes = 1 << 30
	floodBlock = 1 << 20
	bombBlock  = 16 << 20
)

// newBomb packs blanks: many such blocks behind each other are one gzip stream.
func newBomb() []byte {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(bytes.Repeat([]byte{' '}, bombBlock))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil // a buffer takes all and the level exists
	}
	return packed.Bytes()
}

// bomb answers with little that unpacks to much. Nothing was produced.
func (c *call) bomb() {
	if !c.pause(c.req.controls.first) {
		c.quit()
		return
	}
	h := c.w.Header()
	h["Content-Encoding"] = []string{"gzip"}
	h["Content-Type"] = []string{"application/json"}
	if c.req.stream {
		h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	}
	c.w.WriteHeader(http.StatusOK)
	c.flood(c.server.bomb(), bombBlock)
}

// endless goes on with what is pending, without a line's end.
func (c *call) endless() {
	c.send(false)
	c.flood(bytes.Repeat([]byte{'a'}, floodBlock), floodBlock)
}

// flood sends a block until the client has left or had its fill; size is what a block counts for.
func (c *call) flood(block []byte, size int) {
	for sent := 0; sent < floodBytes && c.ctx.Err() == nil && !c.gone && c.server.stop.Err() == nil; sent += size {
		c.write(block, false)
	}
	c.conclude(broken, false)
}
