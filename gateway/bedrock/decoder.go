package bedrock

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

const (
	maxOpen      = 1024    // blocks at a time
	maxSignature = 1 << 20 // bytes of one signature, which is passed on whole
)

// decoder reads one stream. Usage comes in an event of its own behind the last one of the message, and is the end.
type decoder struct {
	scanner scanner
	blocks  map[int64]*open // by their index
	parts   int             // how many have begun
	begun   bool
	finish  bool // it is known why the message ended
	stopped bool // the message ended
	told    bool // usage
	done    bool // it came to its end or broke
}

// open is a block that is not at its end yet.
type open struct {
	part      int
	kind      chat.PartKind // 0 for one that has no place in the canonical form
	any       bool          // something of its text came
	signature []byte
}

// Decode implements chat.Decoder. name and data are those of frames.Frames.
func (d *decoder) Decode(name string, data []byte, events []chat.Event) ([]chat.Event, error) {
	if d.done {
		return events, nil
	}
	e := event{decoder: d, index: noIndex}
	d.scanner.Lenient(data)
	defer d.scanner.Drop()
	if err := d.scanner.Whole(e.member); err != nil {
		return events, err
	}
	return e.events(name, events)
}

// End implements chat.Decoder. What stopped for a reason is whole, also without its usage.
func (d *decoder) End(events []chat.Event) []chat.Event {
	if d.finish && !d.done {
		return d.end(events)
	}
	return events
}

func (d *decoder) end(events []chat.Event) []chat.Event {
	d.done = true
	left := slices.SortedFunc(maps.Keys(d.blocks), func(a, b int64) int { return cmp.Compare(d.blocks[a].part, d.blocks[b].part) })
	for _, index := range left {
		events = d.close(events, index, d.blocks[index])
	}
	return append(events, chat.Event{Kind: chat.Ended})
}

func (d *decoder) begin(events []chat.Event) []chat.Event {
	if d.begun {
		return events
	}
	d.begun = true
	return append(events, chat.Event{Kind: chat.Began})
}

// finished notes why the completion ended.
func (d *decoder) finished(events []chat.Event, reason string) []chat.Event {
	if d.stopped {
		return events
	}
	d.stopped = true
	if reason != "" {
		d.finish = true
		events = append(events, chat.Event{Kind: chat.Finished, Finish: FinishOf(reason), Native: reason})
	}
	if d.told {
		return d.end(events)
	}
	return events
}

// metadata has the usage.
func (d *decoder) metadata(events []chat.Event, told *counts) []chat.Event {
	if told.given {
		d.told = true
		events = append(events, chat.Event{Kind: chat.Reported, Report: told.report()})
	}
	if d.stopped {
		return d.end(events)
	}
	return events
}

// start opens a block. Only calls are announced; other blocks begin with their first delta.
func (d *decoder) start(events []chat.Event, index int64, b *block) ([]chat.Event, error) {
	if d.blocks[index] != nil || len(d.blocks) == maxOpen {
		return events, strange("a block begins that is open, or too many are")
	}
	if b.kind == 0 {
		d.blocks[index] = &open{part: -1}
		return events, nil
	}
	o := &open{part: d.parts, kind: b.kind}
	d.parts++
	d.blocks[index] = o
	return append(events, chat.Event{Kind: chat.PartBegan, Part: o.part, Header: b.header()}), nil
}

func (o *open) delta(events []chat.Event, text string) []chat.Event {
	if text == "" {
		return events
	}
	o.any = true
	return append(events, chat.Event{Kind: chat.PartDelta, Part: o.part, Delta: text})
}

// more takes a piece of a block in. Kinds of pieces that are not known, citations among them, say nothing that the canonical form has.
func (d *decoder) more(events []chat.Event, index int64, b *block) ([]chat.Event, error) {
	o := d.blocks[index]
	if o == nil && b.kind == chat.ToolCall {
		return events, strange("a piece comes of a call that did not begin")
	}
	if o == nil {
		var err error
		if events, err = d.start(events, index, b); err != nil {
			return events, err
		}
		o = d.blocks[index]
	}
	switch {
	case o.kind == 0, b.kind == 0:
		return events, nil
	case o.kind == chat.Redacted && b.kind == chat.Thinking:
	case o.kind != b.kind:
		return events, strange("a piece comes of another kind than its block")
	}
	if len(o.signature)+len(b.sign)+len(b.redacted) > maxSignature {
		return events, strange("a signature is too long")
	}
	o.signature = append(append(o.signature, b.sign...), b.redacted...)
	if o.kind == chat.Redacted {
		return events, nil
	}
	return o.delta(events, b.text+b.piece), nil
}

// stop ends a block; one that never began is nothing.
func (d *decoder) stop(events []chat.Event, index int64) ([]chat.Event, error) {
	if o := d.blocks[index]; o != nil {
		return d.close(events, index, o), nil
	}
	return events, nil
}

func (d *decoder) close(events []chat.Event, index int64, o *open) []chat.Event {
	delete(d.blocks, index)
	if o.kind == 0 {
		return events
	}
	if o.kind == chat.ToolCall && !o.any {
		events = o.delta(events, "{}")
	}
	if len(o.signature) > 0 {
		events = append(events, chat.Event{Kind: chat.PartDelta, Part: o.part, Signature: string(o.signature)})
	}
	return append(events, chat.Event{Kind: chat.PartEnded, Part: o.part})
}

func strange(what string) error { return domain.Errorf(domain.CodeInvalid, "%s", what) }

// noIndex is the number that no block has.
const noIndex = math.MinInt64

// indexOf reads a block's number.
func (s *scanner) indexOf() (int64, error) {
	raw, _, err := s.Value()
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	return noIndex, nil
}
