package gemini

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Writer writes what callers of this dialect are answered. A signature of another dialect's vendor is wrapped, so that
// ParseRequest knows whose it is when the caller returns it.
type Writer struct{}

// Answer appends a whole answer.
func (Writer) Answer(dst []byte, a *chat.Answer, t *chat.Told, b *chat.Bill) []byte {
	dst = append(dst, `{"candidates":[`...)
	for i := range a.Choices {
		c := &a.Choices[i]
		e := ending{index: c.Index, finish: c.Finish, native: c.Native}
		start := len(dst)
		dst = append(comma(dst), `{"content":{"parts":[`...)
		empty := len(dst)
		for j := range c.Parts {
			dst = e.part(dst, &c.Parts[j])
		}
		if len(dst) == empty {
			dst = e.append(dst[:start])
			continue
		}
		dst = e.tail(append(dst, `],"role":"model"}`...))
	}
	dst = append(dst, ']')
	if b != nil {
		dst = AppendUsage(key(dst, "usageMetadata"), b.Usage, b.Cost)
	}
	return appendTold(dst, t)
}

// appendTold ends an answer object with who answered.
func appendTold(dst []byte, t *chat.Told) []byte {
	dst = jsonscan.AppendString(key(dst, "modelVersion"), t.Model)
	dst = jsonscan.AppendString(key(dst, "responseId"), t.ID)
	return append(dst, '}')
}

// ending is how a choice ended, as far as that is known.
type ending struct {
	index  int
	finish chat.Finish
	native string
	broken string // calls that are none
}

// part appends a part as an element, nothing for one that says nothing. A call whose arguments are no object cannot be said:
// such a choice ends as Gemini's own do, with the text of the call in finishMessage.
func (e *ending) part(dst []byte, p *chat.Part) []byte {
	signature := wrap(p)
	object := func() []byte { return append(comma(dst), '{') }
	switch p.Kind {
	case chat.Text, chat.Refusal, chat.Thinking:
		if p.Text == "" && signature == "" {
			return dst
		}
		dst = jsonscan.AppendString(key(object(), "text"), p.Text)
		if p.Kind == chat.Thinking {
			dst = append(dst, `,"thought":true`...)
		}
	case chat.Redacted:
		dst = append(object(), `"text":"","thought":true`...)
	case chat.Image, chat.File, chat.Audio:
		if p.Media.Data != "" {
			dst = text(append(key(object(), "inlineData"), '{'), "mimeType", p.Media.MIME)
			dst = append(text(dst, "data", p.Media.Data), '}')
		} else {
			dst = text(append(key(object(), "fileData"), '{'), "mimeType", p.Media.MIME)
			dst = append(text(dst, "fileUri", p.Media.URL), '}')
		}
	case chat.ToolCall:
		arguments := trim(p.Call.Arguments)
		if arguments == "" {
			arguments = "{}"
		}
		if !isObject(arguments) {
			e.broken += "Malformed function call: " + p.Call.Name + "(" + p.Call.Arguments + ")"
			return dst
		}
		dst = append(key(object(), "functionCall"), '{')
		dst = text(text(dst, "id", p.Call.ID), "name", p.Call.Name)
		dst = raw(dst, "args", arguments)
		oneLine(dst[len(dst)-len(arguments):])
		dst = append(dst, '}')
	case chat.ToolResult: // no answer has one
		return dst
	}
	return append(text(dst, "thoughtSignature", signature), '}')
}

// append appends a candidate that says nothing but how it ended.
func (e *ending) append(dst []byte) []byte {
	return e.tail(append(comma(dst), `{"content":{"parts":[{"text":""}],"role":"model"}`...))
}

// tail ends a candidate.
func (e *ending) tail(dst []byte) []byte {
	switch {
	case e.broken != "":
		dst = text(text(dst, "finishReason", malformed), "finishMessage", e.broken)
	case e.finish != "":
		dst = text(dst, "finishReason", nativeOf(e.finish, e.native))
	}
	return append(appendInt(key(dst, "index"), e.index), '}')
}
