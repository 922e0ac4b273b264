package completion

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai"
)

// Writer writes canonical answers as completions: the text of each choice, and nothing of its thoughts. It is a chat.Writer and has no
// state.
type Writer struct{}

var _ chat.Writer = Writer{}

// Answer appends a whole completion.
func (Writer) Answer(dst []byte, a *chat.Answer, t *chat.Told, b *chat.Bill) []byte {
	dst = append(appendHead(dst, t), `,"choices":[`...)
	for i := range a.Choices {
		c := &a.Choices[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		text := ""
		for n := range c.Parts {
			if p := &c.Parts[n]; shown(p.Kind) {
				text += p.Text
			}
		}
		dst = appendChoice(dst, c.Index, text, c.Finish, c.Native)
	}
	dst = append(dst, ']')
	if b != nil {
		dst = openai.AppendUsage(append(dst, `,"usage":`...), b.Usage, b.Cost)
	}
	return append(dst, '}')
}

func shown(kind chat.PartKind) bool { return kind == chat.Text || kind == chat.Refusal }

func appendHead(dst []byte, t *chat.Told) []byte {
	dst = jsonscan.AppendString(append(dst, `{"id":`...), t.ID)
	dst = strconv.AppendInt(append(dst, `,"object":"text_completion","created":`...), t.Created, 10)
	dst = jsonscan.AppendString(append(dst, `,"model":`...), t.Model)
	return jsonscan.AppendString(append(dst, `,"provider":`...), t.Provider)
}

func appendChoice(dst []byte, index int, text string, finish chat.Finish, native string) []byte {
	dst = jsonscan.AppendString(append(dst, `{"text":`...), text)
	dst = strconv.AppendInt(append(dst, `,"index":`...), int64(index), 10)
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	if finish == "" {
		return append(dst, `null}`...)
	}
	dst = jsonscan.AppendString(dst, string(finish))
	if native != "" {
		dst = jsonscan.AppendString(append(dst, `,"native_finish_reason":`...), native)
	}
	return append(dst, '}')
}

// Stream begins a stream.
func (Writer) Stream(t *chat.Told) chat.Encoder {
	return &encoder{head: appendHead([]byte("data: "), t)}
}

// encoder writes one stream.
type encoder struct {
	head  []byte // how each chunk begins, up to its choices
	kinds []kind
}

// kind is what a part of a choice is.
type kind struct {
	choice, part int
	shown        bool
}

// Encode appends a chunk for a piece of text, and for the end of a choice.
func (e *encoder) Encode(dst []byte, v *chat.Event) []byte {
	switch v.Kind {
	case chat.PartBegan:
		e.kinds = append(e.kinds, kind{v.Choice, v.Part, shown(v.Header.Kind)})
	case chat.PartDelta:
		if v.Delta != "" && e.shows(v) {
			return e.chunk(dst, v.Choice, v.Delta, "", "")
		}
	case chat.Finished:
		return e.chunk(dst, v.Choice, "", v.Finish, v.Native)
	case chat.Began, chat.PartEnded, chat.Reported, chat.Ended, chat.Broken:
	}
	return dst
}

func (e *encoder) shows(v *chat.Event) bool {
	for i := range e.kinds {
		if k := &e.kinds[i]; k.choice == v.Choice && k.part == v.Part {
			return k.shown
		}
	}
	return false
}

func (e *encoder) chunk(dst []byte, choice int, text string, finish chat.Finish, native string) []byte {
	dst = append(append(dst, e.head...), `,"choices":[`...)
	return append(appendChoice(dst, choice, text, finish, native), "]}\n\n"...)
}

// End appends the chunk with the usage and the mark of the end.
func (e *encoder) End(dst []byte, b *chat.Bill) []byte {
	dst = openai.AppendUsage(append(append(dst, e.head...), `,"choices":[],"usage":`...), b.Usage, b.Cost)
	return append(dst, "}\n\ndata: [DONE]\n\n"...)
}

// Fail appends the chunk with the error.
func (e *encoder) Fail(dst, failure []byte, b *chat.Bill) []byte {
	return appendFailed(append(dst, e.head...), failure, b)
}

func appendFailed(dst, failure []byte, b *chat.Bill) []byte {
	dst = append(append(dst, `,"error":`...), failure...)
	dst = append(appendChoice(append(dst, `,"choices":[`...), 0, "", chat.Failed, "error"), ']')
	if b != nil {
		dst = openai.AppendUsage(append(dst, `,"usage":`...), b.Usage, b.Cost)
	}
	return append(dst, "}\n\n"...)
}
