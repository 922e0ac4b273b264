package sim

import (
	"net/http"
	"strconv"
	"time"
)

// toolTokens is what a forced tool call counts for: the function's name, and its arguments.
const toolTokens = 2

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
		c.out = appendFailure(c.out, inStream())
		c.head("application/json", len(c.out), http.StatusOK)
		c.conclude(broken, false)
		return
	}
	c.used.Completion += c.plan.tokens * int64(c.req.choices)
	c.appendAnswer()
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
	if k.after != unset {
		part = int(min(k.after, int64(whole-1)))
	}
	switch k.fault {
	case FaultMalformed:
		c.out = c.out[:part]
		c.head("application/json", part, http.StatusOK)
		c.conclude(broken, false)
	case FaultCut:
		c.out = c.out[:part]
		c.head("application/json", whole, http.StatusOK)
		c.cut()
	case FaultTimeoutAfter:
		c.out = c.out[:part]
		c.head("application/json", whole, http.StatusOK)
		c.send(false)
		c.stall()
	default:
		c.head("application/json", whole, http.StatusOK)
		c.conclude(completed, k.fault != FaultNoUsage && k.fault != FaultAbsurdUsage)
	}
}

// appendAnswer appends the whole body.
func (c *call) appendAnswer() {
	q := &c.req
	b := append(c.out, `{"id":"`...)
	b = append(b, c.id...)
	b = append(b, `","object":"chat.completion","created":`...)
	b = strconv.AppendInt(b, c.created, 10)
	b = append(b, `,"model":"`...)
	b = append(b, q.model...)
	b = append(b, `","choices":[`...)
	for i := range c.texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"message":`...)
		b = c.appendMessage(b, i)
		b = append(b, `,"logprobs":null,"finish_reason":`...)
		b = appendNullable(b, c.plan.finish)
		b = append(b, '}')
	}
	b = append(b, ']')
	if q.controls.fault != FaultNoUsage {
		b = append(b, `,"usage":`...)
		b = c.appendUsage(b)
	}
	b = append(b, `,"service_tier":"default","system_fingerprint":"fp_sim"`...)
	b = c.appendUnknown(b)
	c.out = append(b, "}\n"...)
}

func (c *call) appendMessage(b []byte, choice int) []byte {
	if c.req.tool != "" && c.plan.tokens > 0 {
		b = append(b, `{"role":"assistant","content":null,"refusal":null,"annotations":[],"tool_calls":[{`...)
		b = c.appendTool(b, choice)
		if c.plan.tokens == toolTokens {
			b = append(b, `{}`...)
		}
		return append(b, `"}}]}`...)
	}
	b = append(b, `{"role":"assistant","content":"`...)
	for range c.plan.tokens {
		b = c.texts[choice].appendNext(b, c.server.words)
	}
	return append(b, `","refusal":null,"annotations":[]}`...)
}

// appendTool appends the members of a tool call up to the text of its arguments.
func (c *call) appendTool(b []byte, choice int) []byte {
	b = append(b, `"id":"call_`...)
	b = append(b, c.id[len("chatcmpl-"):]...)
	b = append(b, '_')
	b = strconv.AppendInt(b, int64(choice), 10)
	b = append(b, `","type":"function","function":{"name":"`...)
	b = append(b, c.req.tool...)
	return append(b, `","arguments":"`...)
}

// appendUnknown tells how many fields of the request were unknown, so that a test sees that a gateway let them through.
func (c *call) appendUnknown(b []byte) []byte {
	if c.req.unknown[0] == 0 {
		return b
	}
	b = append(b, `,"sim":{"unknown_fields":`...)
	b = strconv.AppendInt(b, c.req.unknown[0], 10)
	b = append(b, `,"unknown_bytes":`...)
	b = strconv.AppendInt(b, c.req.unknown[1], 10)
	return append(b, '}')
}
