package sim

import "strconv"

func (chat) open(c *call) {
	c.chatPrefix()
	for i := range c.texts {
		c.chatOpening(i)
	}
}

// chatPrefix makes the beginning that all chunks have in common, up to the choice's index.
func (c *call) chatPrefix() {
	b := append(c.prefix[:0], `data: {"id":"`...)
	b = append(b, c.id...)
	b = append(b, `","object":"chat.completion.chunk","created":`...)
	b = strconv.AppendInt(b, c.created, 10)
	b = append(b, `,"model":"`...)
	b = append(b, c.req.model...)
	b = append(b, `","service_tier":"default","system_fingerprint":"fp_sim","choices":[`...)
	c.prefix = append(b, `{"index":`...)
}

// chatOpening appends a choice's first chunk, which has the role. What was unknown in the request is told in it.
func (c *call) chatOpening(choice int) {
	b := c.chatIndex(c.out, choice)
	if c.plan.text == 0 && c.plan.calls > 0 || c.plan.finish == finishRefusal {
		b = append(b, `{"role":"assistant","content":null},"logprobs":null,"finish_reason":null}]`...)
	} else {
		b = append(b, `{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]`...)
	}
	b = c.chatUnknown(b)
	c.out = c.chatNoUsage(b)
}

func (c *call) chatIndex(b []byte, choice int) []byte {
	b = append(b, c.prefix...)
	b = strconv.AppendInt(b, int64(choice), 10)
	return append(b, `,"delta":`...)
}

// chatNoUsage ends a chunk: usage is null in all but the last one, if the caller asked for usage.
func (c *call) chatNoUsage(b []byte) []byte {
	if c.req.includeUsage {
		b = append(b, `,"usage":null`...)
	}
	return append(b, "}\n\n"...)
}

func (chat) token(c *call, choice int, step int64) {
	b := c.chatIndex(c.out, choice)
	number, offset := c.plan.place(step)
	switch {
	case number < 0 && c.plan.finish == finishRefusal:
		b = append(b, `{"refusal":"`...)
		b = c.texts[choice].appendNext(b, c.server.words)
		b = append(b, `"}`...)
	case number < 0:
		b = append(b, `{"content":"`...)
		b = c.texts[choice].appendNext(b, c.server.words)
		b = append(b, `"}`...)
	case offset == 0:
		b = append(b, `{"tool_calls":[{"index":`...)
		b = strconv.AppendInt(b, number, 10)
		b = append(b, ',')
		b = c.chatCall(b, choice, number)
		b = append(b, `"}}]}`...)
	default:
		b = append(b, `{"tool_calls":[{"index":`...)
		b = strconv.AppendInt(b, number, 10)
		b = append(b, `,"function":{"arguments":"`...)
		b = c.argument(b, choice, offset, true)
		b = append(b, `"}}]}`...)
	}
	b = append(b, `,"logprobs":null,"finish_reason":null}]`...)
	c.out = c.chatNoUsage(b)
}

// close appends each choice's last chunk, the chunk with usage, if it was asked for and no fault is in its way, and the end.
func (chat) close(c *call) (reported bool) {
	for i := range c.texts {
		b := c.chatIndex(c.out, i)
		b = append(b, `{},"logprobs":null,"finish_reason":`...)
		b = appendNullable(b, chatFinish(c.plan.finish))
		b = c.chatVerdict(b)
		b = append(b, `}]`...)
		c.out = c.chatNoUsage(b)
	}
	fault := c.req.controls.fault
	if c.req.includeUsage && fault != FaultNoUsage {
		b := append(c.out, c.prefix[:len(c.prefix)-len(`{"index":`)]...)
		b = append(b, `],"usage":`...)
		b = c.chatUsage(b)
		c.out = append(b, "}\n\n"...)
		reported = fault != FaultAbsurdUsage
	}
	c.out = append(c.out, "data: [DONE]\n\n"...)
	return reported
}

func (chat) half(c *call, ended bool) {
	c.out = append(c.out, c.prefix...)
	c.out = append(c.out, `0,"delta":{"content":`...)
	if ended {
		c.out = append(c.out, "\n\n"...)
	}
}

func (chat) failed(c *call) {
	c.out = append(c.out, "data: "...)
	c.out = appendOpenAIFailure(c.out, inStream(c.req.controls.variant))
	c.out = append(c.out, "\n\n"...)
}
