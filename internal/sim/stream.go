package sim

// sendAt is how many bytes of chunks with no time between them go out in one write.
const sendAt = 16 << 10

// stream produces an answer chunk by chunk.
func (c *call) stream() {
	k := &c.req.controls
	if k.fault == FaultMalformed && k.variant == "html" {
		if c.pause(k.first) {
			c.page()
		} else {
			c.quit()
		}
		return
	}
	if !c.pause(k.first) {
		c.quit()
		return
	}
	h := c.w.Header()
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	if _, ok := c.d.(framer); ok {
		h["Content-Type"] = []string{frameType}
	}
	h["Cache-Control"] = []string{"no-cache"}
	c.begun()
	c.d.open(c)
	struck, ended := c.content()
	if ended {
		return
	}
	if known, _ := specOf(string(k.fault)); known.strikes && !struck && c.strike() {
		return
	}
	reported := c.d.close(c)
	c.conclude(completed, reported)
}

// content produces the tokens. struck says that the fault has happened; ended that the call is over.
func (c *call) content() (struck, ended bool) {
	k := &c.req.controls
	at := int64(unset)
	if known, _ := specOf(string(k.fault)); known.strikes {
		if at = k.after; at == unset {
			at = defaultStrike
		}
	}
	gap := k.between
	each := k.flush || gap > 0
	if k.fault == FaultSlowDrip {
		gap = 0 // spent between the pieces
	}
	for step := range c.plan.tokens {
		if step > 0 && !c.pause(gap) {
			c.quit()
			return struck, true
		}
		if step == at {
			if struck = true; c.strike() {
				return true, true
			}
		}
		for i := range c.texts {
			c.texts[i].stamp = k.stamped
			c.d.token(c, i, step)
		}
		c.used.Completion += int64(len(c.texts))
		if each || len(c.out) >= sendAt {
			c.send(false)
		}
	}
	return struck, false
}

// strike lets the fault happen at its place, and says whether the call is over.
func (c *call) strike() bool {
	switch k := &c.req.controls; k.fault {
	case FaultCut:
		c.cut()
	case FaultTimeoutAfter:
		c.send(false)
		c.stall()
	case FaultErrorInStream:
		c.d.failed(c)
		c.conclude(broken, false)
	case FaultMalformed:
		c.d.half(c, k.variant == "json" || k.variant == "skip")
		if k.variant == "endless" {
			c.endless()
			return true
		}
		if k.variant == "skip" {
			return false
		}
		c.conclude(broken, false)
	default:
		return false
	}
	return true
}
