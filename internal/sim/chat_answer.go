package sim

import "strconv"

func (chat) whole(c *call) {
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
		b = c.chatMessage(b, i)
		b = append(b, `,"logprobs":null,"finish_reason":`...)
		b = appendNullable(b, chatFinish(c.plan.finish))
		b = c.chatVerdict(b)
		b = append(b, '}')
	}
	b = append(b, ']')
	if q.controls.fault != FaultNoUsage {
		b = append(b, `,"usage":`...)
		b = c.chatUsage(b)
	}
	b = append(b, `,"service_tier":"default","system_fingerprint":"fp_sim"`...)
	b = c.chatUnknown(b)
	c.out = append(b, "}\n"...)
}

// filter is a dialect of chat completions whose vendor judges what is said.
type filter interface {
	// refuses is the error for a prompt that is not let through.
	refuses() *failure
	// verdict appends what is said of a choice, as a member.
	verdict(b []byte, f finish) []byte
}

// chatVerdict appends the verdict about a choice that ends, if its vendor judges.
func (c *call) chatVerdict(b []byte) []byte {
	if d, ok := c.d.(filter); ok {
		return d.verdict(b, c.plan.finish)
	}
	return b
}

func (c *call) chatMessage(b []byte, choice int) []byte {
	p := &c.plan
	refused := p.finish == finishRefusal
	b = append(b, `{"role":"assistant","content":`...)
	if refused || (p.calls > 0 && p.text == 0) {
		b = append(b, `null`...)
	} else {
		b = c.quotedText(b, choice)
	}
	b = append(b, `,"refusal":`...)
	if refused {
		b = c.quotedText(b, choice)
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"annotations":[]`...)
	if p.calls > 0 {
		b = append(b, `,"tool_calls":[`...)
		for number := range p.calls {
			if number > 0 {
				b = append(b, ',')
			}
			b = append(b, '{')
			b = c.chatCall(b, choice, number)
			b = c.arguments(b, choice, number, true)
			b = append(b, `"}}`...)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// quotedText appends all of a choice's text as a JSON string.
func (c *call) quotedText(b []byte, choice int) []byte {
	b = append(b, '"')
	for range c.plan.text {
		b = c.texts[choice].appendNext(b, c.server.words)
	}
	return append(b, '"')
}

// chatCall appends the members of a tool call up to the text of its arguments.
func (c *call) chatCall(b []byte, choice int, number int64) []byte {
	b = append(b, `"id":"`...)
	b = c.callID(b, "call_sim-", choice, number)
	b = append(b, `","type":"function","function":{"name":"`...)
	b = append(b, c.req.toolName(number)...)
	return append(b, `","arguments":"`...)
}

// callID appends the id of a tool call.
func (c *call) callID(b []byte, prefix string, choice int, number int64) []byte {
	b = append(b, prefix...)
	b = strconv.AppendUint(b, c.serial, 16)
	b = append(b, '_')
	b = strconv.AppendInt(b, int64(choice), 10)
	b = append(b, '_')
	return strconv.AppendInt(b, number, 10)
}

// chatUnknown tells how many fields of the request were unknown, so that a test sees that a gateway let them through.
func (c *call) chatUnknown(b []byte) []byte {
	if c.req.unknown[0] == 0 {
		return b
	}
	b = append(b, `,"sim":{"unknown_fields":`...)
	b = strconv.AppendInt(b, c.req.unknown[0], 10)
	b = append(b, `,"unknown_bytes":`...)
	b = strconv.AppendInt(b, c.req.unknown[1], 10)
	return append(b, '}')
}

func (c *call) chatUsage(b []byte) []byte {
	u := c.wireUsage()
	b = append(b, `{"prompt_tokens":`...)
	b = strconv.AppendInt(b, u.Prompt, 10)
	b = append(b, `,"completion_tokens":`...)
	b = u.completion(b, u.Completion)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, u.total, 10)
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, u.Cached, 10)
	b = append(b, `,"cache_write_tokens":`...)
	b = strconv.AppendInt(b, u.CacheWrite, 10)
	b = append(b, `,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":`...)
	b = strconv.AppendInt(b, u.Reasoning, 10)
	return append(b, `,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`...)
}
