package openai

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Writer writes canonical answers as chat completions, with what OpenRouter adds to them: the provider, native_finish_reason,
// reasoning and reasoning_details, images, and the cost in the usage. It is a chat.Writer and has no state.
type Writer struct{}

var _ chat.Writer = Writer{}

// Answer appends a whole chat completion.
func (Writer) Answer(dst []byte, a *chat.Answer, t *chat.Told, b *chat.Bill) []byte {
	dst = appendHead(dst, t, "chat.completion")
	dst = append(dst, `,"system_fingerprint":null,"choices":[`...)
	for i := range a.Choices {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendChoice(dst, &a.Choices[i])
	}
	dst = append(dst, ']')
	if b != nil {
		dst = AppendUsage(append(dst, `,"usage":`...), b.Usage, b.Cost)
	}
	return append(dst, '}')
}

// appendHead begins a completion or a chunk of one.
func appendHead(dst []byte, t *chat.Told, object string) []byte {
	var l scan.List
	dst = l.String(append(dst, '{'), "id", t.ID)
	dst = l.String(dst, "object", object)
	dst = l.Int(dst, "created", t.Created)
	dst = l.String(dst, "model", t.Model)
	return l.String(dst, "provider", t.Provider)
}

func appendChoice(dst []byte, c *chat.Choice) []byte {
	dst = strconv.AppendInt(append(dst, `{"index":`...), int64(c.Index), 10)
	dst = appendFinish(append(dst, `,"logprobs":null`...), c.Finish, c.Native)
	dst = append(dst, `,"message":`...)
	return append(appendAnswered(dst, c.Parts), '}')
}

// appendFinish appends why a choice ended, null while it has not.
func appendFinish(dst []byte, finish chat.Finish, native string) []byte {
	dst = appendOrNull(append(dst, `,"finish_reason":`...), string(finish))
	return appendOrNull(append(dst, `,"native_finish_reason":`...), native)
}

func appendOrNull(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	return jsonscan.AppendString(dst, text)
}

// appendAnswered appends the message of a choice.
func appendAnswered(dst []byte, parts []chat.Part) []byte {
	var l scan.List
	dst = l.String(append(dst, '{'), "role", string(chat.Assistant))
	dst = appendOrNull(l.Name(dst, "content"), textOf(parts, chat.Text))
	dst = appendOrNull(l.Name(dst, "refusal"), textOf(parts, chat.Refusal))
	if thought := textOf(parts, chat.Thinking); thought != "" {
		dst = l.String(dst, "reasoning", thought)
	}
	dst = appendDetails(&l, dst, parts)
	dst = appendCalls(&l, dst, parts)
	dst = appendImages(&l, dst, parts)
	return append(dst, '}')
}

// textOf joins the texts of one kind.
func textOf(parts []chat.Part, kind chat.PartKind) string {
	var text strings.Builder
	for i := range parts {
		if parts[i].Kind == kind {
			text.WriteString(parts[i].Text)
		}
	}
	return text.String()
}

func signed(p *chat.Part) bool { return p.Kind == chat.ToolCall && p.Call != nil && p.Signature != "" }

func appendDetails(l *scan.List, dst []byte, parts []chat.Part) []byte {
	index := 0
	for i := range parts {
		p, id := &parts[i], ""
		if signed(p) {
			id = p.Call.ID
		} else if p.Kind != chat.Thinking && p.Kind != chat.Redacted {
			continue
		}
		if index == 0 {
			dst = append(l.Name(dst, "reasoning_details"), '[')
		} else {
			dst = append(dst, ',')
		}
		dst = appendDetail(dst, p, id, index)
		index++
	}
	if index > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func appendCalls(l *scan.List, dst []byte, parts []chat.Part) []byte {
	first := true
	for i := range parts {
		p := &parts[i]
		if p.Kind != chat.ToolCall || p.Call == nil {
			continue
		}
		if first {
			dst = append(l.Name(dst, "tool_calls"), '[')
		} else {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendCall(dst, p.Call, none), '}')
	}
	if !first {
		dst = append(dst, ']')
	}
	return dst
}

// appendCall appends a call, but for its last brace. index is its number in a stream.
func appendCall(dst []byte, c *chat.Call, index int) []byte {
	var l, f scan.List
	dst = append(dst, '{')
	if index != none {
		dst = l.Int(dst, "index", int64(index))
	}
	dst = l.String(dst, "id", c.ID)
	dst = l.String(dst, "type", "function")
	dst = append(l.Name(dst, "function"), '{')
	dst = f.String(dst, "name", c.Name)
	dst = f.String(dst, "arguments", c.Arguments)
	return append(dst, '}')
}

func appendImages(l *scan.List, dst []byte, parts []chat.Part) []byte {
	first := true
	for i := range parts {
		p := &parts[i]
		if p.Kind != chat.Image || p.Media == nil {
			continue
		}
		if first {
			dst = append(l.Name(dst, "images"), '[')
		} else {
			dst = append(dst, ',')
		}
		first = false
		dst = appendImage(dst, p.Media)
	}
	if !first {
		dst = append(dst, ']')
	}
	return dst
}

func appendImage(dst []byte, m *chat.Media) []byte {
	var l scan.List
	dst = append(dst, `{"type":"image_url","image_url":{`...)
	dst = l.String(dst, "url", AddressOf(m, "image/png"))
	dst = l.Given(dst, "detail", m.Detail)
	return append(dst, "}}"...)
}
