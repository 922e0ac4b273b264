package sim

import (
	"net/http"
	"strconv"
	"time"
)

func (c *call) entry(o outcome, reported bool) entry {
	q := &c.req
	return entry{
		model: q.model, dialect: c.d.name(), fault: q.controls.fault, outcome: o, streamed: q.stream,
		drained: o == aborted && c.drained, reported: reported, usage: c.used, unknown: q.unknown,
	}
}

// book adds the call to the totals.
func (c *call) book(o outcome, reported bool) entry {
	e := c.entry(o, reported)
	if c.req.counting {
		c.server.tally.count(&e)
		return e
	}
	c.server.tally.add(&e)
	c.remember(&e)
	if log := c.server.options.Logger.Debug(); log.Enabled() {
		log.Str("model", e.model).Str("fault", string(e.fault)).Str("outcome", o.String()).Bool("stream", e.streamed).
			Int64("prompt_tokens", e.usage.Prompt).Int64("completion_tokens", e.usage.Completion).Msg("call")
	}
	return e
}

// conclude books the call and then lets the last bytes go, so that whoever has read the end finds the call in the totals.
func (c *call) conclude(o outcome, reported bool) {
	if c.gone || c.ctx.Err() != nil {
		c.gone, c.drained = true, c.req.controls.drain
		c.book(aborted, false)
		return
	}
	booked := c.book(o, reported)
	c.send(true)
	if c.gone {
		instead := c.entry(aborted, false)
		c.server.tally.move(&booked, &instead)
		c.remember(&instead)
	}
}

// quit books a call that came to its end before its time: the client left, or the server closes.
func (c *call) quit() {
	if c.gone {
		c.book(aborted, false)
		return
	}
	c.book(broken, false)
	c.sever(false)
}

// stall holds the call without a byte until the client leaves or the wait is over.
func (c *call) stall() {
	c.req.controls.drain = false // there is nothing more to produce
	c.pause(c.req.controls.wait)
	c.quit()
}

// cut sends what is pending and ends the connection.
func (c *call) cut() {
	c.send(false)
	if c.gone {
		c.book(aborted, false)
		return
	}
	c.book(broken, false)
	c.sever(c.req.controls.variant == "reset")
}

// reject answers with the fault's status.
func (c *call) reject() {
	k := &c.req.controls
	if !c.pause(k.first) {
		c.quit()
		return
	}
	f := refusal(k.fault, k.variant)
	after := k.retryAfter
	if after == unset && retryable(k.fault, k.variant) {
		after = time.Second
	}
	c.about = about{id: c.id, serial: c.serial, failure: &f, retry: after, now: c.now}
	c.d.headers(c.w.Header(), &c.about)
	c.out = c.d.failure(c.out, &f, &c.about)
	c.head("application/json", len(c.out), f.status)
	c.conclude(rejected, false)
}

// head writes the status and the headers of a body of known length.
func (c *call) head(kind string, length, status int) {
	h := c.w.Header()
	h["Content-Type"] = []string{kind}
	h["Content-Length"] = []string{strconv.Itoa(length)}
	if !c.gone {
		c.w.WriteHeader(status)
	}
}

// page answers with a page of HTML, as a proxy in front of a vendor does when it is unwell.
func (c *call) page() {
	c.out = append(c.out[:0], "<!doctype html><html><head><title>Just a moment</title></head><body>Checking.</body></html>\n"...)
	c.head("text/html; charset=utf-8", len(c.out), http.StatusOK)
	c.conclude(broken, false)
}
