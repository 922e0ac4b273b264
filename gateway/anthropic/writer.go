package anthropic

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// Writer writes what callers of this dialect are answered: the first choice, as the dialect has only one. Texts without a character
// are left out, because nobody could return them; a sound has no place. It keeps nothing, and may be used by many at once.
type Writer struct{}

var _ chat.Writer = Writer{}

// Answer appends a message.
func (Writer) Answer(dst []byte, a *chat.Answer, t *chat.Told, b *chat.Bill) []byte {
	w := writer{dst: dst}
	w.head(t)
	open := len(w.dst)
	var c chat.Choice
	if len(a.Choices) > 0 {
		c = a.Choices[0]
	}
	for i := range c.Parts {
		if p := &c.Parts[i]; shown(p.Kind) && (p.Text != "" || !isText(p.Kind)) {
			w.comma(open)
			w.shown(p, false)
			if p.Kind == chat.ToolCall && p.Signature != "" {
				w.comma(open)
				w.callSignature(p)
			}
		}
	}
	w.raw(`],`)
	w.stopped(c.Finish, c.Native, c.Stop)
	w.raw(`,"usage":`)
	w.dst = AppendUsage(w.dst, b)
	w.tail(t)
	return w.dst
}

// Stream begins to write a stream.
func (Writer) Stream(t *chat.Told) chat.Encoder { return &encoder{told: t, current: -1} }

// head writes a message up to its blocks.
func (w *writer) head(t *chat.Told) {
	w.raw(`{"id":`)
	w.text(t.ID)
	w.raw(`,"type":"message","role":"assistant","model":`)
	w.text(t.Model)
	w.raw(`,"content":[`)
}

// tail writes its end.
func (w *writer) tail(t *chat.Told) {
	w.raw(`,"provider":`)
	w.text(t.Provider)
	w.raw(`}`)
}

// stopped writes why it ended.
func (w *writer) stopped(f chat.Finish, native, stop string) {
	reason := stopReason(f, native, stop)
	w.raw(`"stop_reason":"` + reason + `","stop_sequence":`)
	if reason == "stop_sequence" && stop != "" {
		w.text(stop)
	} else {
		w.raw(`null`)
	}
}

func isText(kind chat.PartKind) bool { return kind == chat.Text || kind == chat.Refusal }

// shown says whether the dialect has a block for such a part.
func shown(kind chat.PartKind) bool {
	switch kind {
	case chat.Text, chat.Refusal, chat.Thinking, chat.Redacted, chat.ToolCall, chat.Image, chat.File:
		return true
	default:
		return false
	}
}

// shown writes a part of an answer as a block; begun: what deltas bring is left out.
func (w *writer) shown(p *chat.Part, begun bool) {
	body, signature := p.Text, sealed(p.Origin, p.Signature)
	if begun {
		body = ""
	}
	switch p.Kind {
	case chat.Thinking:
		if begun {
			signature = ""
		}
		w.raw(`{"type":"thinking","thinking":`)
		w.text(body)
		w.raw(`,"signature":`)
		w.text(signature)
	case chat.Redacted:
		w.raw(`{"type":"redacted_thinking","data":`)
		w.text(signature)
	case chat.ToolCall:
		w.toolUse(p.Call, begun)
	case chat.Image, chat.File:
		w.picture(p)
	default:
		w.raw(`{"type":"text","text":`)
		w.text(body)
	}
	w.raw(`}`)
}

// toolUse writes a call. Arguments that are no object, which the model made up, are told as they are: the dialect has objects only.
func (w *writer) toolUse(c *chat.Call, begun bool) {
	if c == nil {
		c = new(chat.Call)
	}
	w.raw(`{"type":"tool_use","id":`)
	w.text(c.ID)
	w.raw(`,"name":`)
	w.text(c.Name)
	w.raw(`,"input":`)
	switch arguments := strings.TrimSpace(c.Arguments); {
	case begun, arguments == "":
		w.raw(`{}`)
	case isObject(arguments):
		w.raw(arguments)
	default:
		w.raw(`{"invalid_arguments":`)
		w.text(c.Arguments)
		w.raw(`}`)
	}
}

// callSignature writes the block with the signature of a call before it.
func (w *writer) callSignature(p *chat.Part) {
	id := ""
	if p.Call != nil {
		id = p.Call.ID
	}
	w.raw(`{"type":"redacted_thinking","data":`)
	w.text(sealedCall(p.Origin, id, p.Signature))
	w.raw(`}`)
}

func (w *writer) picture(p *chat.Part) {
	m := p.Media
	if m == nil {
		m = new(chat.Media)
	}
	kind := "image"
	if p.Kind == chat.File {
		kind = "document"
	}
	w.raw(`{"type":"` + kind + `","source":`)
	if m.URL != "" {
		w.url(m.URL)
		return
	}
	w.base64(m)
}
