package openai

import (
	"slices"
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Stream begins to write a stream of chunks.
func (Writer) Stream(t *chat.Told) chat.Encoder {
	return &encoder{head: append(appendHead([]byte("data: "), t, "chat.completion.chunk"), `,"choices":[`...)}
}

// encoder writes a stream of chunks. Nothing of the end is held back but the usage.
type encoder struct {
	head  []byte // how each chunk begins, up to its choices
	parts []written
	begun []int // choices whose role was said
}

// written is a part of a choice that was begun.
type written struct {
	choice, part int
	kind         chat.PartKind
	number       int // among the calls, or among the details, of its choice
	id, origin   string
}

const chunkEnd = "]}\n\n"

func (e *encoder) Encode(dst []byte, v *chat.Event) []byte {
	switch v.Kind {
	case chat.PartBegan:
		return e.began(dst, v)
	case chat.PartDelta:
		return e.delta(dst, v)
	case chat.Finished:
		dst = strconv.AppendInt(append(append(dst, e.head...), `{"index":`...), int64(v.Choice), 10)
		dst = append(dst, `,"delta":{},"logprobs":null`...)
		return append(append(appendFinish(dst, v.Finish, v.Native), '}'), chunkEnd...)
	case chat.Began, chat.PartEnded, chat.Reported, chat.Ended, chat.Broken:
	}
	return dst
}

// open begins a chunk of a choice, up to the first member of its delta.
func (e *encoder) open(dst []byte, choice int) []byte {
	dst = strconv.AppendInt(append(append(dst, e.head...), `{"index":`...), int64(choice), 10)
	dst = append(dst, `,"delta":{`...)
	if !slices.Contains(e.begun, choice) {
		e.begun = append(e.begun, choice)
		dst = append(dst, `"role":"assistant",`...)
	}
	return dst
}

func shutChunk(dst []byte) []byte {
	return append(append(append(dst, `},"logprobs":null`...), `,"finish_reason":null,"native_finish_reason":null}`...), chunkEnd...)
}

func (e *encoder) began(dst []byte, v *chat.Event) []byte {
	h := &v.Header
	w := written{choice: v.Choice, part: v.Part, kind: h.Kind, origin: h.Origin, number: e.count(v.Choice, h.Kind)}
	switch {
	case h.Kind == chat.ToolCall && h.Call != nil:
		w.id = h.Call.ID
		dst = e.open(dst, v.Choice)
		dst = append(appendCall(append(dst, `"tool_calls":[`...), h.Call, w.number), "}]"...)
		dst = shutChunk(dst)
	case h.Kind == chat.Image && h.Media != nil:
		dst = e.open(dst, v.Choice)
		dst = append(appendImage(append(dst, `"images":[`...), h.Media), ']')
		dst = shutChunk(dst)
	}
	e.parts = append(e.parts, w)
	if h.Signature != "" {
		dst = e.signature(dst, &w, h.Signature)
	}
	return dst
}

// count is how many parts of the kind, or of the kinds that are numbered with it, a choice has.
func (e *encoder) count(choice int, kind chat.PartKind) (n int) {
	thought := func(k chat.PartKind) bool { return k == chat.Thinking || k == chat.Redacted }
	for i := range e.parts {
		if w := &e.parts[i]; w.choice == choice && (w.kind == kind || thought(w.kind) && thought(kind)) {
			n++
		}
	}
	return n
}

func (e *encoder) find(choice, part int) *written {
	for i := len(e.parts) - 1; i >= 0; i-- {
		if w := &e.parts[i]; w.choice == choice && w.part == part {
			return w
		}
	}
	return nil
}

func (e *encoder) delta(dst []byte, v *chat.Event) []byte {
	w := e.find(v.Choice, v.Part)
	if w == nil {
		return dst
	}
	if v.Header.Origin != "" {
		w.origin = v.Header.Origin
	}
	if v.Delta != "" {
		dst = e.text(dst, w, v.Delta)
	}
	if v.Signature != "" {
		dst = e.signature(dst, w, v.Signature)
	}
	return dst
}

func (e *encoder) text(dst []byte, w *written, text string) []byte {
	switch w.kind {
	case chat.Text:
		dst = jsonscan.AppendString(append(e.open(dst, w.choice), `"content":`...), text)
	case chat.Refusal:
		dst = jsonscan.AppendString(append(e.open(dst, w.choice), `"refusal":`...), text)
	case chat.Thinking:
		dst = jsonscan.AppendString(append(e.open(dst, w.choice), `"content":"","reasoning":`...), text)
		dst = append(dst, `,"reasoning_details":[`...)
		dst = append(appendDetail(dst, &chat.Part{Kind: chat.Thinking, Text: text, Origin: w.origin}, "", w.number), ']')
	case chat.ToolCall:
		dst = strconv.AppendInt(append(e.open(dst, w.choice), `"tool_calls":[{"index":`...), int64(w.number), 10)
		dst = jsonscan.AppendString(append(dst, `,"function":{"arguments":`...), text)
		dst = append(dst, "}}]"...)
	case chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolResult:
		return dst
	}
	return shutChunk(dst)
}

// signature appends what proves a thought or a call.
func (e *encoder) signature(dst []byte, w *written, signature string) []byte {
	p := chat.Part{Kind: w.kind, Signature: signature, Origin: w.origin}
	index := w.number
	switch w.kind {
	case chat.Thinking, chat.Redacted:
	case chat.ToolCall:
		p.Kind, index = chat.Redacted, none
	case chat.Text, chat.Refusal, chat.Image, chat.File, chat.Audio, chat.ToolResult:
		return dst
	}
	dst = append(e.open(dst, w.choice), `"reasoning_details":[`...)
	return shutChunk(append(appendDetail(dst, &p, w.id, index), ']'))
}

// End appends the chunk with the usage, and the mark of the end.
func (e *encoder) End(dst []byte, b *chat.Bill) []byte {
	if b != nil {
		dst = append(append(dst, e.head...), `],"usage":`...)
		dst = append(AppendUsage(dst, b.Usage, b.Cost), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// Fail appends the chunk that ends a stream with an error, as OpenRouter does it: the error stands beside a choice that ended with
// one.
func (e *encoder) Fail(dst, failure []byte, b *chat.Bill) []byte {
	dst = append(append(dst, e.head...), `{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":"error"}],"error":`...)
	dst = append(dst, failure...)
	if b != nil {
		dst = AppendUsage(append(dst, `,"usage":`...), b.Usage, b.Cost)
	}
	return append(dst, "}\n\n"...)
}
