package sim

import (
	"net/http"
	"time"
)

// answer produces a body in one piece.
func (c *call) answer() {
	k := &c.req.controls
	gaps := time.Duration(max(c.plan.tokens-1, 0))
	between := k.between
	if k.fault == FaultSlowDrip {
		between = 0 // spent between the pieces
	}
	begin := time.Now()
	if !c.pause(k.first + gaps*between) {
		c.partial(time.Since(begin), between)
		c.quit()
		return
	}
	c.begun()
	switch {
	case k.fault == FaultMalformed && k.variant == "html":
		c.used = Usage{}
		c.page()
		return
	case k.fault == FaultErrorInStream:
		c.used = Usage{}
		c.about.failure = inStream(k.variant)
		c.out = c.d.failure(c.out, c.about.failure, &c.about)
		c.head("application/json", len(c.out), http.StatusOK)
		c.conclude(broken, false)
		return
	}
	c.used.Completion += c.plan.tokens * int64(c.req.choices)
	c.d.whole(c)
	c.deliver()
}

// partial books what would have been produced in a part of the answer's time.
func (c *call) partial(elapsed, between time.Duration) {
	k := &c.req.controls
	if elapsed < k.first || k.fault == FaultErrorInStream || k.variant == "html" {
		return
	}
	c.begun()
	tokens := c.plan.tokens
	if between > 0 {
		tokens = min(tokens, 1+int64((elapsed-k.first)/between))
	}
	c.used.Completion += tokens * int64(c.req.choices)
}

// deliver sends the body, or as much of it as the fault lets through.
func (c *call) deliver() {
	k := &c.req.controls
	whole, part := len(c.out), len(c.out)/2
	kind := "application/json"
	if c.req.kind != "" {
		kind = c.req.kind
	}
	if k.after != unset {
		part = int(min(k.after, int64(whole-1)))
	}
	switch k.fault {
	case FaultMalformed:
		c.out = c.out[:part]
		if k.variant == "endless" {
			c.w.Header()["Content-Type"] = []string{kind}
			c.endless()
			return
		}
		c.head(kind, part, http.StatusOK)
		c.conclude(broken, false)
	case FaultCut:
		c.out = c.out[:part]
		c.head(kind, whole, http.StatusOK)
		c.cut()
	case FaultTimeoutAfter:
		c.out = c.out[:part]
		c.head(kind, whole, http.StatusOK)
		c.send(false)
		c.stall()
	default:
		c.head(kind, whole, http.StatusOK)
		c.conclude(completed, !c.req.untold && k.fault != FaultNoUsage && k.fault != FaultAbsurdUsage)
	}
}
