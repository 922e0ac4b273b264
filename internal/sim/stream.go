package sim

import "strconv"

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
	h["Cache-Control"] = []string{"no-cache"}
	c.begun()
	c.setPrefix()
	for i := range c.texts {
		c.appendOpening(i)
	}
	struck, ended := c.content()
	if ended {
		return
	}
	if known, _ := specOf(string(k.fault)); known.strikes && !struck && c.strike() {
		return
	}
	for i := range c.texts {
		c.appendFinish(i)
	}
	reported := c.appendTrailer()
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
			c.appendToken(i, step)
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
		c.out = append(c.out, "data: "...)
		c.out = appendFailure(c.out, inStream())
		c.out = append(c.out, "\n\n"...)
		c.conclude(broken, false)
	case FaultMalformed:
		c.out = append(c.out, c.prefix...)
		c.out = append(c.out, `0,"delta":{"content":`...)
		if k.variant != "half" {
			c.out = append(c.out, "\n\n"...)
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

// inStream is the error that comes after a 200.
func inStream() *failure {
	return &failure{kind: "server_error", code: "server_error", message: "The server had an error while processing your request."}
}

// setPrefix makes the beginning that all chunks have in common, up to the choice's index.
func (c *call) setPrefix() {
	b := append(c.prefix[:0], `data: {"id":"`...)
	b = append(b, c.id...)
	b = append(b, `","object":"chat.completion.chunk","created":`...)
	b = strconv.AppendInt(b, c.created, 10)
	b = append(b, `,"model":"`...)
	b = append(b, c.req.model...)
	b = append(b, `","service_tier":"default","system_fingerprint":"fp_sim","choices":[`...)
	c.prefix = append(b, `{"index":`...)
}

// appendOpening appends a choice's first chunk, which has the role. What was unknown in the request is told in it.
func (c *call) appendOpening(choice int) {
	b := c.appendIndex(c.out, choice)
	if c.req.tool != "" {
		b = append(b, `{"role":"assistant","content":null},"logprobs":null,"finish_reason":null}]`...)
	} else {
		b = append(b, `{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]`...)
	}
	b = c.appendUnknown(b)
	c.out = c.appendNoUsage(b)
}

func (c *call) appendIndex(b []byte, choice int) []byte {
	b = append(b, c.prefix...)
	b = strconv.AppendInt(b, int64(choice), 10)
	return append(b, `,"delta":`...)
}

// appendNoUsage ends a chunk: usage is null in all but the last one, if the caller asked for usage.
func (c *call) appendNoUsage(b []byte) []byte {
	if c.req.includeUsage {
		b = append(b, `,"usage":null`...)
	}
	return append(b, "}\n\n"...)
}

// appendToken appends the chunk with a choice's next token.
func (c *call) appendToken(choice int, step int64) {
	b := c.appendIndex(c.out, choice)
	switch {
	case c.req.tool == "":
		b = append(b, `{"content":"`...)
		b = c.texts[choice].appendNext(b, c.server.words)
		b = append(b, `"}`...)
	case step == 0:
		b = append(b, `{"tool_calls":[{"index":0,`...)
		b = c.appendTool(b, choice)
		b = append(b, `"}}]}`...)
	default:
		b = append(b, `{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}`...)
	}
	b = append(b, `,"logprobs":null,"finish_reason":null}]`...)
	c.out = c.appendNoUsage(b)
}

// appendFinish appends a choice's last chunk.
func (c *call) appendFinish(choice int) {
	b := c.appendIndex(c.out, choice)
	b = append(b, `{},"logprobs":null,"finish_reason":`...)
	b = appendNullable(b, c.plan.finish)
	b = append(b, `}]`...)
	c.out = c.appendNoUsage(b)
}

// appendTrailer appends the chunk with usage, if it was asked for and no fault is in its way, and the end. reported says
// that true usage is in it.
func (c *call) appendTrailer() (reported bool) {
	fault := c.req.controls.fault
	if c.req.includeUsage && fault != FaultNoUsage {
		b := append(c.out, c.prefix[:len(c.prefix)-len(`{"index":`)]...)
		b = append(b, `],"usage":`...)
		b = c.appendUsage(b)
		c.out = append(b, "}\n\n"...)
		reported = fault != FaultAbsurdUsage
	}
	c.out = append(c.out, "data: [DONE]\n\n"...)
	return reported
}
