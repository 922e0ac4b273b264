package anthropic

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// callID is the identifier of a call as the vendor takes it.
func callID(id string) string { return turns.CallID(id, "toolu_", 0) }

func (w *writer) call(p *chat.Part, at turns.Place) error {
	arguments, err := turns.Arguments(p.Call, at)
	if err != nil {
		return err
	}
	w.Raw(`{"type":"tool_use","id":`)
	w.Text(callID(p.Call.ID))
	w.Raw(`,"name":`)
	w.Text(p.Call.Name)
	w.Raw(`,"input":`)
	w.Raw(arguments)
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.Raw(`}`)
	return nil
}

func (w *writer) result(p *chat.Part, at turns.Place) error {
	if err := turns.Answers(p.Result, at); err != nil {
		return err
	}
	w.Raw(`{"type":"tool_result","tool_use_id":`)
	w.Text(callID(p.Result.CallID))
	if err := w.resultContent(p.Result.Parts, at); err != nil {
		return err
	}
	if p.Result.Error {
		w.Raw(`,"is_error":true`)
	}
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.Raw(`}`)
	return nil
}

func (w *writer) resultContent(parts []chat.Part, at turns.Place) error {
	if len(parts) == 1 && parts[0].Kind == chat.Text && parts[0].CacheTTL == "" {
		if parts[0].Text != "" {
			w.Raw(`,"content":`)
			w.Text(parts[0].Text)
		}
		return nil
	}
	before := len(w.Dst)
	w.Raw(`,"content":[`)
	open := len(w.Dst)
	at.Result = true
	for i := range parts {
		if err := w.resultBlock(&parts[i], at, open); err != nil {
			return err
		}
	}
	if len(w.Dst) == open {
		w.Dst = w.Dst[:before]
		return nil
	}
	w.Raw(`]`)
	return nil
}

func (w *writer) resultBlock(p *chat.Part, at turns.Place, open int) error {
	if p.Kind == chat.Text && p.Text == "" {
		return nil
	}
	w.Comma(open)
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

func (w *writer) image(p *chat.Part, at turns.Place) error {
	m := p.Media
	if m.Detail == "low" {
		if err := w.Cannot(at.String()+".image_url.detail", "the vendor looks at all images closely"); err != nil {
			return err
		}
	}
	w.Raw(`{"type":"image","source":`)
	switch {
	case m.URL != "":
		addressed(&w.Builder, m.URL)
	case m.MIME == "image/jpeg", m.MIME == "image/png", m.MIME == "image/gif", m.MIME == "image/webp":
		encoded(&w.Builder, m)
	default:
		return chat.Unsupported(at.String(), "the vendor takes images of types image/jpeg, image/png, image/gif and image/webp")
	}
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.Raw(`}`)
	return nil
}

// document writes a PDF or a plain text; of what stands at an address the vendor takes PDFs only.
func (w *writer) document(p *chat.Part, at turns.Place) error {
	const pdf = "application/pdf"
	m := p.Media
	w.Raw(`{"type":"document","source":`)
	switch {
	case m.URL != "" && (m.MIME == "" || m.MIME == pdf):
		addressed(&w.Builder, m.URL)
	case m.URL == "" && m.MIME == pdf:
		encoded(&w.Builder, m)
	case m.URL == "" && m.MIME == "text/plain":
		plain, err := base64.StdEncoding.DecodeString(m.Data)
		if err != nil || !utf8.Valid(plain) {
			return chat.Unsupported(at.String(), "the file is no text in base64")
		}
		w.Raw(`{"type":"text","media_type":"text/plain","data":`)
		w.Text(string(plain))
		w.Raw(`}`)
	default:
		return chat.Unsupported(at.String(), "the vendor takes files of types application/pdf and text/plain")
	}
	if m.Name != "" {
		w.Raw(`,"title":`)
		w.Text(m.Name)
	}
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.Raw(`}`)
	return nil
}

// addressed writes a source that the vendor fetches.
func addressed(w *jsonscan.Builder, address string) {
	w.Raw(`{"type":"url","url":`)
	w.Text(address)
	w.Raw(`}`)
}

// encoded writes a source in base64.
func encoded(w *jsonscan.Builder, m *chat.Media) {
	w.Raw(`{"type":"base64","media_type":`)
	w.Text(m.MIME)
	w.Raw(`,"data":`)
	w.Text(m.Data)
	w.Raw(`}`)
}
