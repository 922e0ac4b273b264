package bedrock

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/frames"
)

// event is one event of a vendor's stream.
type event struct {
	decoder *decoder
	index   int64
	block   block
	reason  string
	message string // of an exception
	told    counts
}

// member reads one member of the payload. Their names do not depend on the kind of event.
func (e *event) member(name []byte) (err error) {
	s := &e.decoder.scanner
	switch string(name) {
	case "contentBlockIndex":
		e.index, err = s.indexOf()
		return err
	case "start", "delta":
		return e.block.read(s)
	case "stopReason":
		return s.text(&e.reason)
	case "usage":
		return e.told.read(s)
	case "serviceTier":
		return e.told.served(s)
	case "message", "Message":
		return s.text(&e.message)
	}
	return s.Skip()
}

// events says what an event of that name means.
func (e *event) events(name string, events []chat.Event) ([]chat.Event, error) {
	d := e.decoder
	if kind, ok := strings.CutPrefix(name, frames.Exception); ok {
		d.done = true
		return append(events, chat.Event{Kind: chat.Broken, Failure: &chat.Failure{Type: kind, Message: e.message}}), nil
	}
	switch name {
	case "messageStart":
		return d.begin(events), nil
	case "contentBlockStart":
		return d.start(d.begin(events), e.index, &e.block)
	case "contentBlockDelta":
		return d.more(d.begin(events), e.index, &e.block)
	case "contentBlockStop":
		return d.stop(events, e.index)
	case "messageStop":
		return d.finished(d.begin(events), e.reason), nil
	case "metadata":
		return d.metadata(d.begin(events), &e.told), nil
	}
	return events, nil // what may be new
}
