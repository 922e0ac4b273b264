package gemini

import (
	"bytes"
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
)

// Stream begins to write a stream: events of nothing but data, each a whole answer object, because clients of this dialect
// take neither names nor comments. Calls are written whole, as Gemini does.
func (Writer) Stream(t *chat.Told) chat.Encoder {
	return &encoder{told: append(appendTold([]byte{'{'}, t)[1:], "\n\n"...)}
}

// encoder writes one stream.
type encoder struct {
	told    []byte // how each event ends
	open    []unfinished
	endings []ending
}

// unfinished is a part of which more may come. What cannot be said in pieces is kept.
type unfinished struct {
	choice, number int
	part           chat.Part
	arguments      []byte
}

// Encode appends the event that an event means to callers.
func (e *encoder) Encode(dst []byte, event *chat.Event) []byte {
	switch event.Kind {
	case chat.PartBegan:
		e.ending(event.Choice)
		u := unfinished{choice: event.Choice, number: event.Part, part: event.Header}
		u.part.Text = ""
		if u.part.Call != nil {
			u.arguments = []byte(u.part.Call.Arguments)
		}
		e.open = append(e.open, u)
	case chat.PartDelta:
		if i := e.find(event); i >= 0 {
			dst = e.delta(dst, &e.open[i], event)
		}
	case chat.PartEnded:
		if i := e.find(event); i >= 0 {
			dst = e.close(dst, &e.open[i])
			e.open = slices.Delete(e.open, i, i+1)
		}
	case chat.Finished:
		at := e.ending(event.Choice)
		at.finish, at.native = event.Finish, event.Native
	case chat.Began, chat.Reported, chat.Ended, chat.Broken:
	}
	return dst
}

// find is where an event's part is open, -1 if it is not.
func (e *encoder) find(event *chat.Event) int {
	return slices.IndexFunc(e.open, func(u unfinished) bool { return u.choice == event.Choice && u.number == event.Part })
}

// ending is the end of a choice, which may be still to come.
func (e *encoder) ending(choice int) *ending {
	i := slices.IndexFunc(e.endings, func(one ending) bool { return one.index == choice })
	if i < 0 {
		i = len(e.endings)
		e.endings = append(e.endings, ending{index: choice})
	}
	return &e.endings[i]
}

func (e *encoder) delta(dst []byte, u *unfinished, event *chat.Event) []byte {
	if event.Header.Origin != "" {
		u.part.Origin = event.Header.Origin // of a signature that was not known of when its part began
	}
	switch u.part.Kind {
	case chat.Text, chat.Refusal, chat.Thinking:
		piece := u.part
		piece.Text, piece.Signature = event.Delta, event.Signature
		return e.write(dst, u.choice, &piece)
	case chat.ToolCall:
		u.arguments = append(u.arguments, event.Delta...)
	case chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolResult:
	}
	u.part.Signature += event.Signature
	return dst
}

// close writes what was kept of a part.
func (e *encoder) close(dst []byte, u *unfinished) []byte {
	if u.part.Call != nil {
		u.part.Call = &chat.Call{ID: u.part.Call.ID, Name: u.part.Call.Name, Arguments: string(u.arguments)}
	}
	switch u.part.Kind {
	case chat.Text, chat.Refusal, chat.Thinking:
		return dst
	case chat.ToolCall, chat.Redacted, chat.Image, chat.File, chat.Audio, chat.ToolResult:
	}
	return e.write(dst, u.choice, &u.part)
}

// write appends an event with one part, nothing if the part says nothing.
func (e *encoder) write(dst []byte, choice int, p *chat.Part) []byte {
	start := len(dst)
	dst = append(dst, `data: {"candidates":[{"content":{"parts":[`...)
	empty := len(dst)
	if dst = e.ending(choice).part(dst, p); len(dst) == empty {
		return dst[:start]
	}
	dst = append(dst, `],"role":"model"},"index":`...)
	dst = append(appendInt(dst, choice), "}]"...)
	return append(comma(dst), e.told...)
}

// End appends the event with the reasons to finish, the usage and its cost.
func (e *encoder) End(dst []byte, b *chat.Bill) []byte {
	for i := range e.open {
		dst = e.close(dst, &e.open[i])
	}
	e.open = nil
	dst = append(dst, "data: {"...)
	if len(e.endings) > 0 {
		dst = append(key(dst, "candidates"), '[')
		for i := range e.endings {
			dst = e.endings[i].append(dst)
		}
		dst = append(dst, ']')
	}
	return e.bill(dst, b)
}

// bill ends an event with the usage.
func (e *encoder) bill(dst []byte, b *chat.Bill) []byte {
	if b != nil {
		dst = AppendUsage(key(dst, "usageMetadata"), b.Usage, b.Cost)
	}
	return append(comma(dst), e.told...)
}

// Fail appends the usage, if something is charged, and last the error, as AppendError makes it.
func (e *encoder) Fail(dst, failure []byte, b *chat.Bill) []byte {
	if b != nil {
		dst = e.bill(append(dst, "data: {"...), b)
	}
	return appendFailed(dst, failure)
}

// appendFailed appends the event with an error.
func appendFailed(dst, failure []byte) []byte {
	start := len(dst) + len("data: ")
	dst = append(append(dst, `data: {"error":`...), bytes.TrimSpace(failure)...)
	oneLine(dst[start:])
	return append(dst, "}\n\n"...)
}
