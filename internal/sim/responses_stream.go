package sim

import "strconv"

// numbered begins an event: its name, its data's type and its sequence number.
func (c *call) numbered(b []byte, name string) []byte {
	b = c.event(b, name)
	b = append(b, `,"sequence_number":`...)
	b = strconv.AppendInt(b, c.events, 10)
	c.events++
	return b
}

func (responses) open(c *call) {
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		b := append(c.numbered(c.out, name), `,"response":`...)
		b = c.responseTail(c.responseHead(b, "in_progress", ""), false)
		c.out = append(b, "}\n\n"...)
	}
	if c.plan.reasoning > 0 {
		c.reasoningEvents()
	}
}

// reasoningEvents appends the events of the item of reasoning.
func (c *call) reasoningEvents() {
	b := append(c.numbered(c.out, "response.output_item.added"), `,"output_index":0,"item":{"id":"`...)
	b = c.itemID(b, "rs", 0)
	c.out = append(b, "\",\"type\":\"reasoning\",\"summary\":[]}}\n\n"...)
	if c.req.showThoughts {
		c.summaryEvents()
	}
	c.kept = c.reasoningItem(c.kept)
	b = append(c.numbered(c.out, "response.output_item.done"), `,"output_index":0,"item":`...)
	b = append(b, c.kept...)
	c.out = append(b, "}\n\n"...)
}

// summaryEvents appends the events of the summary's only part.
func (c *call) summaryEvents() {
	summary := func(name string) []byte {
		b := c.appendIndexed(c.numbered(c.out, "response.reasoning_summary_"+name), "rs", 0, 0)
		return append(b, `,"summary_index":0`...)
	}
	c.out = append(summary("part.added"), ",\"part\":{\"type\":\"summary_text\",\"text\":\"\"}}\n\n"...)
	thoughts := c.thoughts(0)
	for range c.plan.reasoning {
		b := append(summary("text.delta"), `,"delta":"`...)
		b = thoughts.appendNext(b, c.server.words)
		c.out = append(b, "\"}\n\n"...)
		if len(c.out) >= sendAt {
			c.send(false)
		}
	}
	b := append(summary("text.done"), `,"text":"`...)
	c.out = append(c.thoughtText(b, 0), "\"}\n\n"...)
	b = append(summary("part.done"), `,"part":{"type":"summary_text","text":"`...)
	c.out = append(c.thoughtText(b, 0), "\"}}\n\n"...)
}

func (responses) token(c *call, _ int, step int64) {
	number, offset := c.plan.place(step)
	if number < 0 {
		if offset == 0 {
			c.messageBegins()
		}
		c.textDelta()
		if offset == c.plan.text-1 {
			c.messageEnds()
		}
		return
	}
	if offset == 0 {
		c.callBegins(number)
	} else {
		c.callDelta(number, offset)
	}
	if offset == c.plan.lengthOf(number)-1 {
		c.callEnds(number)
	}
}

// textName is the middle of the names of the text's events.
func (c *call) textName() string {
	if c.plan.finish == finishRefusal {
		return "refusal"
	}
	return "output_text"
}

func (c *call) messageBegins() {
	index := c.outputIndex(-1)
	c.item = len(comma(c.kept, 0))
	c.kept = c.messageItem(comma(c.kept, 0))
	c.text = len(c.kept)
	b := append(c.numbered(c.out, "response.output_item.added"), `,"output_index":`...)
	b = strconv.AppendInt(b, index, 10)
	b = append(b, `,"item":{"id":"`...)
	b = c.itemID(b, "msg", 0)
	b = append(b, "\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"status\":\"in_progress\"}}\n\n"...)
	b = c.appendIndexed(c.numbered(b, "response.content_part.added"), "msg", 0, index)
	b = append(b, `,"content_index":0,"part":`...)
	b = c.textPart(b)
	c.out = append(b, "\"}}\n\n"...)
	c.prefix = c.appendIndexed(c.prefix[:0], "msg", 0, index)
	c.prefix = append(c.prefix, `,"content_index":0`...)
}

func (c *call) textDelta() {
	b := append(c.numbered(c.out, c.deltaName()), c.prefix...)
	b = append(b, `,"delta":"`...)
	start := len(b)
	b = c.texts[0].appendNext(b, c.server.words)
	c.kept = append(c.kept, b[start:]...)
	if c.plan.finish == finishRefusal {
		c.out = append(b, "\"}\n\n"...)
		return
	}
	c.out = append(b, "\",\"logprobs\":[]}\n\n"...)
}

func (c *call) deltaName() string {
	if c.plan.finish == finishRefusal {
		return "response.refusal.delta"
	}
	return "response.output_text.delta"
}

func (c *call) messageEnds() {
	index := c.outputIndex(-1)
	b := append(c.numbered(c.out, "response."+c.textName()+".done"), c.prefix...)
	if c.plan.finish == finishRefusal {
		b = append(b, `,"refusal":"`...)
	} else {
		b = append(b, `,"logprobs":[],"text":"`...)
	}
	b = append(b, c.kept[c.text:]...)
	b = append(b, "\"}\n\n"...)
	b = append(c.numbered(b, "response.content_part.done"), c.prefix...)
	b = c.textPart(append(b, `,"part":`...))
	b = append(b, c.kept[c.text:]...)
	c.out = append(b, "\"}}\n\n"...)
	c.kept = c.messageItemEnd(c.kept)
	c.itemDone(index)
}

// itemDone appends the event that repeats the item that has just ended.
func (c *call) itemDone(index int64) {
	b := append(c.numbered(c.out, "response.output_item.done"), `,"output_index":`...)
	b = strconv.AppendInt(b, index, 10)
	b = append(b, `,"item":`...)
	b = append(b, c.kept[c.item:]...)
	c.out = append(b, "}\n\n"...)
}

func (c *call) callBegins(number int64) {
	c.item = len(comma(c.kept, 0))
	c.kept = c.callItem(comma(c.kept, 0), number)
	c.text = len(c.kept)
	b := append(c.numbered(c.out, "response.output_item.added"), `,"output_index":`...)
	b = strconv.AppendInt(b, c.outputIndex(number), 10)
	b = append(b, `,"item":`...)
	b = append(b, c.kept[c.item:]...)
	c.out = append(b, "\",\"status\":\"in_progress\"}}\n\n"...)
}

func (c *call) callDelta(number, offset int64) {
	b := c.appendIndexed(c.numbered(c.out, "response.function_call_arguments.delta"), "fc", number, c.outputIndex(number))
	b = append(b, `,"delta":"`...)
	start := len(b)
	b = c.argument(b, 0, offset, true)
	c.kept = append(c.kept, b[start:]...)
	c.out = append(b, "\"}\n\n"...)
}

func (c *call) callEnds(number int64) {
	index := c.outputIndex(number)
	b := c.appendIndexed(c.numbered(c.out, "response.function_call_arguments.done"), "fc", number, index)
	b = append(b, `,"name":"`...)
	b = append(b, c.req.toolName(number)...)
	b = append(b, `","arguments":"`...)
	b = append(b, c.kept[c.text:]...)
	c.out = append(b, "\"}\n\n"...)
	c.kept = c.callItemEnd(c.kept, number)
	c.itemDone(index)
}

func (responses) close(c *call) (reported bool) {
	status, why := responsesStatus(c.plan.finish)
	c.terminal(status, why, true)
	fault := c.req.controls.fault
	return fault != FaultNoUsage && fault != FaultAbsurdUsage
}

// terminal appends the last event, which repeats the whole response.
func (c *call) terminal(status, why string, usage bool) {
	b := append(c.numbered(c.out, "response."+status), `,"response":`...)
	b = append(c.responseHead(b, status, why), c.kept...)
	c.out = append(c.responseTail(b, usage), "}\n\n"...)
}

func (responses) half(c *call, ended bool) {
	c.out = append(c.numbered(c.out, "response.output_text.delta"), `,"delta":`...)
	if ended {
		c.out = append(c.out, "\n\n"...)
	}
}

// failed appends an event of the type error, or for an overload a failed response: clients have to know both.
func (responses) failed(c *call) {
	variant := c.req.controls.variant
	if variant == "overloaded" {
		c.kept = c.kept[:0]
		c.terminal("failed", "", false)
		return
	}
	f := inStream(variant)
	b := append(c.numbered(c.out, "error"), `,"code":`...)
	b = appendText(b, f.code)
	b = append(b, `,"message":`...)
	b = appendText(b, f.message)
	c.out = append(b, ",\"param\":null}\n\n"...)
}
