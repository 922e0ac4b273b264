package sim

import "strconv"

func (anthropic) whole(c *call) {
	b := c.out
	if c.req.counting {
		b = append(b, `{"input_tokens":`...)
		b = strconv.AppendInt(b, c.used.Prompt, 10)
		c.out = append(b, '}')
		return
	}
	p := &c.plan
	b = append(b, `{"model":"`...)
	b = append(b, c.req.model...)
	b = append(b, `","id":"`...)
	b = append(b, c.id...)
	b = append(b, `","type":"message","role":"assistant","content":[`...)
	start := len(b)
	if c.showsThoughts() {
		b = c.anthropicThoughts(b)
	}
	if p.text > 0 {
		b = comma(b, start)
		b = append(b, `{"type":"text","text":`...)
		b = c.quotedText(b, 0)
		b = append(b, '}')
	}
	for number := range p.calls {
		b = comma(b, start)
		b = c.anthropicCall(b, number)
		if p.entire(number) {
			b = c.arguments(b, 0, number, false)
		} else {
			b = append(b, `{}`...)
		}
		b = append(b, '}')
	}
	b = append(b, `],"stop_reason":`...)
	b = c.anthropicStop(b)
	if c.req.controls.fault != FaultNoUsage {
		b = append(b, `,"usage":`...)
		b = c.anthropicUsage(b, false)
	}
	c.out = append(b, '}')
}

// comma appends a comma, unless the list that began at start is still empty.
func comma(b []byte, start int) []byte {
	if len(b) > start {
		return append(b, ',')
	}
	return b
}

// showsThoughts says whether reasoning is a part of the answer.
func (c *call) showsThoughts() bool { return c.req.showThoughts && c.plan.reasoning > 0 }

// anthropicThoughts appends the whole block of reasoning.
func (c *call) anthropicThoughts(b []byte) []byte {
	if c.req.controls.redacted {
		b = append(b, `{"type":"redacted_thinking","data":"`...)
		b = appendSignature(b, c.req.hash)
		return append(b, `"}`...)
	}
	b = append(b, `{"type":"thinking","thinking":"`...)
	start := len(b)
	if !c.req.hideThoughts {
		b = c.thoughtText(b, 0)
	}
	hash := hashQuoted(b[start:])
	b = append(b, `","signature":"`...)
	b = appendSignature(b, hash)
	return append(b, `"}`...)
}

// thoughtText appends all of a choice's reasoning, escaped for a JSON string.
func (c *call) thoughtText(b []byte, choice int) []byte {
	thoughts := c.thoughts(choice)
	for range c.plan.reasoning {
		b = thoughts.appendNext(b, c.server.words)
	}
	return b
}

// anthropicCall appends a block of a tool call up to its input.
func (c *call) anthropicCall(b []byte, number int64) []byte {
	b = append(b, `{"type":"tool_use","id":"`...)
	b = c.callID(b, "toolu_sim_", 0, number)
	b = append(b, `","name":"`...)
	b = append(b, c.req.toolName(number)...)
	return append(b, `","input":`...)
}
