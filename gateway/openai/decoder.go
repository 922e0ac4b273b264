package openai

import (
	"bytes"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// What one choice may have: tool calls, and parts of all kinds.
const (
	maxCalls = 4096
	maxParts = 10_000
)

// Stream begins to read a stream. Vendors that do not say why a choice ended have no Finished for it.
func (Canonical) Stream() chat.Decoder { return new(decoder) }

// decoder reads a stream of chunks.
type decoder struct {
	scanner  scan.Scanner
	message  message
	choices  []*progress
	events   []chat.Event // while Decode runs
	began    bool
	ended    bool
	finished int    // choices that have a reason
	tier     string // that the vendor served with, which not every chunk repeats
}

// progress is how far a choice is. Of thoughts, text and refusal one part is open at a time; calls stay open until the choice
// ends, because their pieces may come in any order.
type progress struct {
	index    int
	parts    int // begun so far
	open     int // the part that is open, or none
	kind     chat.PartKind
	thought  int64 // the index of the open thought among reasoning_details
	calls    []openCall
	unbound  []detail // signatures of calls that have not begun
	finished bool
}

const none = -1

type openCall struct {
	index, part int
	id          string
}

func (d *decoder) Decode(name string, data []byte, events []chat.Event) ([]chat.Event, error) {
	if d.ended {
		return events, nil
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("[DONE]")) {
		return d.end(events), nil
	}
	d.events = events
	err := d.chunk(name, data)
	events, d.events = d.events, nil
	return events, err
}

// End is the end of the bytes, proper when all choices have ended, also without the mark of the end.
func (d *decoder) End(events []chat.Event) []chat.Event {
	if d.ended || d.finished == 0 || d.finished < len(d.choices) {
		return events
	}
	return d.end(events)
}

func (d *decoder) end(events []chat.Event) []chat.Event {
	d.events = events
	if !d.began {
		d.emit(chat.Event{Kind: chat.Began})
	}
	for _, c := range d.choices {
		d.close(c)
	}
	events, d.events, d.ended = d.events, nil, true
	return append(events, chat.Event{Kind: chat.Ended})
}

func (d *decoder) emit(e chat.Event) { d.events = append(d.events, e) }

func (d *decoder) chunk(event string, data []byte) error {
	s := &d.scanner
	s.Lenient(data)
	if s.Kind() != '{' {
		return domain.Errorf(domain.CodeInvalid, "a chunk is not a JSON object")
	}
	var report meter.Report
	var failure *chat.Failure
	first := chat.Event{Kind: chat.Began}
	at := len(d.events)
	if !d.began {
		d.emit(first) // to be filled in: the id may stand behind the choices
	}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			first.ID, err = s.String()
		case "created":
			first.Created, _, err = s.Whole(0, maxTime)
		case "usage":
			err = readReport(s, &report)
		case "service_tier":
			report.Tier, err = s.String()
		case "error":
			failure, err = readFailure(s)
		case "choices":
			err = s.Array(func(i int) error { return d.choice(i, &report, &failure) })
		default:
			err = s.Skip()
		}
		return err
	})
	if err == nil {
		err = s.End()
	}
	if err != nil {
		d.events = d.events[:at]
		return err
	}
	switch {
	case d.began:
	case first.ID == "" && len(d.events) == at+1 && !report.Given && failure == nil:
		d.events = d.events[:at] // Azure's first chunk has a verdict about the prompt, and nothing of the answer
	default:
		d.events[at], d.began = first, true
	}
	if report.Tier != "" {
		d.tier = report.Tier
	}
	if report.Given {
		report.Tier = d.tier
		d.emit(chat.Event{Kind: chat.Reported, Report: report})
	}
	if failure == nil && event == "error" { // the error itself, with nothing around it
		s.Lenient(data)
		failure, _ = readFailure(s)
	}
	if failure != nil {
		d.ended = true
		d.emit(chat.Event{Kind: chat.Broken, Failure: failure})
	}
	return nil
}

func (d *decoder) choice(i int, report *meter.Report, failure **chat.Failure) error {
	said, err := d.message.choice(&d.scanner, "delta", i, report)
	if err != nil {
		return err
	}
	if said.failure != nil {
		*failure = said.failure
		return nil
	}
	c := d.progress(said.index)
	if c.finished {
		return nil // what comes after the end is padding
	}
	if err := d.delta(c, &d.message); err != nil || said.finish == "" {
		return err
	}
	calls := len(c.calls) > 0
	d.close(c)
	c.finished = true
	d.finished++
	d.emit(chat.Event{Kind: chat.Finished, Choice: c.index, Finish: finishOf(said.finish, calls), Native: said.native()})
	return nil
}

func (d *decoder) progress(index int) *progress {
	for _, c := range d.choices {
		if c.index == index {
			return c
		}
	}
	c := &progress{index: index, open: none}
	d.choices = append(d.choices, c)
	return c
}

func (d *decoder) delta(c *progress, m *message) error {
	known := false
	for i := range m.details {
		if m.details[i].known() {
			known = true
			d.detail(c, &m.details[i], m)
		}
	}
	if !known {
		d.piece(c, chat.Thinking, m.thought)
	}
	d.piece(c, chat.Text, m.text)
	d.piece(c, chat.Refusal, m.refusal)
	for i := range m.calls {
		if err := d.call(c, &m.calls[i]); err != nil {
			return err
		}
	}
	for i := range m.images {
		d.shut(c)
		d.emit(chat.Event{Kind: chat.PartBegan, Choice: c.index, Part: c.parts, Header: m.images[i]})
		d.emit(chat.Event{Kind: chat.PartEnded, Choice: c.index, Part: c.parts})
		c.parts++
	}
	if c.parts > maxParts {
		return domain.Errorf(domain.CodeInvalid, "the answer has more than %d parts", maxParts)
	}
	return nil
}
