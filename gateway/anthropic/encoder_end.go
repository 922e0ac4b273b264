package anthropic

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// AppendPing appends the event that keeps a quiet stream alive.
func AppendPing(dst []byte) []byte {
	return append(dst, "event: ping\ndata: {\"type\":\"ping\"}\n\n"...)
}

// begin writes the beginning. The usage in it is nought: what is used shows at the end.
func (e *encoder) begin(dst []byte) []byte {
	if e.begun {
		return dst
	}
	e.begun = true
	w := answerWriter{jsonscan.Builder{Dst: append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)}}
	w.head(e.told)
	w.Raw(`],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}`)
	w.tail(e.told)
	w.Raw("}\n\n")
	return w.Dst
}

// End implements chat.Encoder.
func (e *encoder) End(dst []byte, b *chat.Bill) []byte {
	dst = e.close(e.begin(dst))
	w := answerWriter{jsonscan.Builder{Dst: append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"...)}}
	w.stopped(e.finish.Finish, e.finish.Native, e.finish.Stop)
	w.Raw(`},"usage":`)
	w.Dst = AppendUsage(w.Dst, b)
	w.Raw("}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
	return w.Dst
}

// close ends all parts.
func (e *encoder) close(dst []byte) []byte {
	for i := range e.blocks {
		b := &e.blocks[i]
		if !b.sent && !b.ended && (b.header.Kind == chat.Redacted || b.header.Kind == chat.Thinking) {
			e.wait(i)
		}
		b.ended = true
	}
	return e.pump(dst)
}

// Fail implements chat.Encoder. failure is what AppendFailure makes, or only its inner object. What was charged is told in an event before it that says
// nothing else, because clients read nothing behind an error.
func (e *encoder) Fail(dst, failure []byte, b *chat.Bill) []byte {
	if b != nil {
		w := answerWriter{jsonscan.Builder{Dst: append(e.begin(dst), "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null,\"stop_sequence\":null},\"usage\":"...)}}
		w.Dst = AppendUsage(w.Dst, b)
		w.Raw("}\n\n")
		dst = w.Dst
	}
	return appendErrorEvent(dst, failure)
}

// object follows a JSON object that comes in pieces.
type object struct {
	depth        int
	text, escape bool
	whole        bool
}

// add takes a piece in.
func (o *object) add(piece string) {
	for i := 0; i < len(piece) && !o.whole; i++ {
		c := piece[i]
		switch {
		case o.escape:
			o.escape = false
		case o.text:
			o.escape, o.text = c == '\\', c != '"'
		case c == '"':
			o.text = true
		case c == '{', c == '[':
			o.depth++
		case c == '}', c == ']':
			o.depth--
			o.whole = o.depth == 0
		}
	}
}
