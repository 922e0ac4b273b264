package anthropic

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Writer writes what callers of this dialect are answered: the first choice, as the dialect has only one. Texts without a character
// are left out, because nobody could return them; a sound has no place. It keeps nothing, and may be used by many at once.
type Writer struct{}

var _ chat.Writer = Writer{}

// Answer appends a message.
func (Writer) Answer(dst []byte, a *chat.Answer, t *chat.Told, b *chat.Bill) []byte {
	w := answerWriter{jsonscan.Builder{Dst: dst}}
	w.head(t)
	open := len(w.Dst)
	var c chat.Choice
	if len(a.Choices) > 0 {
		c = a.Choices[0]
	}
	for i := range c.Parts {
		if p := &c.Parts[i]; shown(p.Kind) && (p.Text != "" || !isText(p.Kind)) {
			w.Comma(open)
			w.shown(p, false)
			if p.Kind == chat.ToolCall && p.Signature != "" {
				w.Comma(open)
				w.callSignature(p)
			}
		}
	}
	w.Raw(`],`)
	w.stopped(c.Finish, c.Native, c.Stop)
	w.Raw(`,"usage":`)
	w.Dst = AppendUsage(w.Dst, b)
	w.tail(t)
	return w.Dst
}

// Stream begins to write a stream.
func (Writer) Stream(t *chat.Told) chat.Encoder { return &encoder{told: t, current: -1} }

// answerWriter writes answers to callers.
type answerWriter struct{ jsonscan.Builder }

// head writes a message up to its blocks.
func (w *answerWriter) head(t *chat.Told) {
	w.Raw(`{"id":`)
	w.Text(t.ID)
	w.Raw(`,"type":"message","role":"assistant","model":`)
	w.Text(t.Model)
	w.Raw(`,"content":[`)
}

// tail writes its end.
func (w *answerWriter) tail(t *chat.Told) {
	w.Raw(`,"provider":`)
	w.Text(t.Provider)
	w.Raw(`}`)
}

// stopped writes why it ended.
func (w *answerWriter) stopped(f chat.Finish, native, stop string) {
	reason := stopReason(f, native, stop)
	w.Raw(`"stop_reason":"` + reason + `","stop_sequence":`)
	if reason == "stop_sequence" && stop != "" {
		w.Text(stop)
	} else {
		w.Raw(`null`)
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
func (w *answerWriter) shown(p *chat.Part, begun bool) {
	body, signature := p.Text, sealed(p.Origin, p.Signature)
	if begun {
		body = ""
	}
	switch p.Kind {
	case chat.Thinking:
		if begun {
			signature = ""
		}
		w.Raw(`{"type":"thinking","thinking":`)
		w.Text(body)
		w.Raw(`,"signature":`)
		w.Text(signature)
	case chat.Redacted:
		w.Raw(`{"type":"redacted_thinking","data":`)
		w.Text(signature)
	case chat.ToolCall:
		w.toolUse(p.Call, begun)
	case chat.Image, chat.File:
		w.picture(p)
	default:
		w.Raw(`{"type":"text","text":`)
		w.Text(body)
	}
	w.Raw(`}`)
}

// toolUse writes a call. Arguments that are no object, which the model made up, are told as they are: the dialect has objects only.
func (w *answerWriter) toolUse(c *chat.Call, begun bool) {
	if c == nil {
		c = new(chat.Call)
	}
	w.Raw(`{"type":"tool_use","id":`)
	w.Text(c.ID)
	w.Raw(`,"name":`)
	w.Text(c.Name)
	w.Raw(`,"input":`)
	switch arguments := strings.TrimSpace(c.Arguments); {
	case begun, arguments == "":
		w.Raw(`{}`)
	case turns.IsObject(arguments):
		w.Raw(arguments)
	default:
		w.Raw(`{"invalid_arguments":`)
		w.Text(c.Arguments)
		w.Raw(`}`)
	}
}

// callSignature writes the block with the signature of a call before it.
func (w *answerWriter) callSignature(p *chat.Part) {
	id := ""
	if p.Call != nil {
		id = p.Call.ID
	}
	w.Raw(`{"type":"redacted_thinking","data":`)
	w.Text(sealedCall(p.Origin, id, p.Signature))
	w.Raw(`}`)
}

func (w *answerWriter) picture(p *chat.Part) {
	m := p.Media
	if m == nil {
		m = new(chat.Media)
	}
	kind := "image"
	if p.Kind == chat.File {
		kind = "document"
	}
	w.Raw(`{"type":"` + kind + `","source":`)
	if m.URL != "" {
		addressed(&w.Builder, m.URL)
		return
	}
	encoded(&w.Builder, m)
}
