package sim

import "strconv"

// An output item is written in three pieces, so that a stream can keep one while it grows: its beginning up to the text that
// tokens add to, the text, and the end.

// reasoningItem appends a whole item of reasoning with its summary, which is empty if nobody asked for one.
func (c *call) reasoningItem(b []byte) []byte {
	b = append(b, `{"id":"`...)
	b = c.itemID(b, "rs", 0)
	b = append(b, `","type":"reasoning","summary":[`...)
	if c.req.showThoughts {
		b = append(b, `{"type":"summary_text","text":"`...)
		b = c.thoughtText(b, 0)
		b = append(b, `"}`...)
	}
	b = append(b, ']')
	if c.req.encrypted {
		b = append(b, `,"encrypted_content":"`...)
		b = appendSignature(b, encryptedHash)
		b = append(b, '"')
	}
	return append(b, '}')
}

// encryptedHash is what encrypted reasoning is the signature of.
const encryptedHash = 0x5ea50

// messageItem appends the beginning of the message.
func (c *call) messageItem(b []byte) []byte {
	b = append(b, `{"id":"`...)
	b = c.itemID(b, "msg", 0)
	b = append(b, `","type":"message","role":"assistant","content":[`...)
	return c.textPart(b)
}

// textPart appends the beginning of the message's only part.
func (c *call) textPart(b []byte) []byte {
	if c.plan.finish == finishRefusal {
		return append(b, `{"type":"refusal","refusal":"`...)
	}
	return append(b, `{"type":"output_text","annotations":[],"logprobs":[],"text":"`...)
}

func (c *call) messageItemEnd(b []byte) []byte {
	b = append(b, `"}],"status":"`...)
	b = append(b, c.itemStatus(c.plan.calls == 0)...)
	return append(b, `"}`...)
}

// callItem appends the beginning of a function call.
func (c *call) callItem(b []byte, number int64) []byte {
	b = append(b, `{"id":"`...)
	b = c.itemID(b, "fc", number)
	b = append(b, `","type":"function_call","call_id":"`...)
	b = c.callID(b, "call_sim-", 0, number)
	b = append(b, `","name":"`...)
	b = append(b, c.req.toolName(number)...)
	return append(b, `","arguments":"`...)
}

func (c *call) callItemEnd(b []byte, number int64) []byte {
	b = append(b, `","status":"`...)
	b = append(b, c.itemStatus(number == c.plan.calls-1)...)
	return append(b, `"}`...)
}

// whole appends a response in one piece.
func (responses) whole(c *call) {
	p := &c.plan
	status, why := responsesStatus(p.finish)
	b := c.responseHead(c.out, status, why)
	start := len(b)
	if p.reasoning > 0 {
		b = c.reasoningItem(b)
	}
	if p.text > 0 {
		b = c.messageItem(comma(b, start))
		for range p.text {
			b = c.texts[0].appendNext(b, c.server.words)
		}
		b = c.messageItemEnd(b)
	}
	for number := range p.calls {
		b = c.callItem(comma(b, start), number)
		b = c.arguments(b, 0, number, true)
		b = c.callItemEnd(b, number)
	}
	c.out = append(c.responseTail(b, true), '\n')
}

// outputIndex is the index of the message, for number -1, or of a call's item.
func (c *call) outputIndex(number int64) int64 {
	index := max(number, 0)
	if c.plan.reasoning > 0 {
		index++
	}
	if number >= 0 && c.plan.text > 0 {
		index++
	}
	return index
}

// appendIndexed appends the members that say which item an event is about.
func (c *call) appendIndexed(b []byte, kind string, number, index int64) []byte {
	b = append(b, `,"item_id":"`...)
	b = c.itemID(b, kind, number)
	b = append(b, `","output_index":`...)
	return strconv.AppendInt(b, index, 10)
}
