package sim

import (
	"encoding/binary"
	"hash/crc32"
)

// frameType is how a stream of frames is announced.
const frameType = "application/vnd.amazon.eventstream"

// framer is a dialect whose streams are frames in place of events.
type framer interface{ framed() }

const (
	framePrelude = 12 // two lengths and their checksum
	frameText    = 7  // the type of a header that is a text
)

// openFrame appends the beginning of a frame up to its payload, and says where it begins. kind is event or exception.
func (c *call) openFrame(kind, name string) (start int) {
	start = len(c.out)
	b := append(c.out, make([]byte, framePrelude)...)
	b = frameHeader(b, ":"+kind+"-type", name)
	b = frameHeader(b, ":content-type", "application/json")
	b = frameHeader(b, ":message-type", kind)
	binary.BigEndian.PutUint32(b[start+4:], uint32(len(b)-start-framePrelude)) //nolint:gosec // some 100 bytes
	c.out = b
	return start
}

func frameHeader(b []byte, name, value string) []byte {
	b = append(append(b, byte(len(name))), name...) //nolint:gosec // a word
	b = append(b, frameText)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value))) //nolint:gosec // a word
	return append(b, value...)
}

// closeFrame ends the frame that begins at start: its lengths and both checksums.
func (c *call) closeFrame(start int) {
	const checksum = 4
	b := c.out
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start+checksum)) //nolint:gosec // far below 4 GiB
	binary.BigEndian.PutUint32(b[start+8:], crc32.ChecksumIEEE(b[start:start+8]))
	c.out = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

// frame appends a whole one.
func (c *call) frame(kind, name, payload string) {
	start := c.openFrame(kind, name)
	c.out = append(c.out, payload...)
	c.closeFrame(start)
}
