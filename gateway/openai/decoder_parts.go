package openai

import (
	"slices"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// piece takes a piece of text.
func (d *decoder) piece(c *progress, kind chat.PartKind, text string) {
	if text == "" {
		return
	}
	if c.open == none || c.kind != kind {
		d.begin(c, chat.Part{Kind: kind}, none)
	}
	d.emit(chat.Event{Kind: chat.PartDelta, Choice: c.index, Part: c.open, Delta: text})
}

// begin opens a part in place of the open one.
func (d *decoder) begin(c *progress, header chat.Part, thought int64) {
	d.shut(c)
	c.open, c.kind, c.thought = c.parts, header.Kind, thought
	c.parts++
	d.emit(chat.Event{Kind: chat.PartBegan, Choice: c.index, Part: c.open, Header: header})
}

func (d *decoder) shut(c *progress) {
	if c.open != none {
		d.emit(chat.Event{Kind: chat.PartEnded, Choice: c.index, Part: c.open})
		c.open = none
	}
}

// close ends all parts of a choice.
func (d *decoder) close(c *progress) {
	d.shut(c)
	for i := range c.calls {
		d.emit(chat.Event{Kind: chat.PartEnded, Choice: c.index, Part: c.calls[i].part})
	}
	c.calls = nil
	for i := range c.unbound {
		d.thought(c, &c.unbound[i])
	}
	c.unbound = nil
	d.shut(c)
}

// detail takes an element of reasoning_details: a thought, a piece of one, or the signature of a call, which may come before its
// call.
func (d *decoder) detail(c *progress, one *detail, m *message) {
	p := one.part()
	if p.Kind != chat.Redacted || one.id == "" {
		d.thought(c, one)
		return
	}
	switch i := slices.IndexFunc(c.calls, func(call openCall) bool { return call.id == one.id }); {
	case i >= 0:
		d.emit(chat.Event{Kind: chat.PartDelta, Choice: c.index, Part: c.calls[i].part, Header: chat.Part{Origin: p.Origin}, Signature: p.Signature})
	case m.called(one.id) || p.Origin == OriginGemini && len(c.unbound) < maxCalls:
		c.unbound = append(c.unbound, *one)
	default:
		d.thought(c, one)
	}
}

func (d *decoder) thought(c *progress, one *detail) {
	p := one.part()
	if c.open == none || c.kind != p.Kind || p.Kind == chat.Redacted || c.thought != one.index {
		d.begin(c, chat.Part{Kind: p.Kind, Origin: p.Origin}, one.index)
	}
	if p.Text != "" || p.Signature != "" {
		d.emit(chat.Event{Kind: chat.PartDelta, Choice: c.index, Part: c.open, Delta: p.Text, Signature: p.Signature})
	}
	if p.Signature != "" {
		d.shut(c)
	}
}

// call takes a tool call or a piece of one. Pieces belong together by their index. Vendors that know no indexes, or give all calls
// the same one, send each call whole and with its own id.
func (d *decoder) call(c *progress, piece *callPiece) error {
	at := none
	for i := range c.calls { // of several with the same index the last one is meant
		if call := &c.calls[i]; call.index == piece.index && (piece.id == "" || piece.id == call.id) {
			at = i
		}
	}
	if at < 0 && piece.index < 0 && piece.id == "" {
		at = len(c.calls) - 1
	}
	if at < 0 {
		if len(c.calls) == maxCalls {
			return domain.Errorf(domain.CodeInvalid, "the answer has more than %d tool calls", maxCalls)
		}
		at = d.beginCall(c, piece)
	}
	if piece.arguments != "" {
		d.emit(chat.Event{Kind: chat.PartDelta, Choice: c.index, Part: c.calls[at].part, Delta: piece.arguments})
	}
	return nil
}

func (d *decoder) beginCall(c *progress, piece *callPiece) (at int) {
	d.shut(c)
	call := openCall{index: piece.index, part: c.parts, id: piece.id}
	c.parts++
	c.calls = append(c.calls, call)
	header := chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: piece.id, Name: piece.name}}
	signed := slices.IndexFunc(c.unbound, func(one detail) bool { return one.id == piece.id })
	if signed >= 0 {
		header.Origin = c.unbound[signed].part().Origin
	}
	d.emit(chat.Event{Kind: chat.PartBegan, Choice: c.index, Part: call.part, Header: header})
	if signed >= 0 {
		d.emit(chat.Event{Kind: chat.PartDelta, Choice: c.index, Part: call.part, Signature: c.unbound[signed].signature})
		c.unbound = slices.Delete(c.unbound, signed, signed+1)
	}
	return len(c.calls) - 1
}
