package responses

import (
	"maps"
	"slices"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// What a stream may have.
const (
	maxItems = 10_000
	maxParts = 10_000
)

// Stream begins to read a stream of events.
func (Reader) Stream() chat.Decoder { return &decoder{items: make(map[int64]*itemState)} }

// decoder reads a stream. Each part begins with the first that is said of it and ends with its item.
type decoder struct {
	scanner scan.Scanner
	events  []chat.Event // while Decode runs
	items   map[int64]*itemState
	order   []*itemState
	parts   int // begun so far
	began   bool
	ended   bool
	calls   bool
}

// itemState is how far an item is.
type itemState struct {
	received
	open    map[int64]int // the parts that are open, by their place in the item
	summary int64         // the part of the summary that is under way
	told    bool          // something was said of it in pieces
	done    bool
}

// happening is an event as it stands.
type happening struct {
	kind                    string
	index, content, summary int64
	delta                   string
	item                    received
	response                *read
	failure                 *chat.Failure
	code, message, param    string
}

func (d *decoder) Decode(name string, data []byte, events []chat.Event) ([]chat.Event, error) {
	if d.ended || string(data) == "[DONE]" { // a mark that some vendors add
		return events, nil
	}
	s := &d.scanner
	s.Lenient(data)
	if s.Kind() != '{' {
		return events, domain.Errorf(domain.CodeInvalid, "an event is not a JSON object")
	}
	h := happening{kind: name}
	if err := h.read(s); err != nil {
		return events, err
	}
	if err := s.End(); err != nil {
		return events, err
	}
	d.events = events
	err := d.take(&h)
	events, d.events = d.events, nil
	return events, err
}

func (h *happening) read(s *scan.Scanner) error {
	return s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			h.kind, err = s.String()
		case "output_index":
			h.index, _, err = s.Whole(0, maxItems)
		case "content_index":
			h.content, _, err = s.Whole(0, maxParts)
		case "summary_index":
			h.summary, _, err = s.Whole(0, maxParts)
		case "delta":
			h.delta, err = s.String()
		case "item":
			h.item, err = readItem(s)
		case "response":
			h.response, err = readResponse(s)
		case "error":
			h.failure, err = readFailure(s)
		case "code":
			h.code, err = s.String()
		case "message":
			h.message, err = s.String()
		case "param":
			h.param, err = s.String()
		default:
			err = s.Skip()
		}
		return err
	})
}

func (d *decoder) emit(e chat.Event) { d.events = append(d.events, e) }

// take takes an event in; kinds that are not known mean nothing.
func (d *decoder) take(h *happening) error {
	d.begin(h.response)
	switch h.kind {
	case "response.output_item.added":
		return d.added(h)
	case "response.output_item.done":
		if err := d.added(h); err != nil {
			return err
		}
		d.done(d.items[h.index], &h.item)
	case "response.output_text.delta":
		return d.delta(h, chat.Text, h.content)
	case "response.refusal.delta":
		return d.delta(h, chat.Refusal, h.content)
	case "response.reasoning_summary_text.delta":
		return d.thought(h, h.summary)
	case "response.reasoning_text.delta":
		return d.thought(h, h.content)
	case "response.function_call_arguments.delta":
		return d.delta(h, chat.ToolCall, 0)
	case "response.completed", "response.incomplete", "response.failed":
		d.end(h)
	case "error":
		f := h.failure
		if f == nil {
			f = &chat.Failure{Type: "error", Code: h.code, Message: h.message, Param: h.param}
		}
		d.fail(f)
	}
	return nil
}

func (d *decoder) begin(r *read) {
	if d.began {
		return
	}
	d.began = true
	e := chat.Event{Kind: chat.Began}
	if r != nil {
		e.ID, e.Created = r.id, r.created
	}
	d.emit(e)
}

// added makes an item known; that of a call begins its part.
func (d *decoder) added(h *happening) error {
	it := d.items[h.index]
	if it == nil {
		it = &itemState{open: make(map[int64]int), received: h.item}
		d.items[h.index] = it
		d.order = append(d.order, it)
		if h.item.kind == "function_call" {
			d.calls = true
			return d.open(it, 0, chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: h.item.callID, Name: h.item.name}})
		}
	}
	return nil
}

// open begins a part of an item.
func (d *decoder) open(it *itemState, at int64, header chat.Part) error {
	if d.parts == maxParts {
		return domain.Errorf(domain.CodeInvalid, "the answer has more than %d parts", maxParts)
	}
	it.open[at] = d.parts
	d.emit(chat.Event{Kind: chat.PartBegan, Part: d.parts, Header: header})
	d.parts++
	return nil
}

// delta takes a piece of an item's part.
func (d *decoder) delta(h *happening, kind chat.PartKind, at int64) error {
	it := d.items[h.index]
	if it == nil || it.done || h.delta == "" || (kind == chat.ToolCall) != (it.kind == "function_call") {
		return nil
	}
	if _, ok := it.open[at]; !ok {
		header := chat.Part{Kind: kind}
		if kind == chat.Thinking {
			header.Origin = openai.OriginOpenAI
			if origin := openai.OriginOf(it.format); origin != "" {
				header.Origin = origin
			}
		}
		if err := d.open(it, at, header); err != nil {
			return err
		}
	}
	it.told = true
	d.emit(chat.Event{Kind: chat.PartDelta, Part: it.open[at], Delta: h.delta})
	return nil
}

// thought takes a piece of reasoning, whose parts become one.
func (d *decoder) thought(h *happening, part int64) error {
	it := d.items[h.index]
	if it != nil && it.told && part > it.summary && h.delta != "" {
		h.delta = between + h.delta
	}
	if it != nil {
		it.summary = part
	}
	return d.delta(h, chat.Thinking, 0)
}

// done ends an item. What was not said in pieces is said now.
func (d *decoder) done(it *itemState, whole *received) {
	if it.done {
		return
	}
	it.done = true
	switch {
	case it.kind == "message":
		for i := range whole.content {
			if _, ok := it.open[int64(i)]; !ok {
				d.whole(whole.content[i].part())
			}
		}
	case it.told && it.kind == "reasoning":
		if p := whole.thought(); p.Signature != "" {
			d.emit(chat.Event{Kind: chat.PartDelta, Part: it.open[0], Header: chat.Part{Origin: p.Origin}, Signature: p.Signature})
		}
	case it.told:
	case it.kind == "function_call":
		if whole.arguments != "" {
			d.emit(chat.Event{Kind: chat.PartDelta, Part: it.open[0], Delta: whole.arguments})
		}
	default:
		for _, p := range whole.parts() {
			d.whole(p)
		}
	}
	d.shut(it)
}

// whole says a part at once.
func (d *decoder) whole(p chat.Part) {
	if p.Kind == 0 {
		return
	}
	header := p
	header.Text, header.Signature = "", ""
	d.emit(chat.Event{Kind: chat.PartBegan, Part: d.parts, Header: header})
	if p.Text != "" || p.Signature != "" {
		d.emit(chat.Event{Kind: chat.PartDelta, Part: d.parts, Delta: p.Text, Signature: p.Signature})
	}
	d.emit(chat.Event{Kind: chat.PartEnded, Part: d.parts})
	d.parts++
}

// shut ends the parts of an item that are open, in their order.
func (d *decoder) shut(it *itemState) {
	for _, at := range slices.Sorted(maps.Keys(it.open)) {
		d.emit(chat.Event{Kind: chat.PartEnded, Part: it.open[at]})
	}
	clear(it.open)
}

// end takes the last event: why the response ended, and its usage.
func (d *decoder) end(h *happening) {
	r := h.response
	if r == nil {
		r = &read{status: completed}
	}
	for _, it := range d.order {
		d.shut(it)
	}
	if r.report.Given {
		d.emit(chat.Event{Kind: chat.Reported, Report: r.report})
	}
	if h.kind == "response.failed" {
		f := r.failure
		if f == nil {
			f = &chat.Failure{Type: failed}
		}
		d.fail(f)
		return
	}
	finish, native := r.finish(d.calls)
	d.emit(chat.Event{Kind: chat.Finished, Finish: finish, Native: native})
	d.emit(chat.Event{Kind: chat.Ended})
	d.ended = true
}

func (d *decoder) fail(f *chat.Failure) {
	d.ended = true
	d.emit(chat.Event{Kind: chat.Broken, Failure: f})
}

// End is the end of the bytes, which is proper only after the last event.
func (*decoder) End(events []chat.Event) []chat.Event { return events }
