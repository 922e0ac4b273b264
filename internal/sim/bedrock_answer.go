package sim

func (bedrock) whole(c *call) {
	p := &c.plan
	b := append(c.out, `{"metrics":{"latencyMs":1},"output":{"message":{"role":"assistant","content":[`...)
	start := len(b)
	if c.showsThoughts() {
		b = c.bedrockThoughts(b)
	}
	if p.text > 0 {
		b = append(comma(b, start), `{"text":`...)
		b = c.quotedText(b, 0)
		b = append(b, '}')
	}
	for number := range p.calls {
		b = append(comma(b, start), `{"toolUse":{"input":`...)
		if p.entire(number) {
			b = c.arguments(b, 0, number, false)
		} else {
			b = append(b, `{}`...)
		}
		b = append(b, `,"toolUseId":"`...)
		b = c.callID(b, "tooluse_sim_", 0, number)
		b = append(b, `","name":"`...)
		b = append(b, c.req.toolName(number)...)
		b = append(b, `"}}`...)
	}
	b = append(b, `]}}`...)
	if stop := c.bedrockStop(); stop != "" {
		b = append(b, `,"stopReason":"`+stop+`"`...)
	}
	b = append(b, `,"serviceTier":{"type":"default"}`...)
	if c.req.controls.fault != FaultNoUsage {
		b = append(b, `,"usage":`...)
		b = c.bedrockUsage(b)
	}
	c.out = append(b, '}')
}

// bedrockThoughts appends the whole block of reasoning.
func (c *call) bedrockThoughts(b []byte) []byte {
	if c.req.controls.redacted {
		b = append(b, `{"reasoningContent":{"redactedContent":"`...)
		b = appendSignature(b, c.req.hash)
		return append(b, `"}}`...)
	}
	b = append(b, `{"reasoningContent":{"reasoningText":{"text":"`...)
	start := len(b)
	if !c.req.hideThoughts {
		b = c.thoughtText(b, 0)
	}
	hash := hashQuoted(b[start:])
	b = append(b, `","signature":"`...)
	b = appendSignature(b, hash)
	return append(b, `"}}}`...)
}
