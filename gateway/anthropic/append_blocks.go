package anthropic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
)

// callID is the identifier of a call as the vendor takes it: its own alphabet. Any other one is replaced, always by the same.
func callID(id string) string {
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			const enough = 12
			h := sha256.Sum256([]byte(id))
			return "toolu_" + hex.EncodeToString(h[:enough])
		}
	}
	return id
}

// isObject says whether a text is a JSON object. The vendor is the judge of names that are in it twice.
func isObject(text string) bool {
	v := jsontext.Value(text)
	return v.Kind() == '{' && v.IsValid(jsontext.AllowDuplicateNames(true))
}

func (w *writer) call(p *chat.Part, at place) error {
	arguments := p.Call.Arguments
	if strings.TrimSpace(arguments) == "" {
		arguments = "{}"
	}
	field := "messages[" + strconv.Itoa(at.message) + "].tool_calls"
	switch {
	case p.Call.ID == "":
		return chat.Unsupported(field, "a call has no id")
	case !isObject(arguments):
		return chat.Unsupported(field, "the arguments of a call are no JSON object")
	}
	w.raw(`{"type":"tool_use","id":`)
	w.text(callID(p.Call.ID))
	w.raw(`,"name":`)
	w.text(p.Call.Name)
	w.raw(`,"input":`)
	w.raw(strings.TrimSpace(arguments))
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.raw(`}`)
	return nil
}

func (w *writer) result(p *chat.Part, at place) error {
	if p.Result.CallID == "" {
		return chat.Unsupported("messages["+strconv.Itoa(at.message)+"].tool_call_id", "a result names no call")
	}
	w.raw(`{"type":"tool_result","tool_use_id":`)
	w.text(callID(p.Result.CallID))
	if err := w.resultContent(p.Result.Parts, at); err != nil {
		return err
	}
	if p.Result.Error {
		w.raw(`,"is_error":true`)
	}
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.raw(`}`)
	return nil
}

func (w *writer) resultContent(parts []chat.Part, at place) error {
	if len(parts) == 1 && parts[0].Kind == chat.Text && parts[0].CacheTTL == "" {
		if parts[0].Text != "" {
			w.raw(`,"content":`)
			w.text(parts[0].Text)
		}
		return nil
	}
	before := len(w.dst)
	w.raw(`,"content":[`)
	open := len(w.dst)
	at.result = true
	for i := range parts {
		if err := w.resultBlock(&parts[i], at, open); err != nil {
			return err
		}
	}
	if len(w.dst) == open {
		w.dst = w.dst[:before]
		return nil
	}
	w.raw(`]`)
	return nil
}

func (w *writer) resultBlock(p *chat.Part, at place, open int) error {
	if p.Kind == chat.Text && p.Text == "" {
		return nil
	}
	w.comma(open)
	switch {
	case p.Kind == chat.Text:
		return w.textBlock(p)
	case p.Kind == chat.Image && p.Media != nil:
		return w.image(p, at)
	case p.Kind == chat.File && p.Media != nil:
		return w.document(p, at)
	}
	return chat.Unsupported(at.String(), "the vendor takes no such part in the result of a tool")
}

func (w *writer) image(p *chat.Part, at place) error {
	m := p.Media
	if m.Detail == "low" {
		if err := w.cannot(at.String()+".image_url.detail", "the vendor looks at all images closely"); err != nil {
			return err
		}
	}
	w.raw(`{"type":"image","source":`)
	switch {
	case m.URL != "":
		w.url(m.URL)
	case m.MIME == "image/jpeg", m.MIME == "image/png", m.MIME == "image/gif", m.MIME == "image/webp":
		w.base64(m)
	default:
		return chat.Unsupported(at.String(), "the vendor takes images of types image/jpeg, image/png, image/gif and image/webp")
	}
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.raw(`}`)
	return nil
}

// document writes a PDF or a plain text; of what stands at an address the vendor takes PDFs only.
func (w *writer) document(p *chat.Part, at place) error {
	const pdf = "application/pdf"
	m := p.Media
	w.raw(`{"type":"document","source":`)
	switch {
	case m.URL != "" && (m.MIME == "" || m.MIME == pdf):
		w.url(m.URL)
	case m.URL == "" && m.MIME == pdf:
		w.base64(m)
	case m.URL == "" && m.MIME == "text/plain":
		plain, err := base64.StdEncoding.DecodeString(m.Data)
		if err != nil || !utf8.Valid(plain) {
			return chat.Unsupported(at.String(), "the file is no text in base64")
		}
		w.raw(`{"type":"text","media_type":"text/plain","data":`)
		w.text(string(plain))
		w.raw(`}`)
	default:
		return chat.Unsupported(at.String(), "the vendor takes files of types application/pdf and text/plain")
	}
	if m.Name != "" {
		w.raw(`,"title":`)
		w.text(m.Name)
	}
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.raw(`}`)
	return nil
}

func (w *writer) url(address string) {
	w.raw(`{"type":"url","url":`)
	w.text(address)
	w.raw(`}`)
}

func (w *writer) base64(m *chat.Media) {
	w.raw(`{"type":"base64","media_type":`)
	w.text(m.MIME)
	w.raw(`,"data":`)
	w.text(m.Data)
	w.raw(`}`)
}
