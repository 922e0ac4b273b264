package sim

import "strconv"

// event appends the beginning of an event: its name, and its data up to what follows the type.
func (c *call) event(b []byte, name string) []byte {
	b = append(b, "event: "...)
	b = append(b, name...)
	b = append(b, "\ndata: {\"type\":\""...)
	b = append(b, name...)
	return append(b, '"')
}

func (anthropic) open(c *call) {
	b := c.event(c.out, "message_start")
	b = append(b, `,"message":{"model":"`...)
	b = append(b, c.req.model...)
	b = append(b, `","id":"`...)
	b = append(b, c.id...)
	b = append(b, `","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null`...)
	if c.req.controls.fault != FaultNoUsage {
		b = append(b, `,"usage":`...)
		b = c.anthropicUsage(b, true)
	}
	c.out = append(b, "}}\n\n"...)
	c.prefix = append(c.prefix[:0], "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	if c.showsThoughts() {
		c.anthropicThinking()
	}
}

// anthropicThinking appends the events of the block of reasoning.
func (c *call) anthropicThinking() {
	if c.req.controls.redacted {
		b := append(c.blockStart(c.out, 0), `{"type":"redacted_thinking","data":"`...)
		b = appendSignature(b, c.req.hash)
		c.out = c.blockStarted(append(b, `"}`...), 0)
		c.blockStop(0)
		return
	}
	b := append(c.blockStart(c.out, 0), `{"type":"thinking","thinking":"","signature":""}`...)
	c.out = c.blockStarted(b, 0)
	thoughts := c.thoughts(0)
	c.kept = c.kept[:0]
	if !c.req.hideThoughts {
		for range c.plan.reasoning {
			b = append(c.out, c.prefix...)
			b = append(b, `0,"delta":{"type":"thinking_delta","thinking":"`...)
			start := len(b)
			b = thoughts.appendNext(b, c.server.words)
			c.kept = append(c.kept, b[start:]...)
			c.out = append(b, "\"}}\n\n"...)
			if len(c.out) >= sendAt {
				c.send(false)
			}
		}
	}
	b = append(c.out, c.prefix...)
	b = append(b, `0,"delta":{"type":"signature_delta","signature":"`...)
	b = appendSignature(b, hashQuoted(c.kept))
	c.out = append(b, "\"}}\n\n"...)
	c.blockStop(0)
}

// blockStart appends the event that begins a block, up to the block.
func (c *call) blockStart(b []byte, index int64) []byte {
	b = c.event(b, "content_block_start")
	b = append(b, `,"index":`...)
	b = strconv.AppendInt(b, index, 10)
	return append(b, `,"content_block":`...)
}

// blockStarted ends that event. A ping follows the first one.
func (c *call) blockStarted(b []byte, index int64) []byte {
	b = append(b, "}\n\n"...)
	if index == 0 {
		b = appendPing(b)
	}
	return b
}

func appendPing(b []byte) []byte { return append(b, "event: ping\ndata: {\"type\":\"ping\"}\n\n"...) }

func (c *call) blockStop(index int64) {
	b := c.event(c.out, "content_block_stop")
	b = append(b, `,"index":`...)
	b = strconv.AppendInt(b, index, 10)
	c.out = append(b, "}\n\n"...)
}

// blockIndex is the index of the text's block, for number -1, or of a call's.
func (c *call) blockIndex(number int64) int64 {
	index := max(number, 0)
	if c.showsThoughts() {
		index++
	}
	if number >= 0 && c.plan.text > 0 {
		index++
	}
	return index
}

func (anthropic) token(c *call, choice int, step int64) {
	number, offset := c.plan.place(step)
	index, b, last := c.blockIndex(number), c.out, offset == c.plan.text-1
	switch {
	case number >= 0 && offset == 0:
		b = c.anthropicCall(c.blockStart(b, index), number)
		b = c.blockStarted(append(b, `{}}`...), index)
	case offset == 0:
		b = append(c.blockStart(b, index), `{"type":"text","text":""}`...)
		b = c.blockStarted(b, index)
	}
	b = append(b, c.prefix...)
	b = strconv.AppendInt(b, index, 10)
	if number < 0 {
		b = append(b, `,"delta":{"type":"text_delta","text":"`...)
		b = c.texts[choice].appendNext(b, c.server.words)
	} else {
		last = offset == c.plan.lengthOf(number)-1
		b = append(b, `,"delta":{"type":"input_json_delta","partial_json":"`...)
		if offset > 0 {
			b = c.argument(b, choice, offset, true)
		}
	}
	c.out = append(b, "\"}}\n\n"...)
	if last {
		c.blockStop(index)
	}
	if every := c.req.controls.ping; every > 0 && (step+1)%every == 0 {
		c.out = appendPing(c.out)
	}
}

func (anthropic) close(c *call) (reported bool) {
	fault := c.req.controls.fault
	b := c.event(c.out, "message_delta")
	b = append(b, `,"delta":{"stop_reason":`...)
	b = c.anthropicStop(b)
	b = append(b, '}')
	if fault != FaultNoUsage {
		b = append(b, `,"usage":`...)
		b = c.anthropicUsage(b, false)
		reported = fault != FaultAbsurdUsage
	}
	b = append(b, "}\n\n"...)
	c.out = append(c.event(b, "message_stop"), "}\n\n"...)
	return reported
}

func (anthropic) half(c *call, ended bool) {
	c.out = append(c.out, c.prefix...)
	c.out = append(c.out, `0,"delta":{"type":"text_delta","text":`...)
	if ended {
		c.out = append(c.out, "\n\n"...)
	}
}

func (d anthropic) failed(c *call) {
	b := append(c.out, "event: error\ndata: "...)
	b = d.failure(b, inStream(c.req.controls.variant), &c.about)
	c.out = append(b, "\n\n"...)
}
