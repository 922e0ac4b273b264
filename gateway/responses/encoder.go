package responses

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Stream begins to write a stream of events. How the response ended is held back to the end.
func (Writer) Stream(t *chat.Told) chat.Encoder {
	return &encoder{response: response{told: t, status: inProgress}}
}

// encoder writes a stream. It keeps the whole answer, because the dialect says all of it again at the end.
type encoder struct {
	response
	sequence int64
	began    bool
	finish   chat.Finish
}

func (e *encoder) Encode(dst []byte, v *chat.Event) []byte {
	dst = e.begin(dst)
	if v.Choice != 0 {
		return dst
	}
	switch v.Kind {
	case chat.PartBegan:
		dst = e.partBegan(dst, v)
	case chat.PartDelta:
		if o, n := e.find(v.Part); o != nil {
			dst = e.delta(dst, o, n, v)
		}
	case chat.PartEnded:
		if o, n := e.find(v.Part); o != nil {
			dst = e.done(dst, o, n)
		}
	case chat.Finished:
		e.finish = v.Finish
	case chat.Began, chat.Reported, chat.Ended, chat.Broken:
	}
	return dst
}

// begin says that the response is under way.
func (e *encoder) begin(dst []byte) []byte {
	if e.began {
		return dst
	}
	e.began = true
	dst = e.whole(dst, "response.created")
	return e.whole(dst, "response.in_progress")
}

// event begins an event, up to the members of its own.
func (e *encoder) event(dst []byte, name string) []byte {
	dst = append(append(append(dst, "event: "...), name...), "\ndata: {\"type\":\""...)
	dst = strconv.AppendInt(append(append(dst, name...), `","sequence_number":`...), e.sequence, 10)
	e.sequence++
	return append(dst, ',')
}

func shut(dst []byte) []byte { return append(dst, "}\n\n"...) }

// whole says how the response stands.
func (e *encoder) whole(dst []byte, name string) []byte {
	return shut(e.append(append(e.event(dst, name), `"response":`...)))
}

// find finds the item of a part that is open.
func (e *encoder) find(part int) (*output, int) {
	for n := len(e.items) - 1; n >= 0; n-- {
		if o := e.items[n]; o.part == part && !o.done {
			return o, n
		}
	}
	return nil, 0
}

func (e *encoder) partBegan(dst []byte, v *chat.Event) []byte {
	h := v.Header
	if !says(h.Kind) {
		return dst
	}
	text := h.Text
	h.Text = ""
	o, n := newOutput(e.told.ID, len(e.items), v.Part, &h), len(e.items)
	if o.kind == chat.Text && h.Kind == chat.Image {
		text, o.text = string(o.text), nil
	} else if o.kind == chat.ToolCall {
		text, o.text = string(o.text), nil
	}
	e.items = append(e.items, o)
	dst = e.item(dst, "response.output_item.added", o, n, true)
	switch o.kind {
	case chat.Text, chat.Refusal:
		dst = e.part(dst, "response.content_part.added", o, n, true)
	case chat.Thinking:
		dst = e.part(dst, "response.reasoning_summary_part.added", o, n, true)
	case chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolCall, chat.ToolResult:
	}
	if text != "" {
		dst = e.text(dst, o, n, text)
	}
	return dst
}

// item says how an item stands.
func (e *encoder) item(dst []byte, name string, o *output, n int, empty bool) []byte {
	dst = strconv.AppendInt(append(e.event(dst, name), `"output_index":`...), int64(n), 10)
	return shut(o.append(append(dst, `,"item":`...), o.status(), empty))
}

// place begins an event about an item, up to the members of its own.
func (e *encoder) place(dst []byte, name string, o *output, n int) []byte {
	dst = jsonscan.AppendString(append(e.event(dst, name), `"item_id":`...), o.id)
	dst = strconv.AppendInt(append(dst, `,"output_index":`...), int64(n), 10)
	switch o.kind {
	case chat.Thinking:
		dst = append(dst, `,"summary_index":0`...)
	case chat.Text, chat.Refusal:
		dst = append(dst, `,"content_index":0`...)
	case chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolCall, chat.ToolResult:
	}
	return dst
}

func (e *encoder) part(dst []byte, name string, o *output, n int, empty bool) []byte {
	return shut(o.appendPart(append(e.place(dst, name, o, n), `,"part":`...), empty))
}

func (e *encoder) delta(dst []byte, o *output, n int, v *chat.Event) []byte {
	if v.Header.Origin != "" {
		o.origin = v.Header.Origin
	}
	if v.Signature != "" {
		o.signature = v.Signature
	}
	if v.Delta == "" {
		return dst
	}
	return e.text(dst, o, n, v.Delta)
}

// text takes a piece of text.
func (e *encoder) text(dst []byte, o *output, n int, text string) []byte {
	name, more := "", ""
	switch o.kind {
	case chat.Text:
		name, more = "response.output_text.delta", `,"logprobs":[]`
	case chat.Refusal:
		name = "response.refusal.delta"
	case chat.Thinking:
		name = "response.reasoning_summary_text.delta"
	case chat.ToolCall:
		name = "response.function_call_arguments.delta"
	case chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolResult:
		return dst
	}
	o.text = append(o.text, text...)
	dst = jsonscan.AppendString(append(e.place(dst, name, o, n), `,"delta":`...), text)
	return shut(append(dst, more...))
}

// done says that an item is whole. The signature of a call gets an item of its own.
func (e *encoder) done(dst []byte, o *output, n int) []byte {
	o.done = true
	switch o.kind {
	case chat.Text:
		dst = jsonscan.AppendString(append(e.place(dst, "response.output_text.done", o, n), `,"text":`...), string(o.text))
		dst = e.part(shut(append(dst, `,"logprobs":[]`...)), "response.content_part.done", o, n, false)
	case chat.Refusal:
		dst = jsonscan.AppendString(append(e.place(dst, "response.refusal.done", o, n), `,"refusal":`...), string(o.text))
		dst = e.part(shut(dst), "response.content_part.done", o, n, false)
	case chat.Thinking:
		dst = jsonscan.AppendString(append(e.place(dst, "response.reasoning_summary_text.done", o, n), `,"text":`...), string(o.text))
		dst = e.part(shut(dst), "response.reasoning_summary_part.done", o, n, false)
	case chat.ToolCall:
		dst = jsonscan.AppendString(append(e.place(dst, "response.function_call_arguments.done", o, n), `,"name":`...), o.call.Name)
		dst = shut(jsonscan.AppendString(append(dst, `,"arguments":`...), string(o.text)))
	case chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolResult:
	}
	dst = e.item(dst, "response.output_item.done", o, n, false)
	if o.kind == chat.ToolCall && o.signature != "" {
		at := len(e.items)
		s := newSignature(e.told.ID, at, o)
		e.items = append(e.items, s)
		dst = e.item(dst, "response.output_item.added", s, at, true)
		dst = e.item(dst, "response.output_item.done", s, at, false)
	}
	return dst
}

// End appends the end of a stream: the whole response.
func (e *encoder) End(dst []byte, b *chat.Bill) []byte {
	dst = e.begin(dst)
	e.bill = b
	e.end(e.finish)
	return e.whole(dst, "response."+e.status)
}

// Fail appends the end of a stream that broke: the response as far as it came. failure is what AppendError makes.
func (e *encoder) Fail(dst, failure []byte, b *chat.Bill) []byte {
	dst = e.begin(dst)
	e.status, e.reason, e.failure, e.bill = failed, "", failure, b
	return e.whole(dst, "response.failed")
}
