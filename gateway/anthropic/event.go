package anthropic

import "github.com/massrouter/massrouter/gateway/chat"

// event is one event of a vendor's stream.
type event struct {
	decoder *decoder
	kind    string // its type; the event's name where the data does not say it
	index   int64
	id      string
	block   block
	piece   piece
	failure *chat.Failure
	told    bool // usage
}

// piece is a delta, of a block or of the message.
type piece struct {
	kind       string
	text       string
	sign       string
	stopReason string
	stop       string
}

// member reads one member of the data. Their names do not depend on the type, which may come last.
func (e *event) member(name []byte) (err error) {
	s := &e.decoder.scanner
	switch string(name) {
	case "type":
		return s.text(&e.kind)
	case "index":
		e.index, err = s.indexOf()
		return err
	case "message":
		_, err = s.Object(e.message)
		return err
	case "content_block":
		e.block, _, err = s.block()
		return err
	case "delta":
		_, err = s.Object(e.delta)
		return err
	case "usage":
		return e.usage()
	case "error":
		e.failure, err = s.failure()
		return err
	}
	return s.Skip()
}

// message is that of message_start.
func (e *event) message(name []byte) error {
	s := &e.decoder.scanner
	switch string(name) {
	case "id":
		return s.text(&e.id)
	case "usage":
		return e.usage()
	}
	return s.Skip()
}

func (e *event) usage() error {
	e.told = e.told || e.decoder.scanner.Kind() != 'n'
	_, err := e.decoder.counts.merge(&e.decoder.scanner)
	return err
}

func (e *event) delta(name []byte) error {
	s, p := &e.decoder.scanner, &e.piece
	switch string(name) {
	case "type":
		return s.text(&p.kind)
	case "text", "thinking", "partial_json":
		return s.text(&p.text)
	case "signature":
		return s.text(&p.sign)
	case "stop_reason":
		return s.text(&p.stopReason)
	case "stop_sequence":
		return s.text(&p.stop)
	}
	return s.Skip()
}

// events says what it means. The usage of message_start is none of the call: it was told before anything was produced.
func (e *event) events(events []chat.Event) ([]chat.Event, error) {
	d := e.decoder
	if e.failure != nil {
		d.done = true
		return append(events, chat.Event{Kind: chat.Broken, Failure: e.failure}), nil
	}
	switch e.kind {
	case "message_start":
		return d.begin(events, e.id), nil
	case "content_block_start":
		return d.start(events, e.index, &e.block)
	case "content_block_delta":
		return d.more(events, e.index, &e.piece)
	case "content_block_stop":
		return d.stop(events, e.index)
	case "message_delta":
		return e.last(d.begin(events, "")), nil
	case "message_stop":
		return d.end(d.begin(events, "")), nil
	case "error":
		d.done = true
		return append(events, chat.Event{Kind: chat.Broken, Failure: new(chat.Failure)}), nil
	}
	return events, nil // ping, and what may be new
}

func (e *event) last(events []chat.Event) []chat.Event {
	d := e.decoder
	if p := &e.piece; p.stopReason != "" && !d.finish {
		d.finish = true
		events = append(events, chat.Event{Kind: chat.Finished, Finish: FinishOf(p.stopReason), Native: p.stopReason, Stop: p.stop})
	}
	if e.told {
		events = append(events, chat.Event{Kind: chat.Reported, Report: d.counts.report()})
	}
	return events
}
