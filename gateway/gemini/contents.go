package gemini

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// turn is what the parts of one content have in common. Results stand alone: a turn of results has to follow that of its
// calls, with as many of them.
type turn struct {
	role    string
	results bool
}

// contents appends the messages, neighbours of one role together.
func (w *outgoing) contents(dst []byte) []byte {
	dst = append(key(dst, "contents"), '[')
	var now turn
	called := false // there is a call in this turn
	for i := range w.Messages {
		m := &w.Messages[i]
		if m.Role == chat.System {
			continue
		}
		w.at = i
		role := "user"
		if m.Role == chat.Assistant {
			role = "model"
		}
		for j := range m.Parts {
			p := &m.Parts[j]
			if !said(p) {
				continue
			}
			if next := (turn{role, p.Kind == chat.ToolResult}); next != now {
				if now.role != "" {
					dst = append(dst, "]}"...)
				}
				dst = append(append(append(comma(dst), `{"role":"`...), role...), `","parts":[`...)
				now, called = next, false
			}
			dst = w.part(append(comma(dst), '{'), p, m.Role, !called)
			dst = append(dst, '}')
			called = called || p.Kind == chat.ToolCall
		}
	}
	if now.role == "" {
		w.invalid("messages", "messages has nothing that a user or the assistant says")
		return append(dst, ']')
	}
	return append(dst, "]}]"...)
}

// said says whether a part reaches the model: not what is empty, and not what only another vendor can read.
func said(p *chat.Part) bool {
	switch p.Kind {
	case chat.Text, chat.Refusal, chat.Thinking:
		return p.Text != "" || signed(p)
	case chat.Redacted:
		return false
	case chat.Image, chat.File, chat.Audio, chat.ToolCall, chat.ToolResult:
	}
	return true
}

// signed says whether a part has a signature of a Gemini model.
func signed(p *chat.Part) bool { return p.Signature != "" && p.Origin == origin }

// part appends the members of a part. first: it would be the first call of its turn.
func (w *outgoing) part(dst []byte, p *chat.Part, role chat.Role, first bool) []byte {
	signature := ""
	if signed(p) {
		signature = p.Signature
	}
	switch p.Kind {
	case chat.Text, chat.Refusal:
		dst = jsonscan.AppendString(key(dst, "text"), p.Text)
	case chat.Thinking:
		dst = append(jsonscan.AppendString(key(dst, "text"), p.Text), `,"thought":true`...)
	case chat.Image, chat.File, chat.Audio:
		dst = w.media(dst, p)
	case chat.ToolCall:
		if role != chat.Assistant {
			w.invalid(w.here(""), "calls of tools stand in messages of the assistant")
		}
		if signature == "" && first && validates(w.o.Model) {
			signature = unsigned
		}
		dst = w.call(dst, p.Call)
	case chat.ToolResult:
		if role != chat.User {
			w.invalid(w.here(""), "results of tools do not stand in messages of the assistant")
		}
		dst = w.result(dst, p.Result)
	case chat.Redacted: // not said
	}
	return text(dst, "thoughtSignature", signature)
}

func (w *outgoing) call(dst []byte, c *chat.Call) []byte {
	w.names[c.ID] = c.Name
	arguments := trim(c.Arguments)
	switch {
	case arguments == "":
		arguments = "{}"
	case !isObject(arguments):
		w.invalid(w.here(".tool_calls.arguments"), "the arguments of a call are a JSON object")
	}
	dst = append(key(dst, "functionCall"), '{')
	dst = text(text(dst, "id", c.ID), "name", c.Name)
	return append(raw(dst, "args", arguments), '}')
}

// trim takes off what JSON has for blanks.
func trim(text string) string { return strings.Trim(text, " \t\r\n") }

// isObject says whether a text is a JSON object that everybody reads alike.
func isObject(text string) bool {
	return strings.HasPrefix(text, "{") && jsontext.Value(text).IsValid()
}

// result appends what a tool gave: a text that is a JSON object as it is, any other as "output", and one that tells of a
// failure as "error". Media stand beside it.
func (w *outgoing) result(dst []byte, r *chat.Result) []byte {
	name := w.names[r.CallID]
	if name == "" {
		name = r.Name
	}
	if name == "" {
		w.invalid(w.here(".tool_call_id"), "a result of a tool belongs to a call before it")
	}
	dst = append(key(dst, "functionResponse"), '{')
	dst = text(text(dst, "id", r.CallID), "name", name)
	var texts []string
	var media []byte
	for i := range r.Parts {
		p := &r.Parts[i]
		switch p.Kind {
		case chat.Text, chat.Refusal:
			texts = append(texts, p.Text)
		case chat.Image, chat.File, chat.Audio:
			if media == nil {
				media = []byte{'['}
			}
			media = append(w.media(append(comma(media), '{'), p), '}')
		default:
			w.invalid(w.here(".content"), "a result of a tool has text, images and files")
		}
	}
	dst = appendResponse(key(dst, "response"), strings.Join(texts, "\n"), r.Error)
	if media != nil {
		dst = raw(dst, "parts", append(media, ']'))
	}
	return append(dst, '}')
}

func appendResponse(dst []byte, said string, failed bool) []byte {
	switch object := trim(said); {
	case failed:
		dst = jsonscan.AppendString(append(dst, `{"error":`...), said)
	case isObject(object):
		return append(dst, object...)
	default:
		dst = jsonscan.AppendString(append(dst, `{"output":`...), said)
	}
	return append(dst, '}')
}

// media appends data with their type, or an address, which Google's servers fetch.
func (w *outgoing) media(dst []byte, p *chat.Part) []byte {
	m := p.Media
	if p.Kind == chat.Image {
		w.images++
		if m.Detail == "low" {
			w.low++
		}
	}
	switch {
	case m.Data != "":
		mime := m.MIME
		if mime == "" {
			mime = sniff(m.Data)
		}
		if mime == "" {
			w.invalid(w.here(".content"), "the type of an image, a file or a sound is not given")
		}
		dst = text(append(key(dst, "inlineData"), '{'), "mimeType", mime)
		return append(text(dst, "data", m.Data), '}')
	case m.URL == "":
		w.invalid(w.here(".content"), "an image, a file or a sound is empty")
	}
	dst = text(append(key(dst, "fileData"), '{'), "mimeType", m.MIME)
	return append(text(dst, "fileUri", m.URL), '}')
}

// sniff is the type of data in base64, "" if it does not show.
func sniff(data string) string {
	for _, known := range []struct {
		head string
		mime string
	}{
		{"iVBORw0KGgo", "image/png"},
		{"/9j/", "image/jpeg"},
		{"R0lGOD", "image/gif"},
		{"JVBERi", "application/pdf"},
		{"SUQz", "audio/mpeg"},
		{"T2dnU", "audio/ogg"},
		{"ZkxhQ", "audio/flac"},
	} {
		if strings.HasPrefix(data, known.head) {
			return known.mime
		}
	}
	if len(data) >= 16 && strings.HasPrefix(data, "UklGR") { // RIFF, whose kind stands behind the length
		switch data[11:16] {
		case "XRUJQ":
			return "image/webp"
		case "XQVZF":
			return "audio/wav"
		}
	}
	return ""
}
