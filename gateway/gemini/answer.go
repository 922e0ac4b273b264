package gemini

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// Reader reads what vendors of this dialect answer.
type Reader struct{}

// Answer reads a whole answer. A prompt that was refused is a choice without parts that ended by content_filter, with the
// blockReason as Native.
func (Reader) Answer(body []byte) (*chat.Answer, error) {
	var w walker
	var c chunk
	if err := c.read(&w, body); err != nil {
		return nil, err
	}
	a := &chat.Answer{ID: c.id, Created: c.created, Report: c.report}
	seed := c.seed(body)
	for i := range c.candidates {
		a.Choices = append(a.Choices, c.candidates[i].choice(seed))
	}
	switch {
	case len(a.Choices) == 0 && c.block != "":
		a.Choices = []chat.Choice{{Finish: chat.ContentFilter, Native: c.block}}
	case len(a.Choices) == 0:
		return nil, domain.Errorf(domain.CodeInvalid, "the answer has no candidates")
	}
	return a, nil
}

// choice makes a choice of a candidate.
func (c *candidate) choice(seed string) chat.Choice {
	choice := chat.Choice{Index: c.index, Native: c.native}
	calls := 0
	for i := range c.pieces {
		part, ok := c.pieces[i].part()
		if !ok {
			continue
		}
		if part.Call != nil {
			if part.Call.ID == "" {
				part.Call.ID = callID(seed, c.index, calls)
			}
			calls++
		}
		choice.Parts = append(choice.Parts, part)
	}
	choice.Finish = finished(c.native, calls > 0)
	return choice
}

// part makes a part of a piece, if there is something in it.
func (p *piece) part() (chat.Part, bool) {
	part := chat.Part{Signature: p.signature}
	if p.signature != "" {
		part.Origin = origin
	}
	switch {
	case p.call != nil:
		part.Kind, part.Call = chat.ToolCall, p.call
	case p.media != nil:
		part.Kind, part.Media = mediaKind(p.media.MIME), p.media
	default:
		part.Kind, part.Text = p.kind(), p.text
		return part, p.text != "" || p.signature != ""
	}
	return part, true
}
