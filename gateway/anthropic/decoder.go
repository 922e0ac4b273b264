package anthropic

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

// decoder reads one stream of events.
type decoder struct {
	scanner scanner
	blocks  map[int64]*open // by their index
	parts   int             // how many have begun
	counts  counts
	begun   bool
	done    bool // it came to its end or broke
	finish  bool
}

// open is a block that is not at its end yet.
type open struct {
	part      int
	kind      chat.PartKind // 0 for one that has no place in the canonical form
	any       bool          // something of its text came
	signature []byte
}

// Decode implements chat.Decoder.
func (d *decoder) Decode(name string, data []byte, events []chat.Event) ([]chat.Event, error) {
	if d.done {
		return events, nil
	}
	e := event{kind: name, decoder: d}
	d.scanner.Lenient(data)
	defer d.scanner.Drop()
	if err := d.scanner.Whole(e.member); err != nil {
		return events, err
	}
	return e.events(events)
}

// End implements chat.Decoder. What stopped for a reason is whole, also without the last event.
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

func (d *decoder) begin(events []chat.Event, id string) []chat.Event {
	if d.begun {
		return events
	}
	d.begun = true
	return append(events, chat.Event{Kind: chat.Began, ID: id})
}

// start opens a block.
func (d *decoder) start(events []chat.Event, index int64, b *block) ([]chat.Event, error) {
	if d.blocks[index] != nil || len(d.blocks) == maxOpen {
		return events, strange("a block begins that is open, or too many are")
	}
	events = d.begin(events, "")
	header, ok := b.header()
	if !ok {
		d.blocks[index] = &open{part: -1}
		return events, nil
	}
	o := &open{part: d.parts, kind: header.Kind}
	d.parts++
	d.blocks[index] = o
	events = append(events, chat.Event{Kind: chat.PartBegan, Part: o.part, Header: header})
	switch header.Kind {
	case chat.Redacted:
		o.signature = append(o.signature, b.data...)
	case chat.ToolCall:
		return o.delta(events, b.arguments()), nil
	default:
		o.signature = append(o.signature, b.sign...)
		return o.delta(events, b.text), nil
	}
	return events, nil
}

func (o *open) delta(events []chat.Event, text string) []chat.Event {
	if text == "" {
		return events
	}
	o.any = true
	return append(events, chat.Event{Kind: chat.PartDelta, Part: o.part, Delta: text})
}

// more takes a piece of a block in. Kinds of pieces that are not known, citations among them, say nothing that the canonical form has.
func (d *decoder) more(events []chat.Event, index int64, p *piece) ([]chat.Event, error) {
	o := d.blocks[index]
	if o == nil {
		return events, strange("a piece comes of a block that is not open")
	}
	var of chat.PartKind
	switch p.kind {
	case "text_delta":
		of = chat.Text
	case "thinking_delta", "signature_delta":
		of = chat.Thinking
	case "input_json_delta":
		of = chat.ToolCall
	}
	switch {
	case o.kind == 0, of == 0:
		return events, nil
	case of != o.kind:
		return events, strange("a piece comes of another kind than its block")
	case p.kind != "signature_delta":
		return o.delta(events, p.text), nil
	case len(o.signature)+len(p.sign) > maxSignature:
		return events, strange("a signature is too long")
	}
	o.signature = append(o.signature, p.sign...)
	return events, nil
}

// stop ends a block.
func (d *decoder) stop(events []chat.Event, index int64) ([]chat.Event, error) {
	o := d.blocks[index]
	if o == nil {
		return events, strange("a block ends that is not open")
	}
	return d.close(events, index, o), nil
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

// indexOf reads a block's number; what is none gives the one that no block has.
func (s *scanner) indexOf() (int64, error) {
	raw, _, err := s.Value()
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	return math.MinInt64, nil
}
