package sim

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// pause waits, and says whether to go on: not when the client left, unless it drains, and not when the server closes.
func (c *call) pause(d time.Duration) bool {
	if c.ctx.Err() != nil {
		c.gone = true
	}
	if c.server.stop.Err() != nil && d > 0 {
		return false
	}
	if d <= 0 || (c.gone && !c.req.controls.drain) {
		return c.going()
	}
	c.timer.Reset(d)
	left := c.ctx.Done()
	if c.gone {
		left = nil
	}
	for {
		select {
		case <-c.timer.C:
			return true
		case <-left:
			c.gone, left = true, nil
			if !c.req.controls.drain {
				c.timer.Stop()
				return false
			}
		case <-c.server.stop.Done():
			c.timer.Stop()
			return false
		}
	}
}

// going says whether there is still a reason to produce.
func (c *call) going() bool { return !c.gone || c.req.controls.drain }

// send writes out what is pending; last leaves the flush to the end of the request. Without a client it writes nothing.
func (c *call) send(last bool) {
	if piece := c.req.controls.piece; piece > 0 && c.req.controls.fault == FaultSlowDrip {
		c.drip(int(piece))
		return
	}
	c.write(c.out, !last)
	c.out = c.out[:0]
}

func (c *call) write(b []byte, flush bool) {
	if c.gone {
		return
	}
	if _, err := c.w.Write(b); err != nil {
		c.gone = true
		return
	}
	if flusher, ok := c.w.(http.Flusher); ok && flush {
		flusher.Flush()
	}
}

// drip writes out what is pending piece by piece.
func (c *call) drip(piece int) {
	for rest := c.out; len(rest) > 0; {
		if c.dripped && !c.pause(c.req.controls.between) {
			c.gone = true
			break
		}
		n := min(piece, len(rest))
		c.write(rest[:n], true)
		rest = rest[n:]
		c.dripped = true
	}
	c.out = c.out[:0]
}

// sever ends the connection under the answer.
func (c *call) sever(reset bool) {
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		// No connection to take over, as with HTTP/2: net/http then resets the stream.
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		err = tcp.SetLinger(0)
	}
	err = errors.Join(err, conn.Close())
	if err != nil {
		c.server.options.Logger.Debug().Err(err).Msg("connection was gone before it was cut")
	}
}
