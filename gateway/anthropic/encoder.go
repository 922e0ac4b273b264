package anthropic

import (
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// maxHeld is how many bytes of parts that come side by side may wait for one before them.
const maxHeld = 1 << 20

// encoder writes one stream. On the wire one block is open at a time, though the dialect numbers them: clients are known that add
// every delta to the block that began last. A part that begins closes a text before it, and a call before it whose arguments are
// whole; otherwise it waits.
type encoder struct {
	told    *chat.Told
	begun   bool
	blocks  []outgoing  // by the number of their part
	current int         // the part whose block is open, -1 for none
	queue   []int       // the parts that wait
	held    int         // their bytes
	next    int         // index of the next block
	late    []chat.Part // calls whose signatures wait until no block is open
	finish  chat.Event  // of kind Finished, or none
}

// outgoing is a part on its way out.
type outgoing struct {
	header    chat.Part
	index     int // of its block
	text      []byte
	signature string
	held      int  // bytes of both that came while it waited
	sent      bool // its block is or was on the wire
	waits     bool
	ended     bool
	arguments object
}

// Encode implements chat.Encoder.
func (e *encoder) Encode(dst []byte, event *chat.Event) []byte {
	if event.Choice != 0 {
		return dst
	}
	switch event.Kind {
	case chat.Began:
		return e.begin(dst)
	case chat.PartBegan:
		dst = e.begin(dst)
		for len(e.blocks) <= event.Part {
			e.blocks = append(e.blocks, outgoing{})
		}
		b := &e.blocks[event.Part]
		b.header, b.signature = event.Header, event.Header.Signature
		if b.header.Kind == chat.ToolCall || b.header.Kind == chat.Image || b.header.Kind == chat.File {
			e.wait(event.Part)
		}
	case chat.PartDelta:
		if event.Part < len(e.blocks) {
			dst = e.delta(dst, event)
		}
	case chat.PartEnded:
		if event.Part < len(e.blocks) {
			b := &e.blocks[event.Part]
			if b.ended = true; !b.sent && (b.header.Kind == chat.Redacted || b.header.Kind == chat.Thinking) {
				e.wait(event.Part)
			}
		}
	case chat.Finished:
		e.finish = *event
		return dst
	case chat.Reported, chat.Ended, chat.Broken:
		return dst
	}
	return e.pump(dst)
}

func (e *encoder) wait(part int) {
	if b := &e.blocks[part]; !b.waits {
		b.waits, b.sent = true, false
		e.queue = append(e.queue, part)
	}
}

// delta sends a piece of the open block, and keeps one of any other. What comes of a call that was closed can only be blanks and its
// signature.
func (e *encoder) delta(dst []byte, event *chat.Event) []byte {
	b := &e.blocks[event.Part]
	if event.Header.Origin != "" {
		b.header.Origin = event.Header.Origin
	}
	switch b.header.Kind {
	case chat.ToolCall:
		b.signature += event.Signature // written when its block has ended
		if b.sent && event.Part != e.current {
			e.sign(b)
			return dst
		}
		b.arguments.add(event.Delta)
	case chat.Redacted:
		b.signature += event.Signature
		return dst // written whole when it ends
	case chat.Thinking:
	default:
		if !isText(b.header.Kind) {
			return dst
		}
	}
	if event.Delta == "" && (event.Signature == "" || b.header.Kind != chat.Thinking) {
		return dst
	}
	if event.Part == e.current {
		return e.pieces(dst, b, event.Delta, event.Signature)
	}
	b.text = append(b.text, event.Delta...)
	if b.header.Kind == chat.Thinking {
		b.signature += event.Signature
	}
	b.held += len(event.Delta) + len(event.Signature)
	e.held += len(event.Delta) + len(event.Signature)
	e.wait(event.Part)
	return dst
}

// pump closes and opens what can be.
func (e *encoder) pump(dst []byte) []byte {
	for {
		if e.current >= 0 {
			b := &e.blocks[e.current]
			if !b.ended && (len(e.queue) == 0 || b.header.Kind == chat.ToolCall && !b.arguments.whole && e.held <= maxHeld) {
				return dst
			}
			dst = e.stop(dst, b)
		}
		for i := range e.late {
			dst = e.signed(dst, &e.late[i])
		}
		e.late = e.late[:0]
		if len(e.queue) == 0 {
			return dst
		}
		dst = e.open(dst, e.queue[0])
		e.queue = slices.Delete(e.queue, 0, 1)
	}
}

// stop ends the open block.
func (e *encoder) stop(dst []byte, b *outgoing) []byte {
	e.current = -1
	if b.header.Kind == chat.ToolCall {
		e.sign(b)
	}
	return appendStop(dst, b.index)
}

// sign has the signature of a call written, if there is one, when no block is open.
func (e *encoder) sign(b *outgoing) {
	if b.signature == "" {
		return
	}
	p := b.header
	p.Signature, b.signature = b.signature, ""
	e.late = append(e.late, p)
}

// signed writes the block with the signature of a call.
func (e *encoder) signed(dst []byte, p *chat.Part) []byte {
	w := answerWriter{jsonscan.Builder{Dst: appendStart(dst, e.next)}}
	w.callSignature(p)
	w.Raw("}\n\n")
	dst = appendStop(w.Dst, e.next)
	e.next++
	return dst
}

func appendStart(dst []byte, index int) []byte {
	dst = append(dst, "event: content_block_start\ndata: "...)
	return append(appendCount(dst, `{"type":"content_block_start","index":`, int64(index)), `,"content_block":`...)
}

func appendStop(dst []byte, index int) []byte {
	dst = append(dst, "event: content_block_stop\ndata: "...)
	return append(appendCount(dst, `{"type":"content_block_stop","index":`, int64(index)), "}\n\n"...)
}

// open begins the block of a part, with what was held back of it.
func (e *encoder) open(dst []byte, part int) []byte {
	b := &e.blocks[part]
	b.sent, b.waits, b.index, e.current = true, false, e.next, part
	e.next++
	w := answerWriter{jsonscan.Builder{Dst: appendStart(dst, b.index)}}
	header := b.header
	if header.Kind == chat.Redacted {
		header.Signature, b.signature = b.signature, ""
	}
	w.shown(&header, true)
	w.Raw("}\n\n")
	text, signature := string(b.text), ""
	if b.header.Kind == chat.Thinking {
		signature, b.signature = b.signature, ""
	}
	e.held -= b.held
	b.text, b.held = nil, 0
	return e.pieces(w.Dst, b, text, signature)
}

// pieces writes the deltas of an open block.
func (e *encoder) pieces(dst []byte, b *outgoing, text, signature string) []byte {
	kind, name := "text_delta", "text"
	switch b.header.Kind {
	case chat.ToolCall:
		kind, name, signature = "input_json_delta", "partial_json", ""
	case chat.Thinking:
		kind, name = "thinking_delta", "thinking"
	default:
		signature = ""
	}
	if text != "" {
		dst = appendDelta(dst, b.index, kind, name, text)
	}
	if signature != "" {
		dst = appendDelta(dst, b.index, "signature_delta", "signature", sealed(b.header.Origin, signature))
	}
	return dst
}

func appendDelta(dst []byte, index int, kind, name, text string) []byte {
	dst = append(dst, "event: content_block_delta\ndata: "...)
	dst = appendCount(dst, `{"type":"content_block_delta","index":`, int64(index))
	dst = append(append(dst, `,"delta":{"type":"`...), kind...)
	dst = append(append(append(dst, `","`...), name...), `":`...)
	return append(jsonscan.AppendString(dst, text), "}}\n\n"...)
}
