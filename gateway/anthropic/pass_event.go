package anthropic

import (
	"bytes"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// The types of events that mean something to the gateway.
const (
	MessageStart = "message_start"
	MessageDelta = "message_delta" // has the usage, and is held back until that is charged
	MessageStop  = "message_stop"
	ErrorEvent   = "error"
)

// Event is what the gateway has to know of one event that passes through. It refers to the data, which must not change.
type Event struct {
	Type    string       // its type, the event's name where the data does not say it
	Report  meter.Report // of a MessageDelta: the usage of the stream so far
	Finish  string       // the stop_reason, as the vendor calls it
	Failure *chat.Failure

	data  []byte
	named named           // of a MessageStart
	usage jsonscan.Span   // of a MessageDelta
	veil  []jsonscan.Span // texts of thoughts that are left out
	mute  bool            // there is nothing else in it
	close int             // where the last brace stands
}

// ID is the vendor's own id, which a MessageStart has.
func (e *Event) ID() string { return textAt(e.data, e.named.id) }

// Silent says whether nothing is left of the event without its thoughts.
func (e *Event) Silent() bool { return e.mute }

// Event reads the data of one event of a stream, in their order; what was produced is added to p. name is the event's, "" if it has
// none.
func (s *Scanner) Event(name string, data []byte, p *meter.Produced) (Event, error) {
	data = oneLine(data)
	s.Lenient(data)
	defer s.Drop()
	e := Event{Type: name, data: data}
	var d passing
	before := s.counts
	err := s.Whole(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			return s.text(&e.Type)
		case "message":
			s.counts = counts{}
			_, err = s.Object(func(name []byte) error { return s.started(&e, name) })
			return err
		case "index":
			d.index, err = s.indexOf()
			return err
		case "content_block":
			return s.produced(&e.veil, p, int(d.index))
		case "delta":
			_, err = s.Object(func(name []byte) error { return s.piece(&e, &d, name) })
			return err
		case "usage":
			e.usage, err = s.counts.merge(&s.scanner)
			return err
		case "error":
			e.Failure, err = s.failure()
			return err
		}
		return s.Skip()
	})
	if err == nil && !isType(e.Type) {
		err = strange("an event has no type")
	}
	if err != nil {
		s.counts = before
		return e, err
	}
	d.add(p)
	e.mute = s.hide && d.thought != nil
	e.close = s.Last().To - 1
	switch {
	case e.Failure != nil:
		e.Type = ErrorEvent
	case e.Type == ErrorEvent:
		e.Failure = new(chat.Failure)
	}
	if e.Type == MessageDelta && s.counts.given {
		e.Report = s.counts.report()
	}
	return e, nil
}

// oneLine makes the ends of lines, which JSON has between tokens only, blanks: they would end the data.
func oneLine(data []byte) []byte {
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	data = bytes.ReplaceAll(data, []byte("\n"), []byte(" "))
	return bytes.ReplaceAll(data, []byte("\r"), []byte(" "))
}

// isType says whether a text can be the type of an event: it goes into a line of its own.
func isType(text string) bool {
	const longest = 64
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && c != '_' && (c < '0' || c > '9') {
			return false
		}
	}
	return text != "" && len(text) <= longest
}

func (s *Scanner) started(e *Event, name []byte) error {
	switch string(name) {
	case "id", "model", "provider":
		return s.name(&e.named, name)
	case "usage":
		_, err := s.counts.merge(&s.scanner)
		return err
	}
	return s.Skip()
}

// passing is a piece of a block.
type passing struct {
	index                  int64
	visible, thought, json []byte
}

func (s *Scanner) piece(e *Event, d *passing, name []byte) (err error) {
	switch string(name) {
	case "text":
		d.visible, err = s.quoted()
	case "thinking":
		d.thought, err = s.quoted()
	case "partial_json":
		d.json, err = s.quoted()
	case "stop_reason":
		return s.text(&e.Finish)
	default:
		return s.Skip()
	}
	return err
}

func (d *passing) add(p *meter.Produced) {
	p.Add(0, int(d.index), meter.Visible, d.visible)
	p.Add(0, int(d.index), meter.Reasoning, d.thought)
	p.Add(0, int(d.index), meter.CallArguments, d.json)
}
