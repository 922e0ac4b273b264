package gemini

import (
	"bytes"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// Stream begins to read a stream of streamGenerateContent?alt=sse. Some models repeat a reason to finish in every event: a
// choice has a second Finished only if its reason changes, and the last one counts.
func (Reader) Stream() chat.Decoder { return new(decoder) }

// decoder reads one stream.
type decoder struct {
	w       walker
	c       chunk
	began   bool
	broken  bool
	seed    string
	choices []progress
}

// progress is how far a choice has come.
type progress struct {
	index  int
	parts  int // begun so far
	open   chat.PartKind
	calls  int
	finish chat.Finish
}

// Decode reads one event: an answer object with what is new.
func (d *decoder) Decode(_ string, data []byte, events []chat.Event) ([]chat.Event, error) {
	if string(bytes.TrimSpace(data)) == "[DONE]" { // of servers that imitate the dialect
		return events, nil
	}
	if err := d.c.read(&d.w, data); err != nil {
		return events, err
	}
	defer d.w.Drop()
	switch {
	case d.broken:
		return events, nil
	case d.c.failure != nil:
		d.broken = true
		return append(events, chat.Event{Kind: chat.Broken, Failure: d.c.failure}), nil
	case !d.c.shaped:
		return events, domain.Errorf(domain.CodeInvalid, "the event is no part of an answer")
	}
	if !d.began {
		d.began, d.seed = true, d.c.seed(data)
		events = append(events, chat.Event{Kind: chat.Began, ID: d.c.id, Created: d.c.created})
	}
	for i := range d.c.candidates {
		one := &d.c.candidates[i]
		p, err := d.progress(one.index)
		if err != nil {
			return events, err
		}
		for j := range one.pieces {
			events = d.piece(p, &one.pieces[j], events)
		}
		events = p.finished(one.native, events)
	}
	if d.c.block != "" && len(d.choices) == 0 {
		events = d.blocked(events)
	}
	if d.c.report.Given {
		events = append(events, chat.Event{Kind: chat.Reported, Report: d.c.report})
	}
	return events, nil
}

func (d *decoder) progress(index int) (*progress, error) {
	for i := range d.choices {
		if d.choices[i].index == index {
			return &d.choices[i], nil
		}
	}
	if len(d.choices) == MaxChoices {
		return nil, domain.Errorf(domain.CodeInvalid, "the stream has more than %d candidates", MaxChoices)
	}
	d.choices = append(d.choices, progress{index: index})
	return &d.choices[len(d.choices)-1], nil
}

// piece appends what a part means: text goes on with the part that is open if it is of the same kind, everything else is a
// part of its own. A signature ends the part that it belongs to.
func (d *decoder) piece(p *progress, one *piece, events []chat.Event) []chat.Event {
	delta := chat.Event{Kind: chat.PartDelta, Choice: p.index, Delta: one.text, Signature: one.signature}
	header := chat.Part{Kind: one.kind(), Origin: origin}
	switch {
	case one.call != nil:
		header.Kind = chat.ToolCall
		header.Call = &chat.Call{ID: one.call.ID, Name: one.call.Name}
		if header.Call.ID == "" {
			header.Call.ID = callID(d.seed, p.index, p.calls)
		}
		delta.Delta = one.call.Arguments
		p.calls++
	case one.media != nil:
		header.Kind, header.Media = mediaKind(one.media.MIME), one.media
		delta.Delta = ""
	case one.text == "" && one.signature == "":
		return events
	}
	whole := one.call != nil || one.media != nil
	if whole || p.open != header.Kind {
		events = p.end(events)
		events = append(events, chat.Event{Kind: chat.PartBegan, Choice: p.index, Part: p.parts, Header: header})
		p.open = header.Kind
		p.parts++
	}
	if delta.Delta != "" || delta.Signature != "" {
		delta.Part = p.parts - 1
		events = append(events, delta)
	}
	if whole || one.signature != "" {
		events = p.end(events)
	}
	return events
}

// end ends the part that is open.
func (p *progress) end(events []chat.Event) []chat.Event {
	if p.open == 0 {
		return events
	}
	p.open = 0
	return append(events, chat.Event{Kind: chat.PartEnded, Choice: p.index, Part: p.parts - 1})
}

// finished tells why a choice ended, if it did.
func (p *progress) finished(native string, events []chat.Event) []chat.Event {
	finish := finished(native, p.calls > 0)
	if finish == "" || finish == p.finish {
		return events
	}
	p.finish = finish
	return append(p.end(events), chat.Event{Kind: chat.Finished, Choice: p.index, Finish: finish, Native: native})
}

// blocked tells that the prompt was refused.
func (d *decoder) blocked(events []chat.Event) []chat.Event {
	d.choices = append(d.choices, progress{finish: chat.ContentFilter})
	return append(events, chat.Event{Kind: chat.Finished, Finish: chat.ContentFilter, Native: d.c.block})
}

// End ends what is open. Without a reason for each choice the stream was cut off, and there is no Ended.
func (d *decoder) End(events []chat.Event) []chat.Event {
	if d.broken || len(d.choices) == 0 {
		return events
	}
	proper := true
	for i := range d.choices {
		events = d.choices[i].end(events)
		proper = proper && d.choices[i].finish != ""
	}
	if !proper {
		return events
	}
	return append(events, chat.Event{Kind: chat.Ended})
}
