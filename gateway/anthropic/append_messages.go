package anthropic

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
)

func (w *writer) system() error {
	var texts []*chat.Part
	cached := false
	err := w.System(func(p *chat.Part) error {
		texts, cached = append(texts, p), cached || p.CacheTTL != ""
		return nil
	})
	switch {
	case err != nil || len(texts) == 0:
		return err
	case cached:
		w.Raw(`,"system":[`)
		for i, p := range texts {
			if i > 0 {
				w.Raw(`,`)
			}
			if err := w.textBlock(p); err != nil {
				return err
			}
		}
		w.Raw(`]`)
		return nil
	}
	joint := texts[0].Text
	for _, p := range texts[1:] {
		joint += "\n\n" + p.Text
	}
	w.Raw(`,"system":`)
	w.Text(joint)
	return nil
}

func (w *writer) messages() error { return w.Messages(Origin, w.block) }

// block writes one part of a turn.
func (w *writer) block(role chat.Role, p *chat.Part, at turns.Place) error {
	user, assistant := role == chat.User, role == chat.Assistant
	switch {
	case p.Kind == chat.Text, p.Kind == chat.Refusal:
		return w.textBlock(p)
	case (p.Kind == chat.Thinking || p.Kind == chat.Redacted) && assistant:
		w.thinking(p)
		return nil
	case p.Kind == chat.ToolCall && p.Call != nil && assistant:
		return w.call(p, at)
	case p.Kind == chat.ToolResult && p.Result != nil && user:
		return w.result(p, at)
	case p.Kind == chat.Image && p.Media != nil && user:
		return w.image(p, at)
	case p.Kind == chat.File && p.Media != nil && user:
		return w.document(p, at)
	case p.Kind == chat.Audio:
		return chat.Unsupported(at.String(), "the vendor takes no sound")
	}
	return chat.Unsupported(at.String(), "the vendor takes no such part in a message of this role")
}

func (w *writer) textBlock(p *chat.Part) error {
	w.Raw(`{"type":"text","text":`)
	w.Text(p.Text)
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.Raw(`}`)
	return nil
}

// thinking is returned unmodified; the vendor takes no mark of its cache on it.
func (w *writer) thinking(p *chat.Part) {
	if p.Kind == chat.Redacted {
		w.Raw(`{"type":"redacted_thinking","data":`)
		w.Text(p.Signature)
	} else {
		w.Raw(`{"type":"thinking","thinking":`)
		w.Text(p.Text)
		w.Raw(`,"signature":`)
		w.Text(p.Signature)
	}
	w.Raw(`}`)
}
