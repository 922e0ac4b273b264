package sim

import "strconv"

// geminiChunk begins a chunk: an event, or an element of the array that clients get who do not ask for events.
func (c *call) geminiChunk(b []byte) []byte {
	c.events++
	switch {
	case !c.req.array:
		return append(b, "data: "...)
	case c.events == 1:
		return append(b, '[')
	}
	return append(b, ",\r\n"...)
}

func (c *call) geminiChunkEnd(b []byte) []byte {
	if c.req.array {
		return b
	}
	return append(b, "\r\n\r\n"...)
}

func (gemini) open(c *call) {
	kind := "text/event-stream"
	if c.req.array {
		kind = "application/json; charset=UTF-8"
	}
	c.w.Header()["Content-Type"] = []string{kind}
	if !c.showsThoughts() {
		return
	}
	for i := range c.texts {
		thoughts := c.thoughts(i)
		for range c.plan.reasoning {
			b := c.geminiPart(c.out)
			b = append(b, `{"text":"`...)
			b = thoughts.appendNext(b, c.server.words)
			b = append(b, `","thought":true}`...)
			c.geminiPartEnd(b, i)
			if len(c.out) >= sendAt {
				c.send(false)
			}
		}
	}
}

// geminiPart appends a chunk up to the one part that it has.
func (c *call) geminiPart(b []byte) []byte {
	return append(c.geminiChunk(b), `{"candidates":[{"content":{"parts":[`...)
}

// geminiPartEnd ends that chunk.
func (c *call) geminiPartEnd(b []byte, choice int) {
	b = append(b, `],"role":"model"},"index":`...)
	b = strconv.AppendInt(b, int64(choice), 10)
	b = append(b, `}],`...)
	c.out = c.geminiChunkEnd(c.geminiEnd(b, false))
}

// token appends a chunk with a token of the text, or with a whole call once its last token is there. The usage in it
// has this token already.
func (gemini) token(c *call, choice int, step int64) {
	number, offset := c.plan.place(step)
	if number >= 0 && offset < callTokens+c.plan.words-1 {
		return
	}
	c.used.Completion += int64(choice + 1)
	b := c.geminiPart(c.out)
	if number < 0 {
		b = append(b, `{"text":"`...)
		b = c.texts[choice].appendNext(b, c.server.words)
		b = append(b, `"}`...)
	} else {
		b = c.geminiCall(b, choice, number)
	}
	c.geminiPartEnd(b, choice)
	c.used.Completion -= int64(choice + 1) // the core books it
}

func (gemini) close(c *call) (reported bool) {
	if c.plan.finish == finishBlocked {
		b := append(c.geminiChunk(c.out), '{')
		b = append(b, geminiBlocked...)
		c.out = c.geminiChunkEnd(c.geminiEnd(b, true))
	} else {
		for i := range c.texts {
			b := append(c.geminiChunk(c.out), `{"candidates":[{"content":{`...)
			b = append(b, `"parts":[{"text":""`...) // clients take a content without parts for a broken one
			if c.plan.calls == 0 && c.plan.reasoning > 0 {
				b = geminiSign(b, "")
			}
			b = append(b, `}],`...)
			b = append(b, `"role":"model"}`...)
			b = append(c.geminiFinished(b, i), `],`...)
			c.out = c.geminiChunkEnd(c.geminiEnd(b, i == len(c.texts)-1))
		}
	}
	if c.req.array {
		c.out = append(c.out, ']')
	}
	fault := c.req.controls.fault
	return fault != FaultNoUsage && fault != FaultAbsurdUsage
}

func (gemini) half(c *call, ended bool) {
	c.out = append(c.geminiPart(c.out), `{"text":`...)
	if ended {
		c.out = c.geminiChunkEnd(c.out)
	}
}

func (d gemini) failed(c *call) {
	b := d.failure(c.geminiChunk(c.out), inStream(c.req.controls.variant), &c.about)
	c.out = c.geminiChunkEnd(b)
}
