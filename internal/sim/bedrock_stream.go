package sim

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"
)

func (bedrock) open(c *call) {
	c.frame("event", "messageStart", `{"role":"assistant"}`)
	if !c.showsThoughts() {
		return
	}
	if c.req.controls.redacted {
		start := c.openDelta(0, `{"reasoningContent":{"redactedContent":"`)
		c.out = appendSignature(c.out, c.req.hash)
		c.closeDelta(start, `"}}`, 0)
		c.bedrockBlockStop(0)
		return
	}
	thoughts := c.thoughts(0)
	c.kept = c.kept[:0]
	if !c.req.hideThoughts {
		for step := range c.plan.reasoning {
			start := c.openDelta(0, `{"reasoningContent":{"text":"`)
			from := len(c.out)
			c.out = thoughts.appendNext(c.out, c.server.words)
			c.kept = append(c.kept, c.out[from:]...)
			c.closeDelta(start, `"}}`, step)
			if len(c.out) >= sendAt {
				c.send(false)
			}
		}
	}
	start := c.openDelta(0, `{"reasoningContent":{"signature":"`)
	c.out = appendSignature(c.out, hashQuoted(c.kept))
	c.closeDelta(start, `"}}`, 0)
	c.bedrockBlockStop(0)
}

// openDelta appends the beginning of a delta's frame.
func (c *call) openDelta(index int64, delta string) (start int) {
	start = c.openFrame("event", "contentBlockDelta")
	c.out = append(c.out, `{"contentBlockIndex":`...)
	c.out = strconv.AppendInt(c.out, index, 10)
	c.out = append(append(c.out, `,"delta":`...), delta...)
	return start
}

// closeDelta ends it, with the padding that hides how long it is.
func (c *call) closeDelta(start int, end string, step int64) {
	const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
	c.out = append(append(c.out, end...), `,"p":"`...)
	c.out = append(c.out, padding[:step%int64(len(padding))+1]...)
	c.out = append(c.out, `"}`...)
	c.closeFrame(start)
}

func (c *call) bedrockBlockStop(index int64) {
	c.frame("event", "contentBlockStop", `{"contentBlockIndex":`+strconv.FormatInt(index, 10)+`}`)
}

func (bedrock) token(c *call, choice int, step int64) {
	number, offset := c.plan.place(step)
	index, last := c.blockIndex(number), offset == c.plan.text-1
	if number >= 0 && offset == 0 {
		start := c.openFrame("event", "contentBlockStart")
		b := append(c.out, `{"contentBlockIndex":`...)
		b = strconv.AppendInt(b, index, 10)
		b = append(b, `,"start":{"toolUse":{"toolUseId":"`...)
		b = c.callID(b, "tooluse_sim_", choice, number)
		b = append(append(b, `","name":"`...), c.req.toolName(number)...)
		c.out = append(b, `"}}}`...)
		c.closeFrame(start)
	}
	if number < 0 {
		start := c.openDelta(index, `{"text":"`)
		c.out = c.texts[choice].appendNext(c.out, c.server.words)
		c.closeDelta(start, `"}`, step)
	} else {
		last = offset == c.plan.lengthOf(number)-1
		start := c.openDelta(index, `{"toolUse":{"input":"`)
		if offset > 0 {
			c.out = c.argument(c.out, choice, offset, true)
		}
		c.closeDelta(start, `"}}`, step)
	}
	if last {
		c.bedrockBlockStop(index)
	}
}

func (bedrock) close(c *call) (reported bool) {
	fault, stop := c.req.controls.fault, "{}"
	if reason := c.bedrockStop(); reason != "" {
		stop = `{"stopReason":"` + reason + `"}`
	}
	c.frame("event", "messageStop", stop)
	start := c.openFrame("event", "metadata")
	c.out = append(c.out, `{"metrics":{"latencyMs":1},"serviceTier":{"type":"default"}`...)
	if fault != FaultNoUsage {
		c.out = append(c.out, `,"usage":`...)
		c.out = c.bedrockUsage(c.out)
		reported = fault != FaultAbsurdUsage
	}
	c.out = append(c.out, '}')
	c.closeFrame(start)
	return reported
}

func (bedrock) half(c *call, ended bool) {
	start := c.openDelta(0, `{"text":`)
	switch {
	case ended:
		c.closeFrame(start)
	case c.req.controls.variant == "crc":
		c.out = append(c.out, `"x"}}`...)
		c.closeFrame(start)
		c.out[len(c.out)-1] ^= 1
	case c.req.controls.variant == "endless":
		b := c.out[start:]
		binary.BigEndian.PutUint32(b, floodBytes)
		binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[:8]))
	default: // it promises more than comes
		binary.BigEndian.PutUint32(c.out[start:], uint32(len(c.out)-start+100)) //nolint:gosec // some 100 bytes
		binary.BigEndian.PutUint32(c.out[start+8:], crc32.ChecksumIEEE(c.out[start:start+8]))
	}
}

// failed appends an exception, whose class begins with a small letter in a stream.
func (bedrock) failed(c *call) {
	f := inStream(c.req.controls.variant)
	kind := []byte(bedrockError(f))
	kind[0] |= 0x20
	start := c.openFrame("exception", string(kind))
	c.out = append(c.out, `{"message":`...)
	c.out = append(appendText(c.out, bedrockMessage(f)), '}')
	c.closeFrame(start)
}
